"""What others tell of a case: its public state moves on, and a follow-up opens when it is handled."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.intake.queries import cases, families, requesters
from services.intake.rules.cases import apply
from services.intake.rules.endings import follow_up_for
from services.intake.rules.facts import Case
from services.intake.rules.merging import parts_hear_of
from shared.database import Transaction
from shared.event import CaseEvent
from shared.ids import uuid7

LINK_EXPIRES = "link_expires"
PARENT_MOVED = "parent_moved"
PARENT_LATE = "parent_late"
CHILD_NOT_CONTENT = "child_not_content"
CHILD_CONTESTS = "child_contests"


class UnknownCaseError(LookupError):
    """An event about a case that intake never registered: somebody else's topic, or a lost database."""


async def follow_story(tx: Transaction, event: CaseEvent, now: datetime) -> None:
    """Move the case's public state along; open the follow-up of this round if the event handled it."""
    before = await load_known(tx, event.case_id)
    after = apply(before, event)
    follow_up = follow_up_for(
        before, after, uuid7(), now, has_phone=await requesters.has_phone(tx, before.case_id)
    )
    if follow_up:
        after = apply(after, follow_up)
    if after == before:
        return
    await cases.save(tx, after)
    await tell_parts(tx, before, after, now)
    if follow_up:
        arm_link(tx, after)
        tx.announce(follow_up)


async def load_known(tx: Transaction, case_id: UUID) -> Case:
    case = await cases.load(tx, case_id)
    if case is None:
        raise UnknownCaseError(str(case_id))
    return case


def arm_link(tx: Transaction, case: Case) -> None:
    follow_up = case.follow_up
    if follow_up is not None and follow_up.link_expires_at is not None:
        tx.arm(case.case_id, LINK_EXPIRES, follow_up.link_expires_at, follow_up.id)


async def tell_parts(tx: Transaction, before: Case, after: Case, now: datetime) -> None:
    """Those that were merged into this case follow it, each by itself (parts.py)."""
    if parts_hear_of(before, after):
        for child_id in await families.open_children(tx, after.case_id):
            tx.arm(child_id, PARENT_MOVED, now)
