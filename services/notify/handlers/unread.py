"""The unread ladder: an emergency offer that stays unread goes to the person's next channel. The person changes only
by dispatch."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic_core import to_json

from services.notify import metrics
from services.notify.handlers.heard import UNREAD
from services.notify.handlers.office import Office
from services.notify.handlers.telling import key_of
from services.notify.queries import cases, messages
from services.notify.queries.messages import Outgoing
from services.notify.rules import ways
from services.notify.rules.ways import Priority, Via
from shared.database import Transaction
from shared.ids import uuid7
from shared.timers import Due
from shared.vocabulary import NoticeKind


async def still_unread(office: Office, tx: Transaction, due: Due, now: datetime) -> None:
    """One channel further, and look again as long after this was due: lateness does not add up."""
    case = await cases.case(tx, due.subject_id)
    part = case.unanswered(due.part_id) if due.part_id else None
    if part is None or part.told_by is None or case.closed:
        return
    key = key_of(part.told_by, NoticeKind.OFFER, part.person_id)
    climb = await messages.ladder(tx, part.told_by, part.person_id, key)
    if climb is None or climb.read:
        return
    preferences = office.preferences(part.person_id)
    reach = office.reach(tx.directory.people.get(part.person_id), part.person_id)
    used = {Via.FEED, *climb.used}
    resting = office.resting_ways(tx.directory, part.person_id)
    via = ways.next_way(preferences, reach, used, resting)
    if via is None:
        return
    body = {name: value for name, value in climb.body.items() if name not in ("title", "text", "notice_id")}
    await messages.write(
        tx,
        [
            Outgoing(
                notice_id=uuid7(),
                key=key,
                event_id=part.told_by,
                case_id=case.case_id,
                kind=NoticeKind.OFFER,
                person_id=part.person_id,
                via=via,
                body=to_json(body).decode(),
                priority=Priority.EMERGENCY,
            )
        ],
    )
    metrics.CLIMBED.labels(via).inc()
    if not ways.is_last(preferences, reach, {*used, via}):
        due_at = due.due_at + timedelta(seconds=case.unread_after_seconds)
        tx.arm(case.case_id, UNREAD, due_at, part.part_id)
