"""L1: the same day in arrays, with who was asked when."""

from __future__ import annotations

from dataclasses import replace

from bench.city_live.cast import Cast
from bench.city_live.compare import Ask, Fate, Played
from services.dispatch.city.lessons import Lessons, SetOut
from services.dispatch.city.seen import Seen
from services.dispatch.city.simulate import City
from services.dispatch.city.world import World
from services.dispatch.matching.situation import Policy
from services.dispatch.travel.straight import StraightLine


class _Unlearning(Lessons):
    def arrived(self, trip: SetOut, hour: int, now: float) -> None:
        """Services learn nothing of ways while the clock is simulated."""


class _Seen(Seen):
    def __init__(self, world: World) -> None:
        travel = StraightLine()
        super().__init__(world.roster, travel, world.scenario.starts_at_hour)
        self._lessons = _Unlearning(travel)


class _Traced(City):
    def __init__(self, world: World, policy: Policy) -> None:
        super().__init__(world, policy, StraightLine(), None)
        self.seen = _Seen(world)
        self.asks: list[list[Ask]] = [[] for _ in range(len(world.demand))]

    def _offer(self, case: int, person: int) -> None:
        self.asks[case].append(Ask(self.now, person))
        super()._offer(case, person)


def arrays_day(cast: Cast, policy: Policy) -> Played:
    """The city's simulator knows no more than a system that was set up this morning: nothing of the nights before, and
    of ways what the services believe. Nobody is told where to wait: no street of the live city advises either."""
    world = World(cast.scenario, cast.draws)
    world.roster = replace(world.roster, nights=0.0 * world.roster.nights)
    city = _Traced(world, policy)
    city.run()
    fates = tuple(
        Fate(registered, arrived, tuple(asks))
        for registered, arrived, asks in zip(
            cast.demand.registered.tolist(), city.arrived.tolist(), city.asks, strict=True
        )
    )
    return Played(fates, int(city.swaps.sum()), int(city.takeovers.sum()))
