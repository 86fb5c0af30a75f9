"""A calendar or a unit's opening hours changed: every running clock in working time, of side matters as well, is
counted anew from its own beginning, and said so. What somebody named (a review, a task's end) stays as it was named.

Case by case in small batches, by one replica at a time, and only by one whose registry is as new as the change: an
older one would count everything back again.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from services.escalation import metrics
from services.escalation.handlers.ground import stations_of
from services.escalation.handlers.saving import follow_through
from services.escalation.queries import cases, sweeps
from services.escalation.rules.ladder import counted_anew
from shared.database import Transaction
from shared.directory import Directory
from shared.things import Unit

BATCH_CASES_MAX = 100
SETTLE_SECONDS = 10.0
"""How long a change rests before it is followed up: by then every replica registers cases under it."""


def fingerprint(directory: Directory) -> str:
    """The same for the same working time of every unit, whatever order calendars and units came in."""
    calendars = (calendar.model_dump_json() for _, calendar in sorted(directory.calendars.items()))
    units = (_working_time(unit) for _, unit in sorted(directory.units.items()))
    return hashlib.sha256("\n".join((*calendars, *units)).encode()).hexdigest()


def _working_time(unit: Unit) -> str:
    """Its own opening hours and calendar, and above whom it stands, since it takes over what it has none of."""
    return unit.model_dump_json(include={"id", "parent_id", "opening_hours", "calendar_id"})


async def sweep_some(tx: Transaction, settle_seconds: float = SETTLE_SECONDS) -> bool:
    """One batch, if there is one to do here and now; whether there may be more."""
    if not tx.directory.complete.is_set() or not await sweeps.nobody_else(tx):
        return False
    known, now_is = await sweeps.sweep(tx, settle_seconds), fingerprint(tx.directory)
    if known is None or (known["fingerprint"] != now_is and tx.directory.revision > known["revision"]):
        await sweeps.begin(tx, now_is, tx.directory.revision)
        metrics.SWEEP_UNFINISHED.set(1)
        return settle_seconds == 0
    if known["finished"] or known["fingerprint"] != now_is or not known["settled"]:
        metrics.SWEEP_UNFINISHED.set(0 if known["finished"] else 1)
        return False
    found = await sweeps.next_cases(tx, known["after_case_id"], BATCH_CASES_MAX)
    if found:
        await _count_anew(tx, found)
    finished = len(found) < BATCH_CASES_MAX
    await sweeps.move_on(tx, found[-1] if found else known["after_case_id"], finished=finished)
    return not finished


async def _count_anew(tx: Transaction, case_ids: list[UUID]) -> None:
    now = await tx.lock(*case_ids)
    for case_id in case_ids:
        case = await cases.load(tx, case_id)
        if case is not None:
            stations = stations_of(tx.directory, case, now)
            decision = counted_anew(case, stations, now)
            await follow_through(tx, case, decision, stations)
