"""Tell people: load the case, decide who must know, write their feeds and messages, announce it.

A feed row is the delivery itself, so it is announced with it. Other messages are only queued here; the senders
(timers.py) hand them out afterwards, and what became of them is announced then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import uniform
from typing import Any

from pydantic_core import to_json, to_jsonable_python

from services.notify import metrics, queries, rules
from services.notify.channels import Message, Refused, Result, Sent, Unreachable
from services.notify.channels.contact import Contacts
from services.notify.channels.wording import Words, render
from services.notify.commands import ReadFeed
from services.notify.queries import FeedEntry, Outgoing
from services.notify.rules import CaseFacts, Notice, Via
from services.notify.settings import Settings, current
from shared.database import Transaction
from shared.directory import Directory
from shared.event import CaseEvent
from shared.events.intake import CaseRegistered
from shared.events.notify import NoticeDelivered, NoticeFailed, NoticeRead
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.things import Person
from shared.vocabulary import Channel, Language

# ── events heard ──────────────────────────────────────────────────────────────────────────────────────────────────


async def take_up_case(tx: Transaction, event: CaseRegistered, now: datetime) -> None:
    """Keep notify's replica of a registered case and tell the requester its number."""
    case = rules.opened(event)
    await queries.save(tx, case)
    await _tell(tx, case, event, now)


async def follow_case(tx: Transaction, event: CaseEvent, now: datetime) -> None:
    """Bring the replica up to the event and tell everybody who must know."""
    before = await queries.case(tx, event.case_id)
    case = rules.apply(before, event)
    if case != before:
        await queries.save(tx, case)
    await _tell(tx, case, event, now)


async def _tell(tx: Transaction, case: CaseFacts, event: CaseEvent, now: datetime) -> None:
    settings, messages = current(), list[Outgoing]()
    for notice in rules.to_tell(case, event, tx.directory):
        body = to_jsonable_python(rules.body_of(case, event, notice))
        person = tx.directory.people.get(notice.person_id) if notice.person_id else None
        for via in _ways(notice, person, settings):
            if via is Via.FEED:
                _put_in_feed(tx, event, notice, body, now, settings)
            else:
                messages.append(_outgoing(event, notice, via, body))
    await queries.write_messages(tx, messages)


def _ways(notice: Notice, person: Person | None, settings: Settings) -> tuple[Via, ...]:
    if notice.person_id is None:
        return (Via.WEBHOOK if settings.resident_webhook_url else Via.CONSOLE,)
    if person is None:  # the registry's news of a new colleague is still on its way
        return (Via.FEED,)
    return rules.channels_for(
        notice, person, smtp=settings.smtp_host is not None, webhook=bool(settings.webhook_secrets)
    )


def _outgoing(event: CaseEvent, notice: Notice, via: Via, body: Mapping[str, Any]) -> Outgoing:
    return Outgoing(
        notice_id=uuid7(),
        key=f"{event.id}.{notice.kind}.{notice.person_id or 'requester'}",
        event_id=event.id,
        case_id=event.case_id,
        kind=notice.kind,
        person_id=notice.person_id,
        via=via,
        body=to_json(body).decode(),
    )


def _put_in_feed(
    tx: Transaction,
    event: CaseEvent,
    notice: Notice,
    body: Mapping[str, Any],
    now: datetime,
    settings: Settings,
) -> None:
    """Announced now, numbered and written once at the end, because people are locked after all cases."""
    assert notice.person_id is not None
    notice_id = uuid7()
    words = _words(tx.directory, notice, body, settings.time_zone)
    said = {"notice_id": notice_id, **body, "title": words.title, "text": words.text}
    entry = FeedEntry(
        notice.person_id, notice_id, event.id, event.case_id, notice.kind, to_json(said).decode(), now
    )
    page: list[FeedEntry] = tx.kept.setdefault("feed", [])
    if not page:
        tx.at_end(lambda: queries.write_feed(tx, page))
    page.append(entry)
    tx.announce(
        NoticeDelivered(
            at=now,
            case_id=event.case_id,
            notice_id=notice_id,
            kind=notice.kind,
            person_id=notice.person_id,
            via=Via.FEED,
        )
    )


def _words(directory: Directory, notice: Notice, body: Mapping[str, Any], zone: str) -> Words:
    person = directory.people.get(notice.person_id or "")
    language = person.language if person else Language.CHINESE
    return render(notice.kind, language, _spoken(directory, language, body), zone)


def _spoken(directory: Directory, language: Language, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with names in place of ids."""

    def name_of(known: Mapping[str, Any], key: str) -> str | None:
        thing = known.get(body.get(key, ""))
        return getattr(thing.name, language) if thing else body.get(key)

    return {
        **body,
        "place": body["place"].get("label"),
        "unit": name_of(directory.units, "unit_id"),
        "supervising_unit": name_of(directory.units, "supervising_unit_id"),
        "holder": name_of(directory.people, "holder_id"),
    }


# ── messages on their way out ─────────────────────────────────────────────────────────────────────────────────────


async def compose(
    directory: Directory, outgoing: Outgoing, contacts: Contacts | None, settings: Settings
) -> Message | Refused | Unreachable:
    """The message as it goes out now: today's address, the reader's language. No transaction is open meanwhile."""
    if outgoing.person_id is None:
        return await _to_requester(directory, outgoing, contacts, settings)
    person = directory.people.get(outgoing.person_id)
    to = (person.email if outgoing.via is Via.SMTP else person.webhook_url) if person else None
    if person is None or person.retired_at is not None or to is None:
        return Refused("no address")
    return _message(directory, outgoing, person.language, to, outgoing.body, settings)


async def _to_requester(
    directory: Directory, outgoing: Outgoing, contacts: Contacts | None, settings: Settings
) -> Message | Refused | Unreachable:
    if contacts is None:
        return Refused("INTAKE_URL is not set")
    contact = await contacts.ask(outgoing.case_id, outgoing.kind)
    if isinstance(contact, Refused | Unreachable):
        return contact
    told = {**outgoing.body, **contact.model_dump(exclude_none=True, exclude={"language"})}
    to = settings.resident_webhook_url or contact.phone or ""
    return _message(directory, outgoing, contact.language, to, told, settings)


def _message(
    directory: Directory,
    outgoing: Outgoing,
    language: Language,
    to: str,
    body: Mapping[str, Any],
    settings: Settings,
) -> Message:
    words = render(outgoing.kind, language, _spoken(directory, language, body), settings.time_zone)
    return Message(outgoing.key, outgoing.kind, language, to, words.title, words.text, body)


async def record(tx: Transaction, outgoing: Outgoing, result: Result, settings: Settings) -> None:
    """Write down what became of a message, once, and announce what is final."""
    now = await tx.lock(outgoing.case_id)
    metrics.MESSAGES.labels(outgoing.via, type(result).__name__.lower()).inc()
    match result:
        case Sent():
            if await queries.finish(tx, outgoing.notice_id, "sent"):
                tx.announce(NoticeDelivered(**_about(outgoing, now), attempt=outgoing.attempts))
        case Unreachable() if outgoing.attempts < settings.send_attempts_max:
            await queries.send_again(tx, outgoing, pause_seconds(outgoing.attempts, settings), result.because)
        case Refused() | Unreachable():
            if await queries.finish(tx, outgoing.notice_id, "failed", result.because):
                metrics.FAILED.labels(outgoing.via).inc()
                failed = {"attempt": outgoing.attempts, "because": result.because}
                tx.announce(NoticeFailed(**_about(outgoing, now), **failed))


def _about(outgoing: Outgoing, now: datetime) -> dict[str, Any]:
    return {
        "at": now,
        "case_id": outgoing.case_id,
        "notice_id": outgoing.notice_id,
        "kind": outgoing.kind,
        "person_id": outgoing.person_id,
        "via": outgoing.via,
    }


def pause_seconds(attempts: int, settings: Settings) -> float:
    """Doubles with each attempt up to the longest; up to a third shorter, so that many do not come back at once."""
    pause = min(settings.retry_longest_seconds, settings.retry_first_seconds * 2.0 ** (attempts - 1))
    return pause * uniform(0.67, 1.0)


# ── what people ask ───────────────────────────────────────────────────────────────────────────────────────────────


async def read_feed(tx: Transaction, who: SignedIn, command: ReadFeed) -> tuple[int, int]:
    """Mark the caller's feed as read up to a number, and announce each notice that was not; last number, read up to."""
    last_seq, read_up_to = await queries.numbers(tx, who.person_id)
    up_to = min(command.up_to, last_seq)
    case_ids = await queries.cases_unread(tx, who.person_id, up_to) if up_to > read_up_to else []
    if not case_ids:
        return last_seq, read_up_to
    now = await tx.lock(*case_ids)
    for notice_id, case_id, kind in await queries.move_read(tx, who.person_id, up_to, now):
        tx.announce(
            NoticeRead(
                at=now,
                actor=who.actor(),
                channel=Channel.MOBILE,
                case_id=case_id,
                notice_id=notice_id,
                kind=kind,
                person_id=who.person_id,
                via=Via.FEED,
            )
        )
    return last_seq, up_to
