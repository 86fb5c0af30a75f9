"""Taking cases in: everything that can be decided alone is decided before the transaction, many are written by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from services.intake import metrics
from services.intake.commands.registration import RegisterCase, Registered
from services.intake.queries import cases, requesters
from services.intake.queries.cases import SealedRequester
from services.intake.rules import numbering
from services.intake.rules.cases import registered
from services.intake.rules.places import can_be_asked, choose_category, choose_unit, headline_for
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Transaction
from shared.directory import Directory
from shared.event import Actor
from shared.events.intake import CaseRegistered, Place
from shared.idempotency import RequestKey
from shared.ids import uuid7
from shared.sealing import Sealer
from shared.things import Category, Unit
from shared.vocabulary import Level

NOT_YET = datetime.min.replace(tzinfo=UTC)
"""`at` of an event whose time the database has yet to say."""


@dataclass(frozen=True)
class Order:
    """One registration, decided and sealed, waiting to be written."""

    key: RequestKey
    event: CaseRegistered
    requester: SealedRequester
    pickup_code: str

    @property
    def case_id(self) -> UUID:
        return self.event.case_id

    @property
    def id(self) -> tuple[str, str]:
        return self.key.scope, self.key.key

    def with_new_number(self) -> Order:
        return replace(self, event=self.event.model_copy(update={"number": numbering.draw_number()}))


@dataclass(frozen=True)
class Taken:
    """A case that stands in the database, and the code only its requester knows."""

    event: CaseRegistered
    pickup_code: str

    def answer(self, public_url: str) -> Registered:
        event = self.event
        return Registered(
            case_id=event.case_id,
            number=event.number,
            pickup_code=self.pickup_code,
            urgency=event.urgency,
            grid_id=event.grid_id,
            unit_id=event.unit_path[-1],
            registered_at=event.at,
            tracking_url=tracking_url(public_url, event.number),
        )


@dataclass(frozen=True)
class TakenBefore:
    """The key made this case earlier; its answer is read back."""

    case_id: UUID


Outcome = Taken | TakenBefore | Refused


def tracking_url(public_url: str, number: str) -> str:
    return f"{public_url.rstrip('/')}/api/intake/track/{number}"


def draw_up(
    command: RegisterCase, actor: Actor, key: RequestKey, directory: Directory, sealer: Sealer
) -> Order | Refused:
    """Decide what the case is and where it belongs, and seal who asked."""
    place = Place(lon=command.place.lon, lat=command.place.lat, label=command.place.label)
    category = choose_category(directory, command.category_code)
    if isinstance(category, Refused):
        return category
    unit = choose_unit(directory, place, command.grid_id)
    if isinstance(unit, Refused):
        return unit
    event = _event(command, actor, category, unit, place, directory)
    code = numbering.draw_code()
    return Order(key, event, _sealed(command, event.case_id, code, sealer), code)


def _event(
    command: RegisterCase, actor: Actor, category: Category, unit: Unit, place: Place, directory: Directory
) -> CaseRegistered:
    requester = command.requester
    reachable = bool(requester.phone or requester.name)
    return CaseRegistered(
        at=NOT_YET,
        case_id=uuid7(),
        actor=actor,
        channel=command.channel,
        number=numbering.draw_number(),
        category_code=category.code,
        urgency=category.urgency,
        headline=headline_for(category, place),
        place=place,
        grid_id=unit.id if unit.level is Level.GRID else None,
        unit_path=tuple(above.id for above in directory.path(unit.id)),
        ladder=directory.ladder(unit.id),
        policy=directory.policies[category.policy_id],
        requester_can_be_asked=can_be_asked(
            command.channel, anonymous=requester.anonymous, reachable=reachable
        ),
        registry_revision=directory.revision,
    )


def _sealed(command: RegisterCase, case_id: UUID, code: str, sealer: Sealer) -> SealedRequester:
    key, wrapped = sealer.new_case_key()

    def seal(column: str, text: str | None) -> bytes | None:
        return sealer.seal(key, text, context(column, case_id)) if text else None

    phone = command.requester.phone
    return SealedRequester(
        case_id=case_id,
        wrapped_key=wrapped,
        name_sealed=seal("name", command.requester.name),
        phone_sealed=seal("phone", phone),
        phone_index=sealer.blind_index(phone) if phone else None,
        description_sealed=seal("description", command.description),
        language=command.requester.language,
        pickup_code_sealed=sealer.seal(key, code, context("pickup_code", case_id)),
        pickup_code_digest=sealer.digest(key, code),
    )


def context(column: str, case_id: UUID) -> str:
    """Which column of which row a sealed value belongs to."""
    return f"requesters.{column}:{case_id}"


async def register_cases(tx: Transaction, orders: Sequence[Order]) -> Mapping[tuple[str, str], Outcome]:
    """Write the cases whose keys are free; what became of each order, by its id. Ids must differ."""
    free = await cases.claim_keys(tx, [(order.key, order.case_id) for order in orders])
    taken = {order.id: order for order in orders if order.id in free}
    outcomes: dict[tuple[str, str], Outcome] = {}
    if taken:
        now = await tx.lock(*(order.case_id for order in taken.values()))
        events = [order.event.model_copy(update={"at": now}) for order in taken.values()]
        await cases.insert(tx, [registered(event) for event in events], [o.requester for o in taken.values()])
        tx.announce(*events)
        for order, event in zip(taken.values(), events, strict=True):
            outcomes[order.id] = Taken(event, order.pickup_code)
            metrics.CASES_REGISTERED.labels(event.channel, event.urgency).inc()
    others = [order.key for order in orders if order.id not in taken]
    if others:
        before = await cases.claimed_before(tx, others)
        outcomes |= {(key.scope, key.key): _outcome_of(key, before) for key in others}
    return outcomes


async def taken_before(tx: Transaction, key: RequestKey) -> Outcome | None:
    """What became of this key earlier. A repeated order may be refused by now, its category being retired since, but
    its case stands."""
    before = await cases.claimed_before(tx, [key])
    return _outcome_of(key, before) if before else None


def _outcome_of(key: RequestKey, before: Mapping[tuple[str, str], tuple[bytes, UUID]]) -> Outcome:
    """The same key with the same body is answered again; with another body it is a mistake of the sender's."""
    sha256, case_id = before[key.scope, key.key]
    if sha256 != key.body_sha256:
        return Refused(RefusedBecause.KEY_REUSED)
    return TakenBefore(case_id)


async def answer_again(tx: Transaction, case_id: UUID, sealer: Sealer, public_url: str) -> Registered:
    """What was answered when the case was registered."""
    case = await cases.load(tx, case_id)
    assert case is not None
    row = await requesters.requester(tx, case_id)
    code = sealer.unseal(
        sealer.unwrap(row["wrapped_key"]), row["pickup_code_sealed"], context("pickup_code", case_id)
    )
    return Registered(
        case_id=case.case_id,
        number=case.number,
        pickup_code=code,
        urgency=case.urgency,
        grid_id=case.grid_id,
        unit_id=case.unit_id,
        registered_at=case.registered_at,
        tracking_url=tracking_url(public_url, case.number),
    )
