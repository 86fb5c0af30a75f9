"""What dispatch knows of one case, as frozen facts; `story.apply` is the only thing that makes new ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.events.dispatch import Candidate
from shared.events.intake import Place, Rung
from shared.things import Policy
from shared.vocabulary import ArrivalMethod, DeclineReason, Level, NoteKind, Outcome, PartRole, Post, Urgency


class CaseState(StrEnum):
    OPEN = "open"
    HANDLED = "handled"
    CLOSED = "closed"


class PartState(StrEnum):
    """A waiting part is being searched for; the three after it have one person on them."""

    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    HANDLED = "handled"
    ENDED = "ended"


class OfferState(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    HANDLED = "handled"
    DECLINED = "declined"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


LIVE = frozenset({OfferState.OFFERED, OfferState.ACCEPTED, OfferState.ARRIVED})
"""The offer has somebody's attention: at most one such per part."""

HELD = frozenset({OfferState.ACCEPTED, OfferState.ARRIVED})
"""Somebody has taken the part and works on it."""

HELD_OR_HANDLED = HELD | {OfferState.HANDLED}
"""Somebody has taken the part; who handled it stays on it until the case closes."""


@dataclass(frozen=True, slots=True)
class Case:
    """`level` and `unit_id` are where the case is now; `policy`, `ladder` and `registered_at` never change."""

    id: UUID
    number: str
    category_code: str
    urgency: Urgency
    headline: str
    place: Place
    grid_id: str | None
    unit_path: tuple[str, ...]
    ladder: tuple[Rung, ...]
    policy: Policy
    street_id: str
    level: Level
    unit_id: str
    state: CaseState
    round: int
    registered_at: datetime
    handled_at: datetime | None = None
    outcome: Outcome | None = None
    closed_at: datetime | None = None

    @property
    def emergency(self) -> bool:
        return self.urgency is Urgency.EMERGENCY


@dataclass(frozen=True, slots=True)
class Part:
    """主办 or 协办. `goes` is true where the holder travels; `turn` counts the searches from the A holder on;
    `nobody_since` is when the search last ran dry."""

    id: UUID
    role: PartRole
    level: Level
    unit_id: str
    goes: bool
    state: PartState
    round: int
    opened_at: datetime
    turn: int = 1
    nobody_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One person, one part. `goes` turns false as soon as the person is free to be sent elsewhere."""

    id: UUID
    part_id: UUID
    person_id: str
    unit_id: str
    post: Post
    turn: int
    state: OfferState
    emergency: bool
    goes: bool
    offered_at: datetime
    expires_at: datetime
    eta_seconds: int | None
    chosen_because: str
    candidates: tuple[Candidate, ...] = ()
    declined_because: DeclineReason | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    contacted_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def held(self) -> bool:
        return self.state in HELD


@dataclass(frozen=True, slots=True)
class Arrival:
    part_id: UUID
    person_id: str
    at: datetime
    method: ArrivalMethod
    distance_m: int | None
    device_at: datetime | None


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    media_type: str
    sha256: str
    size_bytes: int
    taken_at: datetime | None
    distance_m: int | None

    @property
    def is_photo(self) -> bool:
        return self.media_type.startswith("image/")


@dataclass(frozen=True, slots=True)
class Note:
    id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    note: NoteKind
    digest: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything dispatch holds of one case."""

    case: Case
    parts: tuple[Part, ...] = ()
    offers: tuple[Offer, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    evidence: tuple[EvidenceFile, ...] = ()
    notes: tuple[Note, ...] = ()

    def part(self, part_id: UUID) -> Part:
        return next(part for part in self.parts if part.id == part_id)

    def offer(self, offer_id: UUID) -> Offer:
        return next(offer for offer in self.offers if offer.id == offer_id)

    @property
    def owner(self) -> Part | None:
        """The owner's part of this round; none between a reopening and the raise that answers it."""
        return next(
            (p for p in self.parts if p.role is PartRole.OWNER and p.state is not PartState.ENDED), None
        )

    def live_offer(self, part_id: UUID) -> Offer | None:
        return next((offer for offer in self.offers if offer.part_id == part_id and offer.live), None)

    def taken_by(self, part_id: UUID) -> Offer | None:
        """The offer by which somebody took the part, also after handling it."""
        taken = (
            offer for offer in self.offers if offer.part_id == part_id and offer.state in HELD_OR_HANDLED
        )
        return next(taken, None)

    def asked(self, part: Part) -> set[str]:
        """Who was already asked in the running turn of the search."""
        return {
            offer.person_id for offer in self.offers if offer.part_id == part.id and offer.turn == part.turn
        }


def with_part(state: State, part: Part) -> State:
    return replace(state, parts=tuple(part if known.id == part.id else known for known in state.parts))


def with_offer(state: State, offer: Offer) -> State:
    """The offer in its place; a new one behind the others."""
    if not any(known.id == offer.id for known in state.offers):
        return replace(state, offers=(*state.offers, offer))
    return replace(state, offers=tuple(offer if known.id == offer.id else known for known in state.offers))
