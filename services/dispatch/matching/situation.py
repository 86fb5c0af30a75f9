"""What a policy is given and what it answers: one moment of a street, as arrays.

Rows keep the order in which they come: cases by registration (then id), people by id, so that the same moment gives
the same answer. Seconds count from now. Whoever builds a `Situation` puts into it only what dispatch would know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from services.dispatch.travel.model import Codes, Flags, Floats, Indices, Places, Travel


class Standing(IntEnum):
    """FREE; ROUTINE: on something that may be interrupted for an emergency; GOING: on the way to an emergency.
    Whoever may not be asked at all (on site at an emergency, off duty, being asked now) is no row."""

    FREE = 0
    ROUTINE = 1
    GOING = 2


NOBODY = -1


@dataclass(frozen=True, slots=True)
class Cases:
    """m emergencies: those waiting, and those somebody is on the way to (`goer` is that person's row), which are here
    only because the person may be swapped away, or somebody else may take the case over from them.

    `due` is when an arrival becomes late, `age` the seconds since registration. `holders` are rows of the grid's own
    A, B and leader, NOBODY where there is none. `pinned` is whom a fixed step asks now (the leader at three minutes):
    that pair is made before any other."""

    places: Places
    due: Floats
    age: Floats
    holders: Indices  # (m, 3)
    goer: Indices
    pinned: Indices

    def __len__(self) -> int:
        return len(self.due)


@dataclass(frozen=True, slots=True)
class People:
    """n people who could be asked now. `places` is the last position known, else the base. `free_after`: until they can
    set out (wrap-up of routine work). `asked_ago`: since they were last asked, infinite if never (round robin).
    `load`: emergencies taken in this shift; `nights`: night offers in the last 30 days. `remaining`: of a GOING
    person's way. `swappable`: GOING, not yet swapped on this trip, nobody being asked to take it over. `lost_swap`: an
    offer to swap was taken back from them, or their trip was taken over, so the next case is theirs if nothing else
    decides. `elsewhere` is where they may be instead of `places`, with the chance of it (whereabouts.py)."""

    places: Places
    modes: Codes
    standing: Codes
    free_after: Floats
    asked_ago: Floats
    load: Floats
    nights: Floats
    remaining: Floats
    swappable: Flags
    lost_swap: Flags
    elsewhere: Places | None = None
    elsewhere_chance: Floats | None = None

    def __len__(self) -> int:
        return len(self.modes)


@dataclass(frozen=True, slots=True)
class Situation:
    """`barred` are (case, person) rows that hard filters took out (declined, excluded, asked in this turn, on the case,
    post or skill not fit); `on_call` people are asked once nobody at work is left. `lacking` pairs lack a skill the
    category wishes for: a small term, never a filter. `answer_seconds` is how long people take to answer, typically.
    `engaged`: how many more are at work on emergencies, or being asked, and may not be asked now."""

    cases: Cases
    people: People
    travel: Travel
    hour: int
    barred: tuple[Indices, Indices] = field(default_factory=lambda: (_no_rows(), _no_rows()))
    lacking: tuple[Indices, Indices] = field(default_factory=lambda: (_no_rows(), _no_rows()))
    on_call: Flags | None = None
    answer_seconds: float = 20.0
    engaged: int = 0


def _no_rows() -> Indices:
    return np.empty(0, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Edges:
    """What was weighed, one row per pair. `eta` counts from now to the door: answer, wrap-up and way."""

    case: Indices
    person: Indices
    eta: Floats
    p_late: Floats
    cost: Floats


def joined(*parts: Edges) -> Edges:
    """One after another."""
    names = Edges.__dataclass_fields__
    return Edges(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whom to ask for which case; a waiting case that is not in `case` waits on. A case in it that somebody is on the
    way to is offered as a takeover: its goer goes on until `person` accepts. `edge` are the rows of `edges` that were
    chosen, `swap` those whose person is on the way to something else. `fallback` says why the greedy closest pair
    stood in for the solver: 'error' or 'time', None if it did not."""

    edges: Edges
    edge: Indices
    swap: Flags
    fallback: str | None = None

    @property
    def case(self) -> Indices:
        return self.edges.case[self.edge]

    @property
    def person(self) -> Indices:
        return self.edges.person[self.edge]


Policy = Callable[[Situation], Assignment]
"""Own grid only, round robin, nearest free, fastest free, greedy pair, engine: all of this type."""
