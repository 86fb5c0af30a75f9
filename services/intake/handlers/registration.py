"""Taking cases in: everything that can be decided alone is decided before the transaction, many are written by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.intake import metrics
from services.intake.commands.changes import ConsentPurpose
from services.intake.commands.registration import (
    EVERY_CONSENT,
    AnswerGiven,
    Forwarded,
    Refusal,
    RegisterCase,
    Registered,
)
from services.intake.duplicates import Marks, marks_of
from services.intake.handlers.refusals import no_such_case
from services.intake.handlers.telling import tell
from services.intake.queries import cases, requesters
from services.intake.queries.cases import SealedRequester
from services.intake.rules import numbering
from services.intake.rules.answers import told_of_answer, told_of_refusal
from services.intake.rules.at_once import end_at_once
from services.intake.rules.cases import fold
from services.intake.rules.chats import read_chat
from services.intake.rules.facts import Case
from services.intake.rules.kept import ConsentRecorded
from services.intake.rules.places import (
    Route,
    can_be_asked,
    choose_category,
    choose_policy,
    choose_unit,
    headline_for,
    route_for,
    time_zone_for,
)
from services.intake.rules.privacy import sees_code
from services.intake.rules.refusals import Refused, RefusedBecause
from services.intake.rules.triage import Reading, highest, read_words
from shared import journal
from shared.database import Transaction
from shared.directory import Directory
from shared.event import Actor, CaseEvent
from shared.events.intake import CaseRegistered, Place, Window
from shared.idempotency import RequestKey
from shared.ids import uuid7
from shared.sealing import Sealer
from shared.things import Category, Name, Snippet, Unit
from shared.vocabulary import ActorKind, Channel, Level, Outcome, Urgency

NOT_YET = datetime.min.replace(tzinfo=UTC)
"""`at` of an event whose time the database has yet to say."""


@dataclass(frozen=True)
class Order:
    """One registration, decided and sealed, waiting to be written. What depends on the time is decided then: the
    policy that holds, and that nothing was reported before it was said."""

    key: RequestKey
    event: CaseRegistered
    requester: SealedRequester
    pickup_code: str | None
    category: Category
    marks: Marks
    answer: AnswerGiven | None = None
    refusal: Refusal | None = None
    refused_consents: tuple[ConsentPurpose, ...] = ()

    @property
    def case_id(self) -> UUID:
        return self.event.case_id

    @property
    def id(self) -> tuple[str, str]:
        return self.key.scope, self.key.key

    def with_new_number(self) -> Order:
        return replace(self, event=self.event.model_copy(update={"number": numbering.draw_number()}))

    def story(self, directory: Directory, now: datetime) -> list[CaseEvent]:
        """What happens when it is written: the registration, and the end of what ends at once."""
        event = self.event
        policy = choose_policy(directory, self.category, event.urgency, event.unit_path, now)
        dated = {
            "at": now,
            "policy": event.policy if isinstance(policy, Refused) else policy,
            "reported_at": min(event.reported_at, now) if event.reported_at else None,
        }
        story: list[CaseEvent] = [event.model_copy(update=dated)]
        story += [
            ConsentRecorded(
                at=now,
                case_id=event.case_id,
                actor=event.actor,
                channel=event.channel,
                purpose=purpose,
                given=False,
                requester_can_be_asked=event.requester_can_be_asked,
            )
            for purpose in self.refused_consents
        ]
        return story + end_at_once(event, self.answer, self.refusal, now)


@dataclass(frozen=True)
class Taken:
    """A case that stands in the database, and its requester's code where whoever registered it is shown it."""

    case: Case
    pickup_code: str | None
    own_words: str = ""

    def answer(self, directory: Directory, public_url: str) -> Registered:
        case = self.case
        return Registered(
            transfer=Reading(service=case.crisis).transfer,
            case_id=case.case_id,
            number=case.number,
            pickup_code=self.pickup_code,
            urgency=case.urgency,
            grid_id=case.grid_id,
            unit_id=case.unit_id,
            registered_at=case.registered_at,
            tracking_url=tracking_url(public_url, case.number),
            outcome=case.ends_at_once,
            told=told(directory, case, self.own_words),
            rightful_unit_id=case.rightful_unit_id or _rightful_unit(directory, case),
        )


def told(directory: Directory, case: Case, own_words: str) -> Name | None:
    """What the caller is told where the case ended at once."""
    if case.not_accepted is not None:
        rightful = directory.units.get(case.rightful_unit_id or "")
        return told_of_refusal(case.not_accepted, case.service, rightful.name if rightful else None)
    if case.ends_at_once is Outcome.ANSWERED:
        snippet = directory.snippets.get(case.snippet_id or "")
        return told_of_answer(snippet.text if snippet else None, own_words)
    return None


def _rightful_unit(directory: Directory, case: Case) -> str | None:
    """Whose it is, where the community may not be sent it."""
    category, unit = directory.categories.get(case.category_code), directory.units.get(case.unit_id)
    if category is None or unit is None:
        return None
    route = route_for(directory, unit, category)
    return route.rightful_unit_id


@dataclass(frozen=True)
class TakenBefore:
    """The key made this case earlier; its answer is read back."""

    case_id: UUID


Became = Taken | TakenBefore | Refused


def tracking_url(public_url: str, number: str) -> str:
    return f"{public_url.rstrip('/')}/api/intake/track/{number}"


def draw_up(
    command: RegisterCase,
    actor: Actor,
    key: RequestKey,
    directory: Directory,
    sealer: Sealer,
    *,
    at_desk: bool = False,
) -> Order | Refused:
    """Decide what the case is and where it belongs, seal who asked, and draw the code that is theirs."""
    place = Place(lon=command.place.lon, lat=command.place.lat, label=command.place.label)
    category = choose_category(directory, command.category_code)
    if isinstance(category, Refused):
        return category
    unit = choose_unit(directory, place, command.grid_id)
    if isinstance(unit, Refused):
        return unit
    if refused := _refuse_names(command, directory):
        return refused
    command = _read_pasted(command, time_zone_for(directory, [above.id for above in directory.path(unit.id)]))
    event = _event(command, actor, category, unit, place, directory)
    if isinstance(event, Refused):
        return event
    code = numbering.draw_code()
    sent = event.requester_can_be_asked and command.requester.phone is not None
    shown = sees_code(actor, at_desk=at_desk, sent=sent)
    return Order(
        key=key,
        event=event,
        requester=_sealed(command, event.case_id, code, sealer, shown_to=actor.person_id if shown else None),
        pickup_code=code if shown else None,
        category=category,
        marks=marks_of(category, place, unit.id, command.description, sealer.blind_index),
        answer=command.answer,
        refusal=command.not_accepted,
        refused_consents=() if command.requester.anonymous else _refused_consents(command),
    )


def _refuse_names(command: RegisterCase, directory: Directory) -> Refused | None:
    """What is named must be there: people who may not be sent, the snippet, the rightful unit, where it was taken."""
    if any(person_id not in directory.people for person_id in command.excluded):
        return Refused(RefusedBecause.UNKNOWN_PERSON)
    snippet_id = command.answer.snippet_id if command.answer else None
    if snippet_id is not None and not _in_use(directory.snippets.get(snippet_id)):
        return Refused(RefusedBecause.UNKNOWN_SNIPPET)
    rightful = command.not_accepted.rightful_unit_id if command.not_accepted else None
    named = (unit_id for unit_id in (rightful, command.taken_at) if unit_id is not None)
    if not all(_in_use(directory.units.get(unit_id)) for unit_id in named):
        return Refused(RefusedBecause.UNKNOWN_UNIT)
    return None


def _in_use(thing: Snippet | Unit | None) -> bool:
    return thing is not None and thing.retired_at is None


def _refused_consents(command: RegisterCase) -> tuple[ConsentPurpose, ...]:
    return tuple(sorted(EVERY_CONSENT - command.requester.consent))


def _read_pasted(command: RegisterCase, time_zone: ZoneInfo) -> RegisterCase:
    """A chat's first line says who wrote it and when; what was filled in by hand counts more."""
    if command.channel is not Channel.CHAT_FORWARD:
        return command
    pasted = read_chat(command.description, time_zone)
    by_hand = command.forwarded or Forwarded()
    forwarded = Forwarded(
        author=by_hand.author or pasted.author or "", said_at=by_hand.said_at or pasted.said_at
    )
    return command.model_copy(
        update={
            "description": pasted.text,
            "forwarded": forwarded,
            "reported_at": command.reported_at or forwarded.said_at,
        }
    )


def _event(
    command: RegisterCase, actor: Actor, category: Category, unit: Unit, place: Place, directory: Directory
) -> CaseRegistered | Refused:
    requester = command.requester
    reading = read_words(command.description, directory.word_lists.values())
    if reading.service is not None and command.ends_at_once is not None:
        return Refused(RefusedBecause.CRISIS_NOT_ANSWERED, service=reading.service)
    if command.appointment and category.urgency is not Urgency.APPOINTMENT:
        return Refused(RefusedBecause.NO_APPOINTMENT)
    route = route_for(directory, unit, category)
    if command.ends_at_once is not None:
        route = Route(directory.ladder(unit.id))  # nobody is sent it
    if isinstance(route, Refused):
        return route
    urgency = highest(category.urgency, command.urgency, reading.urgency)
    path = tuple(above.id for above in directory.path(unit.id))
    policy = choose_policy(directory, category, urgency, path, NOT_YET)
    if isinstance(policy, Refused):
        return policy
    window = command.appointment
    return CaseRegistered(
        at=NOT_YET,
        case_id=uuid7(),
        actor=actor,
        channel=command.channel,
        number=numbering.draw_number(),
        category_code=category.code,
        urgency=urgency,
        headline=headline_for(category, place),
        place=place,
        grid_id=unit.id if unit.level is Level.GRID else None,
        unit_path=path,
        ladder=route.ladder,
        policy=policy,
        requester_can_be_asked=can_be_asked(
            command.channel,
            anonymous=requester.anonymous or ConsentPurpose.CONTACT not in requester.consent,
            reachable=bool(requester.phone or requester.name),
        ),
        registry_revision=directory.revision,
        requester_kind=requester.kind,
        appointment=Window(starts_at=window.starts_at, ends_at=window.ends_at) if window else None,
        reported_at=command.reported_at,
        taken_at=command.taken_at,
        excluded=tuple(dict.fromkeys(command.excluded)),
        care=command.care,
        crisis=reading.service or (command.not_accepted.service if command.not_accepted else None),
        ends_at_once=command.ends_at_once,
    )


def _sealed(
    command: RegisterCase, case_id: UUID, code: str, sealer: Sealer, *, shown_to: str | None
) -> SealedRequester:
    key, wrapped = sealer.new_case_key()

    def seal(column: str, text: str | None) -> bytes | None:
        return sealer.seal(key, text, context(column, case_id)) if text else None

    phone, beneficiary = command.requester.phone, command.requester.on_behalf_of
    return SealedRequester(
        case_id=case_id,
        wrapped_key=wrapped,
        name_sealed=seal("name", command.requester.name),
        phone_sealed=seal("phone", phone),
        phone_index=sealer.blind_index(phone) if phone else None,
        description_sealed=seal("description", command.description),
        beneficiary_sealed=seal("beneficiary", beneficiary.model_dump_json() if beneficiary else None),
        author_sealed=seal("author", command.forwarded.author if command.forwarded else None),
        answer_sealed=seal("answer", command.answer.text if command.answer else None),
        language=command.requester.language,
        pickup_code_sealed=sealer.seal(key, code, context("pickup_code", case_id)),
        pickup_code_digest=sealer.digest(key, code),
        code_shown_to=shown_to,
    )


def context(column: str, case_id: UUID) -> str:
    """Which column of which row a sealed value belongs to."""
    return f"requesters.{column}:{case_id}"


async def register_cases(tx: Transaction, orders: Sequence[Order]) -> Mapping[tuple[str, str], Became]:
    """Write the cases whose keys are free; what became of each order, by its id. Ids must differ."""
    free = await cases.claim_keys(tx, [(order.key, order.case_id) for order in orders])
    taken = [order for order in orders if order.id in free]
    became: dict[tuple[str, str], Became] = {}
    if taken:
        now = await tx.lock(*(order.case_id for order in taken))
        stories = [order.story(tx.directory, now) for order in taken]
        made = [fold(story) for story in stories]
        recognised = [
            cases.Recognised(order.case_id, now, order.marks)
            for order, case in zip(taken, made, strict=True)
            if case.open
        ]
        await cases.insert(tx, made, [order.requester for order in taken], recognised)
        for order, story, case in zip(taken, stories, made, strict=True):
            tell(tx, story)
            became[order.id] = Taken(case, order.pickup_code, order.answer.text if order.answer else "")
            _count(case)
    others = [order.key for order in orders if order.id not in free]
    if others:
        before = await cases.claimed_before(tx, others)
        became |= {(key.scope, key.key): _outcome_of(key, before) for key in others}
    return became


def _count(case: Case) -> None:
    metrics.CASES_REGISTERED.labels(case.channel, case.urgency).inc()
    if case.closed_by is not None and case.outcome is not None:
        metrics.CASES_CLOSED.labels(case.closed_by, case.outcome).inc()


async def taken_before(tx: Transaction, key: RequestKey) -> Became | None:
    """What became of this key earlier. A repeated order may be refused by now, its category being retired since, but
    its case stands."""
    before = await cases.claimed_before(tx, [key])
    return _outcome_of(key, before) if before else None


def _outcome_of(key: RequestKey, before: Mapping[tuple[str, str], tuple[bytes, UUID]]) -> Became:
    """The same key with the same body is answered again; with another body it is a mistake of the sender's."""
    sha256, case_id = before[key.scope, key.key]
    if sha256 != key.body_sha256:
        return Refused(RefusedBecause.KEY_REUSED)
    return TakenBefore(case_id)


async def answer_again(tx: Transaction, case_id: UUID, sealer: Sealer, public_url: str) -> Registered:
    """What was answered when the case was registered."""
    first = (await journal.story(tx, case_id))[0]
    case = fold([first])
    now = await cases.load(tx, case_id)
    assert now is not None
    ended = replace(
        case,
        not_accepted=now.not_accepted,
        service=now.service,
        rightful_unit_id=now.rightful_unit_id,
        snippet_id=now.snippet_id,
    )
    row = await requesters.requester(tx, case_id)
    if row["wrapped_key"] is None:  # erased since
        raise no_such_case()
    key = sealer.unwrap(row["wrapped_key"])
    seen = first.actor.kind is not ActorKind.STAFF or row["code_shown_to"] is not None
    code = sealer.unseal(key, row["pickup_code_sealed"], context("pickup_code", case_id)) if seen else None
    own_words = row["answer_sealed"]
    said = sealer.unseal(key, own_words, context("answer", case_id)) if own_words else ""
    return Taken(ended, code, said).answer(tx.directory, public_url)
