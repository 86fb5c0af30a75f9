"""Which rows a policy chooses from: who waits, who may be asked, whom a fixed step names."""

from __future__ import annotations

import numpy as np

from services.dispatch.matching.candidates import Pairs, without
from services.dispatch.matching.situation import NOBODY, Situation, Standing
from services.dispatch.travel.model import Flags, Indices


def waiting(situation: Situation) -> Indices:
    """Cases nobody is on the way to, the oldest first."""
    return np.flatnonzero(situation.cases.goer == NOBODY)


def at_work(situation: Situation) -> Indices:
    """People who are free or on routine work."""
    return np.flatnonzero(_here(situation) & ~_called(situation))


def on_call(situation: Situation) -> Indices:
    """People who are called in once nobody at work is left."""
    return np.flatnonzero(_here(situation) & _called(situation))


def tiers(situation: Situation) -> tuple[Indices, ...]:
    """In which order a simple rule uses people up: the free, those on routine work, those on call."""
    free = situation.people.standing == Standing.FREE
    called = _called(situation)
    return (
        np.flatnonzero(free & ~called),
        np.flatnonzero(_here(situation) & ~free & ~called),
        on_call(situation),
    )


def pinned(situation: Situation) -> Pairs:
    """The pairs a fixed step makes; of two cases that name one person the older one has them."""
    rows = waiting(situation)
    rows = rows[situation.cases.pinned[rows] != NOBODY]
    who = situation.cases.pinned[rows].astype(np.intp)
    may = _here(situation)[who]
    case, person = without((rows[may], who[may]), situation.barred, len(situation.people))
    first = np.sort(np.unique(person, return_index=True)[1])
    return case[first], person[first]


def _here(situation: Situation) -> Flags:
    return np.asarray(situation.people.standing != Standing.GOING)


def _called(situation: Situation) -> Flags:
    on_call = situation.on_call
    return np.zeros(len(situation.people), dtype=bool) if on_call is None else on_call
