"""Events heard: bring the replica up to them, decide who must know, tell them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic_core import to_jsonable_python

from services.notify.handlers.office import Office
from services.notify.handlers.outcomes import failed, told
from services.notify.handlers.telling import tell
from services.notify.queries import cases, messages
from services.notify.rules import replica, telling, ways
from services.notify.rules.facts import CaseFacts, Notice
from services.notify.rules.ways import Via
from shared.database import Transaction
from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseOffered,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
)
from shared.events.intake import CaseRegistered, RequesterErased

UNREAD = "unread"
"""The timer of the unread ladder, one per part: there is one live offer of each."""

OFFER_OVER = (CaseAccepted, OfferDeclined, OfferLapsed, OfferWithdrawn)


async def take_up_case(office: Office, tx: Transaction, event: CaseRegistered, now: datetime) -> None:
    """Keep notify's replica of a registered case and tell the requester its number."""
    case = replica.opened(event)
    await cases.save(tx, case)
    await _tell(office, tx, case, event, now)


async def follow_case(office: Office, tx: Transaction, event: CaseEvent, now: datetime) -> None:
    """Bring the replica up to the event and tell everybody who must know."""
    before = await cases.case(tx, event.case_id)
    case = replica.apply(before, event)
    if case != before:
        await cases.save(tx, case)
    if isinstance(event, OFFER_OVER):
        tx.disarm(event.case_id, UNREAD, event.part_id)
    notices = await _tell(office, tx, case, event, now)
    if isinstance(event, CaseOffered):
        watch_unread(office, tx, case, event, notices, now)


async def erase_requester(office: Office, tx: Transaction, event: RequesterErased, now: datetime) -> None:
    """Nothing goes to somebody who was erased, not even what was queued before."""
    await follow_case(office, tx, event, now)
    for dropped in await messages.drop_of_requester(tx, event.case_id):
        tx.announce(*failed(told(dropped, now), dropped.attempts, "the requester was erased"))


async def _tell(
    office: Office, tx: Transaction, case: CaseFacts, event: CaseEvent, now: datetime
) -> Sequence[Notice]:
    notices = telling.to_tell(case, event, tx.directory)
    bodies = [(notice, to_jsonable_python(telling.body_of(case, event, notice))) for notice in notices]
    await tell(office, tx, event, bodies, now, urgent=case.urgent)
    return notices


def watch_unread(
    office: Office,
    tx: Transaction,
    case: CaseFacts,
    event: CaseOffered,
    notices: Sequence[Notice],
    now: datetime,
) -> None:
    """Look again when an emergency offer could have been read, if there is anywhere to go on to. Counted from now,
    when it was put before the person."""
    if not any(ways.climbs(notice) for notice in notices):
        return
    reach = office.reach(tx.directory.people.get(event.person_id), event.person_id)
    preferences = office.preferences(event.person_id)
    at_once = {Via.FEED, *(via for n in notices for via in ways.ways_at_once(n, preferences, reach))}
    if not ways.is_last(preferences, reach, at_once):
        due_at = now + timedelta(seconds=case.unread_after_seconds)
        tx.arm(event.case_id, UNREAD, due_at, event.part_id)
