"""The end of a person's data in a case: after its retention, or because they ask. The figures stay, and the journal
with every hash, because neither says who it was."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.intake import metrics
from services.intake.commands.personal import Erased, PersonAsked
from services.intake.handlers.callers_list import cursor_of, read_cursor
from services.intake.handlers.permissions import MAY_ERASE, units_of
from services.intake.handlers.refusals import no_such_case, problem_of
from services.intake.handlers.telling import settle
from services.intake.queries import cases, personal
from services.intake.queries.search import FROM_THE_NEWEST
from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused
from services.intake.rules.retention import Retention, erase
from shared.database import Transaction
from shared.event import SYSTEM, Actor
from shared.identity import SignedIn
from shared.sealing import Sealer
from shared.vocabulary import Channel

ERASED_PER_TURN_MAX = 100


async def erase_case(tx: Transaction, case_id: UUID, who: SignedIn) -> Erased:
    """Of one case, also where no phone leads to it."""
    now = await tx.lock(case_id)
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    role = who.must(MAY_ERASE, case.unit_id, tx.directory)
    refused = await _erase(tx, case, who.actor(role), Channel.DESK, now)
    if refused is not None:
        raise problem_of(refused)
    return Erased(erased=(case.number,), still_open=(), next_cursor=None)


async def erase_person(tx: Transaction, sealer: Sealer, command: PersonAsked, who: SignedIn) -> Erased:
    """Of every closed case of one phone number."""
    assert command.phone is not None
    rows = await personal.of_phone(
        tx,
        sealer.blind_indexes(command.phone),
        units_of(who, MAY_ERASE),
        before=read_cursor(command.cursor) if command.cursor else FROM_THE_NEWEST,
        rows_max=command.limit + 1,
    )
    taken = rows[: command.limit]
    now = await tx.lock(*(row["case_id"] for row in taken)) if taken else await tx.now()
    erased: list[str] = []
    still_open: list[str] = []
    for row in taken:
        case = await cases.load(tx, row["case_id"])
        assert case is not None
        refused = await _erase(tx, case, who.actor(MAY_ERASE[0]), Channel.DESK, now)
        (still_open if refused else erased).append(case.number)
    more = len(rows) > command.limit
    return Erased(
        erased=tuple(erased),
        still_open=tuple(still_open),
        next_cursor=cursor_of(taken[-1]["registered_at"], taken[-1]["case_id"]) if more else None,
    )


async def erase_kept_long_enough(tx: Transaction, retention: Retention) -> int:
    """Some of the cases whose retention is over; how many there were. Those that somebody works on wait."""
    due = await personal.to_erase(tx, retention, await tx.now(), rows_max=ERASED_PER_TURN_MAX)
    locked, now = await tx.try_lock(due) if due else (set(), None)
    if now is None:
        return 0
    done = 0
    for case_id in sorted(locked):
        case = await cases.load(tx, case_id)
        assert case is not None
        ends_at = retention.ends_at(case)
        if ends_at is not None and ends_at <= now:
            done += await _erase(tx, case, SYSTEM, Channel.SYSTEM, now) is None
    return done


async def _erase(
    tx: Transaction, case: Case, actor: Actor, channel: Channel, now: datetime
) -> Refused | None:
    decided = erase(case, actor, channel, now)
    if decided is None or isinstance(decided, Refused):
        return decided
    await personal.destroy(tx, case.case_id)
    await settle(tx, case, [decided])
    metrics.REQUESTERS_ERASED.labels(channel).inc()
    return None
