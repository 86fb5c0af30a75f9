"""What dispatch tells: who holds the case, and what was done."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.event import CaseEvent
from shared.things import Value
from shared.vocabulary import (
    ArrivalMethod,
    DeclineReason,
    LateCause,
    Level,
    Must,
    NoteKind,
    Outcome,
    PartRole,
    Post,
    WithdrawReason,
)


class Candidate(Value):
    """Somebody considered for an offer. `removed_by` names the hard filter, `None` if the person could have gone."""

    person_id: str
    post: Post
    eta_seconds: int | None = None
    removed_by: str | None = None


class PartEvent(CaseEvent):
    """Something that happened to one part (主办 or 协办) of a case."""

    part_id: UUID
    part_role: PartRole
    level: Level
    round: int


class CaseOffered(PartEvent, type="yike.case.offered", source="dispatch"):
    """派单 to one person until `expires_at`. `goes` is false for officers, who hold but do not travel.
    `chosen_because` is a code of dispatch's rules; `candidates` is what was weighed."""

    offer_id: UUID
    person_id: str
    unit_id: str
    post: Post
    emergency: bool
    goes: bool
    expires_at: datetime
    eta_seconds: int | None = None
    chosen_because: str
    candidates: tuple[Candidate, ...] = ()


class OfferDeclined(PartEvent, type="yike.offer.declined", source="dispatch"):
    """拒单."""

    offer_id: UUID
    person_id: str
    reason: DeclineReason


class OfferLapsed(PartEvent, type="yike.offer.lapsed", source="dispatch"):
    """超时: nobody answered by `expires_at`."""

    offer_id: UUID
    person_id: str


class OfferWithdrawn(PartEvent, type="yike.offer.withdrawn", source="dispatch"):
    """Taken back before it was answered."""

    offer_id: UUID
    person_id: str
    reason: WithdrawReason


class CaseAccepted(PartEvent, type="yike.case.accepted", source="dispatch"):
    """接单. `told_at` is when the person was offered it; `device_at` the phone's own time, beside the server's."""

    offer_id: UUID
    person_id: str
    unit_id: str
    goes: bool
    told_at: datetime
    device_at: datetime | None = None


class WorkerArrived(PartEvent, type="yike.worker.arrived", source="dispatch"):
    """到场, in metres from the place where both are known. `told_at` keeps the article's own clock beside ours."""

    person_id: str
    method: ArrivalMethod
    told_at: datetime
    distance_m: int | None = None
    device_at: datetime | None = None


class ResidentContacted(PartEvent, type="yike.resident.contacted", source="dispatch"):
    """First contact with whoever asked; an arrival counts as one."""

    person_id: str


class EvidenceAdded(PartEvent, type="yike.evidence.added", source="dispatch"):
    """证据: the file stays with dispatch; `sha256` is of the bytes received, `taken_at` the camera's own time."""

    evidence_id: UUID
    person_id: str
    media_type: str
    sha256: str
    size_bytes: int
    taken_at: datetime | None = None
    distance_m: int | None = None


class ProgressNoted(PartEvent, type="yike.progress.noted", source="dispatch"):
    """An account, a measure or progress was written; the text is sealed in dispatch under `note_id`, and `digest`
    is its HMAC under the case's own key, so that a changed text shows and a destroyed key leaves the hash valid."""

    note_id: UUID
    person_id: str
    note: NoteKind
    digest: str = ""


class CaseHandled(PartEvent, type="yike.case.handled", source="dispatch"):
    """办结: the handler says it is done; not closed. `level` is the level dispatch knew (see EscalationVoided);
    `late_cause` is given where an emergency's arrival was late."""

    person_id: str
    outcome: Outcome
    musts_met: tuple[Must, ...]
    late_cause: LateCause | None = None
    device_at: datetime | None = None


class PartEnded(PartEvent, type="yike.part.ended", source="dispatch"):
    """A holder's part ended without being handled by them: relieved by a reopening, or the case closed."""

    person_id: str
    because: str


class NobodyAvailable(PartEvent, type="yike.offer.nobody_available", source="dispatch"):
    """Nobody could be offered the part now; the search goes on by itself."""

    unit_id: str
    candidates: tuple[Candidate, ...] = ()
