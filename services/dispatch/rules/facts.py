"""What dispatch knows of one case, as frozen facts; `story.apply` is the only thing that makes new ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.events.dispatch import Candidate, ShadowChoice
from shared.events.intake import Place, Rung, Window
from shared.going import ArrivalMethod, DeclineReason, EntryFlag, EntryKind
from shared.things import Policy
from shared.vocabulary import Level, NoteKind, Outcome, PartRole, Post, ReturnBasis, Ruling, Urgency


class CaseState(StrEnum):
    """`merged`: the case is the same thing as an earlier one, which is worked on instead."""

    OPEN = "open"
    HANDLED = "handled"
    CLOSED = "closed"
    MERGED = "merged"


OVER = frozenset({CaseState.CLOSED, CaseState.MERGED})
"""Nothing is asked of anybody here any more."""


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


CONCERNED = HELD_OR_HANDLED | {OfferState.OFFERED, OfferState.ENDED}
"""Asked now, or had it: they may read the case."""


class ExtensionState(StrEnum):
    """延期, as escalation tells."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"


class StatementKind(StrEnum):
    """What words were written for, besides the notes of the work itself."""

    RETURN = "return"
    HAND_DOWN = "hand_down"
    TASK = "task"
    CORRECTION = "correction"
    DEVICE_TIME = "device_time"


CARE_OFFER_SECONDS, CARE_LEADER_SECONDS = 60, 180
"""As for an emergency (product.md §3), whatever policy the category has."""


@dataclass(frozen=True, slots=True)
class Case:
    """`level` and `unit_id` are where the case is now; `registered_at` never changes, `policy` and `ladder` only
    when the case is amended. `ends_at_once`: answered or not accepted at registration, offered to nobody."""

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
    reported_at: datetime | None = None
    excluded: tuple[str, ...] = ()
    care: bool = False
    ends_at_once: Outcome | None = None
    appointment: Window | None = None
    merged_into: str | None = None
    questions: tuple[UUID, ...] = ()
    extension: ExtensionState | None = None
    extended_until: datetime | None = None
    review_at: datetime | None = None
    erased_at: datetime | None = None

    @property
    def lowest_unit_id(self) -> str:
        """The lowest unit known of its place: whoever may act for it may act for the case."""
        return self.grid_id or self.unit_path[-1]

    @property
    def emergency(self) -> bool:
        return self.urgency is Urgency.EMERGENCY

    @property
    def urgent(self) -> bool:
        """Somebody has to be there within minutes: an emergency, or somebody on a care register in urgent need."""
        return self.emergency or self.care

    @property
    def offer_seconds(self) -> int:
        """How long an offer lasts: a routine one is too long where minutes are owed."""
        by_policy = self.policy.offer_expires_after_seconds
        return by_policy if self.emergency or not self.care else min(by_policy, CARE_OFFER_SECONDS)

    @property
    def leader_after_seconds(self) -> int | None:
        """When the grid leader is asked at the latest; `None` where nothing is owed within minutes."""
        by_policy = self.policy.leader_after_seconds
        return (CARE_LEADER_SECONDS if self.care else None) if by_policy is None else by_policy


@dataclass(frozen=True, slots=True)
class Part:
    """主办 or 协办. `goes` is true where the holder travels; `turn` counts the searches from the A holder on, the
    running one since `searched_from`; `nobody_since` is when the search last ran dry.

    `own_people_only`: somebody named this unit, so only its own people are asked. `asked_by` has given a task to it
    (its words are the statement `task_id`), by `due_at` where a limit was named, for the request `help_id`."""

    id: UUID
    role: PartRole
    level: Level
    unit_id: str
    goes: bool
    state: PartState
    round: int
    opened_at: datetime
    searched_from: datetime
    turn: int = 1
    nobody_since: datetime | None = None
    own_people_only: bool = False
    asked_by: str | None = None
    task_id: UUID | None = None
    due_at: datetime | None = None
    help_id: UUID | None = None

    @property
    def asked_for(self) -> bool:
        """A co-handler's part that somebody asked for, with a task of its own."""
        return self.role is PartRole.CO_HANDLER and self.asked_by is not None

    @property
    def searched(self) -> bool:
        """Whether the search goes on while nobody is on it."""
        return self.goes or self.role is PartRole.OWNER or self.asked_for


@dataclass(frozen=True, slots=True)
class Offer:
    """One person, one part. `goes` turns false as soon as the person is free to be sent elsewhere. `passed_on` says
    that a held part went to somebody else (交接), was handed down or was ruled to be another unit's. `swap_of` is the
    offer by which the person was on the way to another case when this one was put to them; `takes_over` the one by
    which somebody else was on the way to this part."""

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
    passed_on: str | None = None
    policy: str | None = None
    shadow: ShadowChoice | None = None
    swap_of: UUID | None = None
    takes_over: UUID | None = None

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def held(self) -> bool:
        return self.state in HELD

    @property
    def asks_to_take_over(self) -> bool:
        """接替, not answered yet: beside whoever has the part, who goes on until it is accepted."""
        return self.takes_over is not None and self.state is OfferState.OFFERED


@dataclass(frozen=True, slots=True)
class Arrival:
    """`at` is the server's receipt; the phone's own time stands beside it, and counts once a supervisor accepts it."""

    id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    method: ArrivalMethod
    distance_m: int | None
    device_at: datetime | None
    device_time_accepted: bool = False

    @property
    def counts_at(self) -> datetime:
        return self.device_at if self.device_time_accepted and self.device_at is not None else self.at


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
class Return:
    """退单: `unit_id` is whose part it was; `ruling` is `None` until the supervising unit rules."""

    id: UUID
    part_id: UUID
    person_id: str
    unit_id: str
    at: datetime
    basis: ReturnBasis
    rightful_unit_id: str
    digest: str
    ruling: Ruling | None = None
    to_unit_id: str | None = None
    ruled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HelpCall:
    """吹哨, from a part to units; who came is on the parts that carry its id."""

    id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    unit_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """Words that are sealed beside this; `entry_id` is what a correction is about."""

    id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    kind: StatementKind
    digest: str
    entry_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """What is odd about an entry, for the supervisor."""

    entry_id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    entry: EntryKind
    flags: tuple[EntryFlag, ...]


@dataclass(frozen=True, slots=True)
class State:
    """Everything dispatch holds of one case."""

    case: Case
    parts: tuple[Part, ...] = ()
    offers: tuple[Offer, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    evidence: tuple[EvidenceFile, ...] = ()
    notes: tuple[Note, ...] = ()
    returns: tuple[Return, ...] = ()
    help_calls: tuple[HelpCall, ...] = ()
    statements: tuple[Statement, ...] = ()
    flags: tuple[Flag, ...] = ()

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
        """Of whoever has the part, else of whoever is asked to; never one to take it over."""
        live = (offer for offer in self.offers if offer.part_id == part_id and offer.live)
        return next((offer for offer in live if not offer.asks_to_take_over), None)

    def unanswered(self, part_id: UUID) -> Offer | None:
        """The one offer of the part that somebody is asked to answer now."""
        asked = (offer for offer in self.offers if offer.state is OfferState.OFFERED)
        return next((offer for offer in asked if offer.part_id == part_id), None)

    def taken_by(self, part_id: UUID) -> Offer | None:
        """The offer by which somebody took the part, also after handling it."""
        taken = (
            offer for offer in self.offers if offer.part_id == part_id and offer.state in HELD_OR_HANDLED
        )
        return next(taken, None)

    def last_taken_by(self, part_id: UUID) -> Offer | None:
        """`taken_by`; of a part that ended with its case, the offer by which somebody had it until then."""
        relieved = (
            offer
            for offer in reversed(self.offers)
            if offer.part_id == part_id and offer.state is OfferState.ENDED and offer.passed_on is None
        )
        taken = self.taken_by(part_id)
        if taken is not None or self.part(part_id).state is not PartState.ENDED:
            return taken
        return next(relieved, None)

    def concerns(self, person_id: str) -> bool:
        """Whether somebody is asked now, holds a part or held one. Having been asked once is not enough."""
        return any(offer.person_id == person_id and offer.state in CONCERNED for offer in self.offers)

    def took_part(self, person_id: str) -> bool:
        """Whether somebody ever had a part of the case in hand."""
        return any(offer.person_id == person_id and offer.accepted_at is not None for offer in self.offers)

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
