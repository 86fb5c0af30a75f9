"""What is shown of a case."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel

from services.escalation.rules.case import Case, Colour, ExtensionState, Order, Raise
from shared.events.escalation import SkippedLevel
from shared.vocabulary import (
    DeadlineKind,
    EscalationCause,
    EscalationReason,
    ExtensionReason,
    Level,
    ParkReason,
    PartRole,
    ReturnBasis,
    Ruling,
    SupervisionKind,
    UnparkReason,
    Urgency,
)


class DeadlineView(BaseModel):
    """`about` is the return, order, part, raise or parking that the clock of a side matter belongs to."""

    kind: DeadlineKind
    about: UUID | None
    level: Level
    round: int
    due_at: datetime
    amber_at: datetime
    colour: Colour
    assumed: bool


class RaiseView(BaseModel):
    """`text` and `reply` are shown to those in charge and to holders; who raised it, to everybody but readers."""

    id: UUID
    at: datetime
    cause: EscalationCause
    from_level: Level
    to_level: Level
    to_unit_id: str
    skipped: tuple[SkippedLevel, ...]
    counts_from: datetime
    round: int
    by_person_id: str | None
    reason: EscalationReason | None
    text: str | None
    voided: bool
    replied_at: datetime | None
    replied_by: str | None
    reply: str | None


class OrderView(BaseModel):
    id: UUID
    at: datetime
    kind: SupervisionKind
    level: Level
    unit_id: str
    supervising_unit_id: str
    round: int
    ordered_by: str | None
    text: str | None
    answered_at: datetime | None
    answered_by: str | None
    answer: str | None


class ReturnView(BaseModel):
    id: UUID
    at: datetime
    part_id: UUID
    part_role: PartRole
    person_id: str | None
    basis: ReturnBasis
    rightful_unit_id: str
    level: Level
    supervising_unit_id: str
    round: int
    ruling: Ruling | None
    unanswered: bool
    to_unit_id: str | None
    ruled_at: datetime | None
    ruled_by: str | None
    text: str | None
    over: bool


class ExtensionView(BaseModel):
    id: UUID
    at: datetime
    person_id: str | None
    due_at: datetime
    until: datetime
    reason: ExtensionReason
    level: Level
    approving_unit_id: str
    round: int
    state: ExtensionState
    unanswered: bool
    decided_at: datetime | None
    decided_by: str | None


class ParkingView(BaseModel):
    id: UUID
    at: datetime
    owner_id: str | None
    unit_id: str
    reason: ParkReason
    plan: str | None
    review_at: datetime
    level: Level
    round: int
    ended_at: datetime | None
    ended_because: UnparkReason | None


class CaseView(BaseModel):
    """`deadlines` are those that run, are amber or stand red; `listed_on` is the last day it stood on the named
    persons' list."""

    case_id: UUID
    number: str
    urgency: Urgency
    level: Level
    unit_id: str
    round: int
    merged_into: UUID | None
    handled_at: datetime | None
    closed_at: datetime | None
    listed_on: date | None
    deadlines: list[DeadlineView]
    raises: list[RaiseView]
    supervision_orders: list[OrderView]
    returns: list[ReturnView]
    extensions: list[ExtensionView]
    parkings: list[ParkingView]


NAMES = (
    "by_person_id",
    "replied_by",
    "ordered_by",
    "answered_by",
    "person_id",
    "ruled_by",
    "decided_by",
    "owner_id",
)
"""What a reader is not told."""


def case_view(found: Case, texts: dict[UUID, str], *, named: bool = True) -> CaseView:
    """The case with the words that may be read; `named` is false for readers."""
    hidden = {} if named else dict.fromkeys(NAMES)

    def shown(one: object, **more: object) -> dict[str, object]:
        facts = {**vars(one), **more}
        return {name: hidden.get(name, value) for name, value in facts.items()}

    return CaseView(
        **{name: getattr(found, name) for name in OF_THE_CASE},
        deadlines=[DeadlineView.model_validate(one, from_attributes=True) for one in found.open()],
        raises=[RaiseView.model_validate(shown(one, **_words_of_raise(one, texts))) for one in found.raises],
        supervision_orders=[
            OrderView.model_validate(shown(one, **_words_of_order(one, texts))) for one in found.orders
        ],
        returns=[ReturnView.model_validate(shown(one, text=texts.get(one.id))) for one in found.returns],
        extensions=[ExtensionView.model_validate(shown(one)) for one in found.extensions],
        parkings=[ParkingView.model_validate(shown(one, plan=texts.get(one.id))) for one in found.parkings],
    )


OF_THE_CASE = (
    "case_id",
    "number",
    "urgency",
    "level",
    "unit_id",
    "round",
    "merged_into",
    "handled_at",
    "closed_at",
    "listed_on",
)


def _words_of_raise(one: Raise, texts: dict[UUID, str]) -> dict[str, str | None]:
    return {"text": texts.get(one.id), "reply": texts.get(one.reply_id) if one.reply_id else None}


def _words_of_order(one: Order, texts: dict[UUID, str]) -> dict[str, str | None]:
    return {"text": texts.get(one.id), "answer": texts.get(one.answer_id) if one.answer_id else None}
