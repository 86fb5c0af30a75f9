"""Messages on their way out: composed for the moment they go, and recorded together afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import uniform
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.notify import metrics
from services.notify.channels import Device, Message, Refused, Result, Sent, Unreachable
from services.notify.channels.contact import Contacts
from services.notify.channels.variables import Audience
from services.notify.handlers.heard import UNREAD
from services.notify.handlers.office import Office
from services.notify.handlers.onward import go_on
from services.notify.handlers.outcomes import delivered, failed, told
from services.notify.queries import cases, messages, people
from services.notify.queries.messages import Again, Outgoing
from services.notify.rules.facts import ALARMS
from services.notify.rules.ways import Priority, Via
from services.notify.settings import Settings
from shared.database import Transaction
from shared.directory import Directory
from shared.sealing import Sealer
from shared.vocabulary import Language, NoticeKind
from shared.who_comes import AskWhoComes, WhoComes

Outcome = tuple[Outgoing, Result]


@dataclass(frozen=True, slots=True)
class Sources:
    """What other services are asked at the moment of sending; without intake's address no requester is told."""

    contacts: Contacts | None
    who_comes: AskWhoComes

    async def close(self) -> None:
        if self.contacts is not None:
            await self.contacts.close()
        await self.who_comes.close()


class Subscription(BaseModel):
    """What a browser gave us, as it is sealed."""

    endpoint: str
    p256dh: str
    auth: str


def opened(sealer: Sealer, row: people.Device) -> Device:
    """A device unsealed, for one message."""
    key = sealer.unwrap(row.wrapped_key)
    known = Subscription.model_validate_json(sealer.unseal(key, row.sealed, device_context(row.person_id)))
    return Device(str(row.id), known.endpoint, known.p256dh, known.auth)


def device_context(person_id: str) -> str:
    return f"devices.sealed:{person_id}"


async def compose(
    office: Office,
    directory: Directory,
    outgoing: Outgoing,
    sources: Sources,
    devices: Sequence[people.Device] = (),
) -> Message | Refused | Unreachable:
    """The message as it goes out now: today's address, the reader's language. No transaction is open meanwhile."""
    if outgoing.is_over:
        return Refused(f"the {'alarm' if outgoing.kind in ALARMS else 'offer'} is over")
    if outgoing.person_id is None:
        return await _to_requester(office, directory, outgoing, sources)
    person = directory.people.get(outgoing.person_id)
    if person is None or person.retired_at is not None:
        return Refused("no such person")
    language = office.language(person, outgoing.person_id)
    if outgoing.via is Via.WEBPUSH:
        return _push(office, outgoing, language, devices)
    to = {
        Via.SMTP: person.email,
        Via.WEBHOOK: person.webhook_url,
        Via.SMS: office.number_of(outgoing.person_id) if outgoing.via is Via.SMS else None,
    }.get(outgoing.via)
    if to is None:
        return Refused("no address")
    return _message(office, directory, outgoing, Audience.STAFF, language, to, outgoing.body)


async def _to_requester(
    office: Office, directory: Directory, outgoing: Outgoing, sources: Sources
) -> Message | Refused | Unreachable:
    if sources.contacts is None:
        return Refused("INTAKE_URL is not set")
    contact = await sources.contacts.ask(outgoing.case_id, outgoing.kind)
    if isinstance(contact, Refused | Unreachable):
        return contact
    body = {**outgoing.body, **contact.model_dump(exclude_none=True, exclude={"language"})}
    if outgoing.kind is NoticeKind.WORKER_COMING:
        coming = await sources.who_comes.ask(outgoing.case_id)
        if coming is not None and coming.post is None:
            return Refused("nobody is coming any more")
        body |= _who_comes(coming, contact.language)
    gateway = office.settings.resident_webhook_url if outgoing.via is Via.WEBHOOK else None
    to = gateway or contact.phone or ""
    return _message(office, directory, outgoing, Audience.REQUESTER, contact.language, to, body)


def _who_comes(coming: WhoComes | None, language: Language) -> dict[str, Any]:
    """As far as the community shows it. Where dispatch cannot be asked, the role that came with the event stands."""
    if coming is None:
        return {}
    said = coming.model_dump(mode="json", exclude_none=True, include={"role", "badge", "arrived_at"})
    name = {"posted_name": getattr(coming.name, language)} if coming.name is not None else {}
    return {**said, **name, "eta_seconds": coming.eta_seconds}


def _push(
    office: Office, outgoing: Outgoing, language: Language, rows: Sequence[people.Device]
) -> Message | Refused:
    """Only what kind of thing it is: a locked screen shows it to whoever is near."""
    devices = tuple(opened(office.sealer, row) for row in rows if row.person_id == outgoing.person_id)
    if not devices:
        return Refused("no device is subscribed")
    return Message(
        key=outgoing.key,
        kind=outgoing.kind,
        language=language,
        to="",
        title=office.wording.term(outgoing.kind, "notice", language),
        text="",
        notice_id=str(outgoing.notice_id),
        devices=devices,
        urgent=outgoing.priority is not Priority.ORDINARY,
    )


def _message(
    office: Office,
    directory: Directory,
    outgoing: Outgoing,
    audience: Audience,
    language: Language,
    to: str,
    body: dict[str, Any],
) -> Message:
    words = office.words(directory, audience, outgoing.kind, language, body)
    return Message(
        key=outgoing.key,
        kind=outgoing.kind,
        language=language,
        to=to,
        title=words.title,
        text=words.text,
        data=body,
        notice_id=str(outgoing.notice_id),
        urgent=outgoing.priority is not Priority.ORDINARY,
    )


async def record(
    office: Office, tx: Transaction, outcomes: Sequence[Outcome], untried: Sequence[Again] = ()
) -> None:
    """Write down what became of messages, each once, and announce what is final."""
    digests = [one.notice_id for one, _ in outcomes if one.kind is NoticeKind.DIGEST]
    gathered = await messages.cases_gathered(tx, digests)
    subjects = {outgoing.case_id for outgoing, _ in outcomes} | set(gathered)
    now = await tx.lock(*subjects) if subjects else await tx.now()
    tried_seconds = office.settings.give_up_after_hours * 3600
    ended: list[tuple[Outgoing, Result]] = []
    again = list(untried)
    for outgoing, result in outcomes:
        metrics.MESSAGES.labels(outgoing.via, type(result).__name__.lower()).inc()
        if isinstance(result, Unreachable) and outgoing.waited_seconds < tried_seconds:
            pause = max(pause_seconds(outgoing.attempts, office.settings), result.after_seconds or 0.0)
            again.append(Again(outgoing, pause, result.because))
        else:
            ended.append((outgoing, result))
    final = await messages.finish(tx, [_ending(outgoing, result) for outgoing, result in ended])
    await messages.send_again(tx, again)
    for outgoing, result in ended:
        if outgoing.notice_id in final:
            await _announce(tx, outgoing, result, now)
    failed_now = [outgoing for outgoing, result in ended if not isinstance(result, Sent)]
    await go_on(office, tx, [*failed_now, *(one.outgoing for one in again)])
    gone = [UUID(device_id) for _, result in outcomes for device_id in result.gone]
    if gone:
        metrics.DEVICES_DROPPED.inc(await people.drop_devices(tx, gone))
        office.changed.set()


def _ending(outgoing: Outgoing, result: Result) -> tuple[UUID, str, str | None]:
    if isinstance(result, Sent):
        return outgoing.notice_id, "sent", None
    return outgoing.notice_id, "failed", result.because


async def _announce(tx: Transaction, outgoing: Outgoing, result: Result, now: datetime) -> None:
    """What became of a digest is told of each message in it."""
    about = [outgoing]
    if outgoing.kind is NoticeKind.DIGEST:
        _, state, because = _ending(outgoing, result)
        about = await messages.finish_gathered(tx, outgoing.notice_id, state, because)
    if not isinstance(result, Sent):
        metrics.FAILED.labels(outgoing.via).inc()
        await climb_at_once(tx, outgoing, now)
    for one in about:
        attempt = max(1, outgoing.attempts)
        notice = told(one, now)
        if isinstance(result, Sent):
            tx.announce(*delivered(notice, attempt))
        else:
            tx.announce(*failed(notice, attempt, result.because))


async def climb_at_once(tx: Transaction, outgoing: Outgoing, now: datetime) -> None:
    """A channel that failed an unread offer is not waited for; the word may come so late that the part has been offered
    to the next person, whose time it must not cut short."""
    if outgoing.kind is not NoticeKind.OFFER or not outgoing.body.get("emergency") or outgoing.is_over:
        return
    case = await cases.known_case(tx, outgoing.case_id)
    part = case.unanswered(UUID(outgoing.body["part_id"])) if case is not None else None
    if part is not None and part.told_by == outgoing.event_id:
        tx.arm(outgoing.case_id, UNREAD, now, part.part_id)


def pause_seconds(attempts: int, settings: Settings) -> float:
    """Doubles with each attempt up to the longest; up to a third shorter, so that many do not come back at once."""
    pause = min(settings.retry_longest_seconds, settings.retry_first_seconds * 2.0 ** (min(attempts, 40) - 1))
    return pause * uniform(0.67, 1.0)
