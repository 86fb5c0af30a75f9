"""What residents answered, for callers, officers and supervisors; never for whoever held the case."""

from __future__ import annotations

from uuid import UUID

from services.intake.commands.asking import CoachedPage, CoachedShown, FollowUpsTold, FollowUpTold
from services.intake.handlers.callers_list import cursor_of, read_cursor
from services.intake.handlers.permissions import MAY_READ_ANSWERS
from services.intake.handlers.refusals import no_such_case, problem_of
from services.intake.queries import cases, follow_ups
from services.intake.rules.endings import may_ask
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Transaction
from shared.identity import SignedIn
from shared.vocabulary import Role


async def follow_ups_of(
    tx: Transaction, case_id: UUID, who: SignedIn, *, cursor: str | None, limit: int
) -> FollowUpsTold:
    """Every follow-up and progress call of the case. Who was coached is for supervisors alone: told to others, it
    would find its way back to whoever did the coaching."""
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    who.must(MAY_READ_ANSWERS, case.unit_id, tx.directory)
    if not may_ask(case, who.person_id):
        raise problem_of(Refused(RefusedBecause.ANSWERS_NOT_FOR_HOLDERS))
    supervises = who.may(Role.SUPERVISOR, case.unit_id, tx.directory)
    after = read_cursor(cursor) if cursor else follow_ups.FROM_THE_START
    rows = await follow_ups.of_case(tx, case_id, after=after, rows_max=limit + 1)
    told = [FollowUpTold.model_validate(row["story"]) for row in rows[:limit]]
    more = len(rows) > limit
    return FollowUpsTold(
        items=tuple(one if supervises else one.model_copy(update={"coached": None}) for one in told),
        next_cursor=cursor_of(told[-1].opened_at, told[-1].follow_up_id) if more else None,
    )


async def coached(tx: Transaction, who: SignedIn, *, cursor: str | None, limit: int) -> CoachedPage:
    """Newest first, of the units the caller supervises."""
    rows = await follow_ups.coached(
        tx,
        units=[grant.unit_id for grant in who.grants if grant.role is Role.SUPERVISOR],
        before=read_cursor(cursor) if cursor else None,
        rows_max=limit + 1,
    )
    shown = tuple(
        CoachedShown(**row | {"unit_id": row["unit_path"][-1], "holders": tuple(row["holders"])})
        for row in map(dict, rows[:limit])
    )
    more = len(rows) > limit
    return CoachedPage(
        items=shown, next_cursor=cursor_of(shown[-1].answered_at, shown[-1].follow_up_id) if more else None
    )
