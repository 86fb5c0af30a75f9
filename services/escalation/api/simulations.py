"""What would have escalated: a policy tried on last month's cases before it is switched on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from services.escalation.api.access import SIMULATING
from services.escalation.api.lists import after_moment, cursor_of
from services.escalation.commands import SimulatePolicy
from services.escalation.handlers.simulating import Compared, simulate
from services.escalation.rules.simulation import Lived
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import DeadlineKind, Level

router = router_for("escalation")

CASES_MAX = 500


class Miss(BaseModel):
    kind: DeadlineKind
    level: Level


class LivedView(BaseModel):
    """`level` is how far up it came."""

    misses: list[Miss]
    raises: int
    level: Level


class ComparedCase(BaseModel):
    case_id: UUID
    number: str
    old: LivedView
    new: LivedView


class MissTotals(Miss):
    """How many cases missed this at least once, `old_n` and `new_n` of `d`."""

    old_n: int
    new_n: int
    d: int


class RaisedTotals(BaseModel):
    """How many cases were raised at least once, `old_n` and `new_n` of `d`."""

    old_n: int
    new_n: int
    d: int


class Simulation(BaseModel):
    """One page: totals are over its cases, so pages add up. `changed` are those that would have gone another way."""

    raised: RaisedTotals
    misses: list[MissTotals]
    changed: list[ComparedCase]
    next_cursor: str | None


@router.post("/policy-simulations", dependencies=[allow(*SIMULATING)])
async def simulate_policy(
    body: SimulatePolicy,
    tx: Tx,
    who: Caller,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=CASES_MAX)] = 200,
) -> Simulation:
    """Told again from each case's own story, under its own limits and under the new ones; nothing is changed. People
    are taken to have done what they did when they did it."""
    who.must(SIMULATING, body.unit, tx.directory)
    compared, last = await simulate(tx, body, after_moment(cursor), limit)
    place = (last[0].isoformat(), last[1]) if last else None
    return Simulation(
        raised=RaisedTotals(
            old_n=sum(one.old.raises > 0 for one in compared),
            new_n=sum(one.new.raises > 0 for one in compared),
            d=len(compared),
        ),
        misses=_totals(compared),
        changed=[_shown(one) for one in compared if one.old != one.new],
        next_cursor=cursor_of(place),
    )


def _totals(compared: Sequence[Compared]) -> list[MissTotals]:
    old = Counter(miss for one in compared for miss in set(one.old.misses))
    new = Counter(miss for one in compared for miss in set(one.new.misses))
    order = {what: place for place, what in enumerate((*DeadlineKind, *Level))}
    return [
        MissTotals(kind=kind, level=level, old_n=old[kind, level], new_n=new[kind, level], d=len(compared))
        for kind, level in sorted(old.keys() | new.keys(), key=lambda miss: [order[one] for one in miss])
    ]


def _shown(one: Compared) -> ComparedCase:
    return ComparedCase(case_id=one.case_id, number=one.number, old=_lived(one.old), new=_lived(one.new))


def _lived(lived: Lived) -> LivedView:
    return LivedView(
        misses=[Miss(kind=kind, level=level) for kind, level in lived.misses],
        raises=lived.raises,
        level=lived.level,
    )
