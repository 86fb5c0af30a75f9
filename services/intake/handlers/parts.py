"""How the cases that were merged into another follow it. The parent's transaction only sets their timers, due at once:
each part is locked by itself, so that forty callers of one burst pipe never make one transaction wait for another."""

from __future__ import annotations

from datetime import datetime

from services.intake import metrics
from services.intake.handlers.story import LINK_EXPIRES, PARENT_MOVED, arm_link, load_known, tell_parts
from services.intake.handlers.telling import settle
from services.intake.queries import requesters
from services.intake.rules.facts import Case
from services.intake.rules.merging import contested_by, follow_parent, sent_back_by
from shared.database import Transaction
from shared.events.intake import CaseReopened
from shared.ids import uuid7
from shared.timers import Due


async def parent_moved(tx: Transaction, due: Due, now: datetime) -> None:
    """Follow the parent as it stands now; whatever it does later sets the timer again."""
    child = await load_known(tx, due.subject_id)
    if child.parent_id is None:
        return
    parent = await load_known(tx, child.parent_id)
    has_phone = await requesters.has_phone(tx, child.case_id)
    after = child
    while events := follow_parent(after, parent, uuid7(), now, has_phone=has_phone):
        after = await settle(tx, after, events)
    if after.follow_up != child.follow_up:
        tx.disarm(child.case_id, LINK_EXPIRES)
        if after.follow_up is not None and after.follow_up.open:
            arm_link(tx, after)


async def child_not_content(tx: Transaction, due: Due, now: datetime) -> None:
    """Send the parent back, once in a round."""
    assert due.part_id is not None
    parent, child = await load_known(tx, due.subject_id), await load_known(tx, due.part_id)
    if (reopened := sent_back_by(child, parent, now)) is not None:
        await _send_back(tx, parent, reopened, now)


async def child_contests(tx: Transaction, due: Due, now: datetime) -> None:
    """Send the parent back, once for all who contest; whoever does while it goes on follows it from there."""
    assert due.part_id is not None
    parent, child = await load_known(tx, due.subject_id), await load_known(tx, due.part_id)
    if (reopened := contested_by(child, parent, now)) is not None:
        await _send_back(tx, parent, reopened, now)
    else:
        tx.arm(child.case_id, PARENT_MOVED, now)


async def _send_back(tx: Transaction, parent: Case, reopened: CaseReopened, now: datetime) -> None:
    after = await settle(tx, parent, [reopened])
    metrics.CASES_REOPENED.inc()
    tx.disarm(parent.case_id, LINK_EXPIRES)
    await tell_parts(tx, parent, after, now)
