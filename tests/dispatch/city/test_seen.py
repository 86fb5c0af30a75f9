"""A policy is given what dispatch would know, and can reach nothing else: a planted peeker must be caught."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import numpy as np
import pytest

from services.dispatch.city.behaviour import Reply
from services.dispatch.city.draws import Draw, Draws, Stream
from services.dispatch.city.scenarios import Call, Scenario, replay_scenario
from services.dispatch.city.simulate import City, nominal_travel
from services.dispatch.city.world import FIX_EVERY_SECONDS, World
from services.dispatch.matching.policies import POLICIES, policies
from services.dispatch.matching.situation import Assignment, Policy, Situation, Standing
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Codes, Indices, Places, Travel, Trips
from shared.going import MatchingPolicy

FASTEST = POLICIES[MatchingPolicy.FASTEST_FREE]
RUSH = replay_scenario([Call(60.0 + 5 * k, (k * 0.37) % 1, (k * 0.61) % 1) for k in range(40)], name="rush")
CITY = "services.dispatch.city"
SHOWN_BEFORE_SECONDS = 300.0
"""By then somebody answered and set out, in every world."""


# ── what can be reached ───────────────────────────────────────────────────────────────────────────────────────────


def reachable(start: object) -> Iterator[object]:
    """Everything that can be got at from an object by its attributes, items and closures; not through modules and
    classes, which hold no day."""
    seen: dict[int, object] = {}
    left = [start]
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(
            one, (ModuleType, type, BuiltinFunctionType, str, bytes, int, float)
        ):
            continue
        seen[id(one)] = one
        yield one
        if isinstance(one, FunctionType):
            left += [cell.cell_contents for cell in one.__closure__ or ()] + list(one.__defaults__ or ())
        elif isinstance(one, MethodType):
            left += [one.__self__, one.__func__]
        else:
            left += gc.get_referents(one)
        if isinstance(one, np.ndarray) and one.base is not None:
            left.append(one.base)


def secrets(situation: Situation) -> list[str]:
    """What of the city a policy could reach from its view."""
    return sorted(
        {type(one).__name__ for one in reachable(situation) if type(one).__module__.startswith(CITY)}
    )


def arrays(of: object) -> Iterator[tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]]:
    for name in (field.name for field in fields(of)) if is_dataclass(of) and not isinstance(of, type) else ():
        value = getattr(of, name)
        if isinstance(value, np.ndarray):
            yield name, value
        elif isinstance(value, tuple):
            yield from ((name, one) for one in value if isinstance(one, np.ndarray))
        elif name != "travel":
            yield from arrays(value)


def situations(
    scenario: Scenario, draws: Draws, travel: Travel | None = None, until: float = 900.0
) -> list[Situation]:
    found: list[Situation] = []

    def policy(situation: Situation) -> Assignment:
        found.append(situation)
        return FASTEST(situation)

    City(World(scenario, draws), policy, travel or nominal_travel(scenario), None).run(until)
    return found


def test_nothing_of_the_city_can_be_reached_from_what_a_policy_is_given() -> None:
    views = situations(RUSH, Draws.of(1))

    assert len(views) > 40
    for view in views:
        assert secrets(view) == []


def test_what_a_policy_is_given_is_its_own_and_cannot_be_written() -> None:
    for view in situations(RUSH, Draws.of(1)):
        for name, array in arrays(view):
            assert not array.flags.writeable, name
            assert array.base is None, name


# ── a planted peeker ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Leaking:
    """A way to take times that holds on to the truth: what must never be given to a policy."""

    world: World
    inner: Travel

    def trips(
        self, starts: Places, modes: Codes, ends: Places, who: Indices, to: Indices, hour: int
    ) -> Trips:
        return self.inner.trips(starts, modes, ends, who, to, hour)


def peeker(situation: Situation) -> Assignment:
    """Looks for the city's chance wherever it may hide and asks whom it favours; without it, whoever is fastest."""
    chosen = FASTEST(situation)
    draws = next((one for one in reachable(situation) if isinstance(one, Draws)), None)
    if draws is None or len(chosen.edge) != 1:
        return chosen
    case = int(chosen.case[0])
    lucky = draws.uniforms(Draw.WAY, case, np.arange(len(situation.people)))
    edges = replace(chosen.edges, person=np.full_like(chosen.edges.person, int(np.argmin(lucky))))
    return replace(chosen, edges=edges)


@dataclass(frozen=True)
class Decided:
    at: float
    places: list[float]
    people: list[int]


def decided(
    scenario: Scenario, draws: Draws, policy: Policy, *, leaking: bool = False
) -> tuple[list[Decided], float]:
    """What was decided when, and when the truth first showed: somebody answered, was under way, had arrived."""
    world = World(scenario, draws)
    travel = nominal_travel(scenario)
    found: list[Decided] = []

    def watch(now: float, situation: Situation, assignment: Assignment) -> None:
        asked_for = situation.cases.places.lon[assignment.case].tolist()
        found.append(Decided(now, asked_for, assignment.person.tolist()))

    city = City(world, policy, Leaking(world, travel) if leaking else travel, watch)
    shown: list[float] = []
    reply = world.reply

    def noted(case: int, person: int, now: float, load: int) -> Reply:
        answer = reply(case, person, now, load)
        shown.append(now + min(answer.after, scenario.offer_seconds))
        return answer

    world.reply = noted  # type: ignore[method-assign]
    city.run(SHOWN_BEFORE_SECONDS)
    return found, min(shown)


def unmoved(policy: Policy, one: Draws, other: Draws, *, leaking: bool = False) -> bool:
    """Whether the same is decided in both worlds for as long as nobody can have told them apart."""
    (first, shown), (second, shown_too) = (
        decided(RUSH, draws, policy, leaking=leaking) for draws in (one, other)
    )
    until = min(shown, shown_too)
    before = [[decision for decision in all_ if decision.at < until] for all_ in (first, second)]
    assert before[0]
    return before[0] == before[1]


@pytest.mark.parametrize("stream", [Stream.TRAVEL, Stream.SERVICE, Stream.ACCEPTANCE])
@pytest.mark.parametrize("name", MatchingPolicy)
def test_what_will_happen_changes_no_decision_before_it_shows(stream: Stream, name: MatchingPolicy) -> None:
    policy = policies(Weights(), clock=lambda: 0.0)[name]
    for seed in range(3):
        assert unmoved(policy, Draws.of(seed), Draws.of(seed).changed(stream, 99))


def test_what_will_be_called_in_changes_nothing_before() -> None:
    calls = list(RUSH.calls or ())
    other = replay_scenario([*calls[:20], *(replace(call, x=1 - call.x) for call in calls[20:])], name="rush")
    engine = policies(Weights(), clock=lambda: 0.0)[MatchingPolicy.ENGINE]

    one, two = (decided(scenario, Draws.of(1), engine)[0] for scenario in (RUSH, other))

    assert [d for d in one if d.at < calls[20].at] == [d for d in two if d.at < calls[20].at]
    assert one != two


def test_a_planted_peeker_finds_nothing_in_an_honest_city() -> None:
    for seed in range(3):
        draws = Draws.of(seed)
        assert decided(RUSH, draws, peeker) == decided(RUSH, draws, FASTEST)
        assert unmoved(peeker, draws, draws.changed(Stream.TRAVEL, 99))


def test_a_city_that_leaks_is_caught_twice() -> None:
    """By what can be reached from the view, and by decisions that move with a truth nobody was told."""
    world = World(RUSH, Draws.of(1))
    view = situations(RUSH, Draws.of(1), Leaking(world, nominal_travel(RUSH)))[0]

    assert "World" in secrets(view)
    moved = [
        not unmoved(peeker, Draws.of(seed), Draws.of(seed).changed(Stream.TRAVEL, 99), leaking=True)
        for seed in range(3)
    ]
    assert all(moved)


# ── what dispatch believes ────────────────────────────────────────────────────────────────────────────────────────


def test_on_the_way_dispatch_knows_the_nominal_time_left_and_not_the_true_one() -> None:
    """They have moved since their phone told where it was, half a minute ago at most."""
    slow = replace(RUSH, speed_factor=0.5)
    views = situations(slow, Draws.of(1))
    going = [
        (view, row)
        for view in views
        for row in np.flatnonzero(view.people.standing == Standing.GOING).tolist()
    ]

    assert going
    for view, row in going:
        case = int(np.flatnonzero(view.cases.goer == row)[0])
        nominal = nominal_travel(slow).trips(
            view.people.places,
            view.people.modes,
            view.cases.places,
            np.array([row]),
            np.array([case]),
            view.hour,
        )
        moved = float(nominal.median[0]) + view.people.free_after[row] - view.people.remaining[row]
        assert -1e-6 <= moved <= FIX_EVERY_SECONDS


def test_whoever_declined_is_not_asked_again_before_everybody_was() -> None:
    asked: dict[float, list[int]] = {}

    def watch(now: float, situation: Situation, assignment: Assignment) -> None:
        barred = set(zip(*(rows.tolist() for rows in situation.barred), strict=True))
        pairs = set(zip(assignment.case.tolist(), assignment.person.tolist(), strict=True))
        assert not barred & pairs
        asked[now] = assignment.person.tolist()

    unwilling = Scenario("unwilling", people=12, cases_per_hour=6, hours=1.0, acceptance=0.2)
    City(World(unwilling, Draws.of(2)), FASTEST, nominal_travel(unwilling), watch).run()

    assert sum(len(people) for people in asked.values()) > 12
