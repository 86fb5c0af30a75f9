"""Put notices where they belong: rows of feeds, and messages for the senders.

A feed row is the delivery itself, so it is announced with it. Other messages are only queued here; the senders
(timers/sending.py) hand them out afterwards, and what became of them is announced then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from pydantic_core import to_json

from services.notify.channels.variables import Audience
from services.notify.handlers.office import Office
from services.notify.handlers.outcomes import Told, delivered
from services.notify.queries import feeds, messages
from services.notify.queries.feeds import FeedEntry
from services.notify.queries.messages import Outgoing
from services.notify.rules import ways
from services.notify.rules.facts import Notice
from services.notify.rules.ways import Priority, Via
from shared.database import Transaction
from shared.ids import uuid7
from shared.vocabulary import NoticeKind

ToTell = Sequence[tuple[Notice, Mapping[str, Any]]]
"""Notices with their bodies, as JSON has them."""


class Cause(Protocol):
    """What a notice comes of: an event, or an occasion. `subject` is whose story it is."""

    @property
    def id(self) -> UUID: ...

    @property
    def subject(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Occasion:
    """A cause that is no event: an alarm that rings again, something found in the registry."""

    subject: UUID
    id: UUID = field(default_factory=uuid7)


def key_of(event_id: UUID, kind: NoticeKind, person_id: str | None) -> str:
    """The idempotency key of a message: an event tells a person one thing once over each channel."""
    return f"{event_id}.{kind}.{person_id or 'requester'}"


async def tell(
    office: Office, tx: Transaction, cause: Cause, told: ToTell, now: datetime, *, urgent: bool
) -> None:
    """Everything one event or matter owes; `urgent` goes at any hour."""
    outgoing: list[Outgoing] = []
    for notice, body in told:
        priority = ways.priority_of(notice.kind, urgent=urgent)
        if notice.person_id is None:
            until = ways.requester_held_until(notice.kind, priority, office.quiet, now, office.zone)
            outgoing.append(message(cause, notice, office.requester_via(), body, priority, until))
            continue
        person = tx.directory.people.get(notice.person_id)
        preferences = office.preferences(notice.person_id)
        reach = office.reach(person, notice.person_id)
        until = ways.held_until(notice.kind, priority, preferences, now, office.zone)
        for via in ways.ways_at_once(notice, preferences, reach):
            if via is Via.FEED:
                _put_in_feed(office, tx, cause, notice, body, now)
            else:
                outgoing.append(message(cause, notice, via, body, priority, until))
    await messages.write(tx, outgoing)


def message(
    cause: Cause,
    notice: Notice,
    via: Via,
    body: Mapping[str, Any],
    priority: Priority,
    held_until: datetime | None = None,
) -> Outgoing:
    return Outgoing(
        notice_id=uuid7(),
        key=key_of(cause.id, notice.kind, notice.person_id),
        event_id=cause.id,
        case_id=cause.subject,
        kind=notice.kind,
        person_id=notice.person_id,
        via=via,
        body=to_json(body).decode(),
        priority=priority,
        held_until=held_until,
    )


def _put_in_feed(
    office: Office,
    tx: Transaction,
    cause: Cause,
    notice: Notice,
    body: Mapping[str, Any],
    now: datetime,
) -> None:
    """Announced now, numbered and written once at the end, because people are locked after all cases."""
    assert notice.person_id is not None
    notice_id = uuid7()
    language = office.language(tx.directory.people.get(notice.person_id), notice.person_id)
    words = office.words(tx.directory, Audience.STAFF, notice.kind, language, dict(body))
    said = {"notice_id": notice_id, **body, "title": words.title, "text": words.text}
    entry = FeedEntry(
        notice.person_id, notice_id, cause.id, cause.subject, notice.kind, to_json(said).decode(), now
    )
    page: list[FeedEntry] = tx.kept.setdefault("feed", [])
    if not page:
        tx.at_end(lambda: feeds.write_feed(tx, page))
    page.append(entry)
    tx.announce(*delivered(Told(now, cause.subject, notice_id, notice.kind, notice.person_id, Via.FEED)))
