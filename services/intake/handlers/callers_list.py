"""The list a follow-up caller works from top to bottom."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import UUID

from services.intake.commands.follow_ups import FollowUpPage, FollowUpShown
from services.intake.handlers.permissions import MAY_ASK, MAY_VERIFY
from services.intake.handlers.showing import masked
from services.intake.queries import follow_ups
from shared.database import Row, Transaction
from shared.identity import SignedIn
from shared.problems import Problem
from shared.sealing import Sealer

FROM_THE_START = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


async def page(
    tx: Transaction,
    sealer: Sealer,
    who: SignedIn,
    *,
    due_only: bool,
    to_ask: bool,
    cursor: str | None,
    limit: int,
) -> FollowUpPage:
    """Masked; only of the caller's units, and never a case the caller held."""
    now = await tx.now()
    roles = MAY_ASK if to_ask else MAY_VERIFY
    rows = await follow_ups.due_first(
        tx,
        due_until=now if due_only else FOR_EVER,
        to_ask=to_ask,
        units=[grant.unit_id for grant in who.grants if grant.role in roles],
        person_id=who.person_id,
        after=read_cursor(cursor) if cursor else FROM_THE_START,
        rows_max=limit + 1,
    )
    shown = tuple(_line(sealer, row, now) for row in rows[:limit])
    more = len(rows) > limit
    return FollowUpPage(
        items=shown, next_cursor=cursor_of(shown[-1].due_at, shown[-1].follow_up_id) if more else None
    )


def _line(sealer: Sealer, row: Row, now: datetime) -> FollowUpShown:
    return FollowUpShown(
        follow_up_id=row["follow_up_id"],
        kind=row["kind"],
        case_id=row["case_id"],
        number=row["number"],
        category_code=row["category_code"],
        urgency=row["urgency"],
        headline=row["headline"],
        round=row["round"],
        unit_id=row["unit_path"][-1],
        handled_at=row["handled_at"],
        handled_outcome=row["handled_outcome"],
        due_at=row["due_at"],
        is_due=row["due_at"] <= now,
        attempts=row["attempts"],
        link_expires_at=row["link_expires_at"],
        requester=masked(sealer, row, can_be_asked=row["requester_can_be_asked"]),
    )


def cursor_of(due_at: datetime, follow_up_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{due_at.isoformat()} {follow_up_id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        due_at, follow_up_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        return datetime.fromisoformat(due_at), UUID(follow_up_id)
    except ValueError as wrong:
        raise Problem(
            422,
            "bad-cursor",
            "翻页标记无效 / The cursor is not valid",
            detail="请从第一页开始 / Begin with the first page",
        ) from wrong
