"""Who plays in one day of the city: its ground, its people and its calls, as services/dispatch/city draws them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from bench.city_live.ground import Dweller, Ground
from services.dispatch.city import ground as city
from services.dispatch.city.demand import NO_SKILL, Demand, demand
from services.dispatch.city.draws import Draws
from services.dispatch.city.people import Held, Roster, roster
from services.dispatch.city.scenarios import SCENARIOS, Scenario
from services.dispatch.travel.model import MODES
from services.registry.defaults.calendar import TIME_ZONE
from shared.things import Point
from shared.vocabulary import Post

A_DAY = date(2026, 11, 20)
"""A Friday without anything special in the calendar."""

CATEGORY = "other-emergency"
SKILLED = (
    ("electrics", "street-lamp"),
    ("plumbing", "flooding"),
    ("mediation", "family-violence"),
    ("elder-care", "lost-person"),
)
"""What the city's skills are called in the catalogue, and an emergency whose category wishes for each."""

POSTS = {
    Held.A: Post.A,
    Held.B: Post.B,
    Held.LEADER: Post.LEADER,
    Held.WORKER: Post.WORKER,
    Held.VOLUNTEER: Post.WORKER,
}
"""The city's policies do not tell volunteers from workers; in the service a volunteer's acceptance leaves the grid's
holder owner, and a second person would come in that the city does not have."""


@dataclass(frozen=True)
class Call:
    """`seconds` from the start of the day."""

    number: int
    seconds: float
    lon: float
    lat: float
    category: str


@dataclass(frozen=True)
class Cast:
    """`words` name this day to the program that seeds it. A dweller's number is the person's row in the roster."""

    words: tuple[str, ...]
    scenario: Scenario
    draws: Draws
    demand: Demand
    roster: Roster

    @property
    def begins_at(self) -> datetime:
        local = datetime.combine(A_DAY, time(self.scenario.starts_at_hour), ZoneInfo(TIME_ZONE))
        return local.astimezone(UTC)

    @property
    def rostered_until(self) -> datetime:
        return self.moment(float(self.roster.ends.max()))

    @property
    def ground(self) -> Ground:
        edges = np.array([0.0, city.SIDE_M])
        corners = city.places(edges, edges)
        west, east, south, north = map(float, (*corners.lon, *corners.lat))
        return Ground((west, south, east, north), city.ACROSS)

    def person_id(self, number: int) -> str:
        return f"p-{number + 1:03d}"

    def room_id(self, number: int) -> str:
        return f"room-{number + 1:03d}"

    def moment(self, seconds: float) -> datetime:
        return self.begins_at + timedelta(seconds=seconds)

    def calls(self) -> list[Call]:
        spots = city.places(self.demand.x, self.demand.y)
        rows = zip(
            self.demand.registered.tolist(),
            spots.lon.tolist(),
            spots.lat.tolist(),
            self.demand.skill.tolist(),
            strict=True,
        )
        return [
            Call(number, at, lon, lat, CATEGORY if skill == NO_SKILL else SKILLED[skill][1])
            for number, (at, lon, lat, skill) in enumerate(rows)
        ]

    def dwellers(self) -> list[Dweller]:
        return [self._dweller(number) for number in range(len(self.roster))]

    def _dweller(self, number: int) -> Dweller:
        of = self.roster
        base = city.places(of.base_x[[number]], of.base_y[[number]])
        return Dweller(
            id=self.person_id(number),
            mode=MODES[of.modes[number]],
            base=Point(lon=float(base.lon[0]), lat=float(base.lat[0])),
            posts=self._posts(number),
            room=self.room_id(number),
            skills=tuple(skill for (skill, _), has in zip(SKILLED, of.skills[number], strict=True) if has),
            turns=((self.moment(float(of.starts[number])), self.moment(float(of.ends[number]))),),
        )

    def _posts(self, number: int) -> tuple[tuple[Post, int], ...]:
        """Their own grid's first, then those grids that they look after because they have nobody of their own."""
        of, held = self.roster, Held(int(self.roster.post[number]))
        own = (POSTS[held], int(of.grid[number]))
        if held not in (Held.A, Held.B, Held.LEADER):
            return (own,)
        others = np.flatnonzero(of.holders[:, held] == of.position[number]).tolist()
        return tuple(dict.fromkeys((own, *((POSTS[held], grid) for grid in others))))


def the_cast(scenario: str, seed: int, hours: float, people: int | None = None) -> Cast:
    """The day that L1 has under the same scenario, seed and hours; `people` on duty, else as many as it says."""
    day, draws = replace(SCENARIOS[scenario], hours=hours), Draws.of(seed)
    words = ["--scenario", scenario, "--seed", str(seed), "--hours", str(hours)]
    if people is not None:
        day, words = replace(day, people=people), [*words, "--people", str(people)]
    return Cast(tuple(words), day, draws, demand(day, draws), roster(day, draws))
