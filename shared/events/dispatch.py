"""What dispatch tells: who holds the case, and what was done."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.event import AlarmEvent, CaseEvent
from shared.going import (
    ArrivalMethod,
    DeclineReason,
    EntryFlag,
    EntryKind,
    LateCause,
    ReassignReason,
    WithdrawReason,
)
from shared.things import Value
from shared.vocabulary import Level, Must, NoteKind, Outcome, PartRole, Post, ReturnBasis


class Candidate(Value):
    """Somebody considered for an offer. `removed_by` names the hard filter, `None` if the person could have gone;
    `p_late` is the chance that they would come too late, from 0 to 1."""

    person_id: str
    post: Post
    eta_seconds: int | None = None
    removed_by: str | None = None
    p_late: float | None = None


class ShadowChoice(Value):
    """Whom another policy would have asked at the same moment; `None`: nobody."""

    policy: str
    person_id: str | None = None
    eta_seconds: int | None = None
    p_late: float | None = None


class PartEvent(CaseEvent):
    """Something that happened to one part (主办 or 协办) of a case."""

    part_id: UUID
    part_role: PartRole
    level: Level
    round: int


class CaseOffered(PartEvent, type="yike.case.offered", source="dispatch"):
    """派单 to one person until `expires_at`. `goes` is false for officers, who hold but do not travel.
    `chosen_because` is a code of dispatch's rules; `candidates` is what was weighed, by which `policy`, and `shadow` is
    the choice of another policy, which does nothing. `swap_of` is the offer by which the person is on the way to
    another case (改派): accepting frees them of it, anything else changes nothing there. `takes_over` is the offer by
    which somebody else is on the way to this very part (接替): they hold it until this one is accepted, and anything
    else changes nothing for them."""

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
    policy: str | None = None
    shadow: ShadowChoice | None = None
    swap_of: UUID | None = None
    takes_over: UUID | None = None


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


class HelpRequested(PartEvent, type="yike.help.requested", source="dispatch"):
    """吹哨: whoever is there asks for more hands; `unit_ids` are those asked."""

    help_id: UUID
    person_id: str
    unit_ids: tuple[str, ...]


class HelpAnswered(PartEvent, type="yike.help.answered", source="dispatch"):
    """Somebody came; their co-handler's part is this event's part."""

    help_id: UUID
    person_id: str
    unit_id: str


class CaseReturned(PartEvent, type="yike.case.returned", source="dispatch"):
    """退单: not theirs, on this basis; `rightful_unit_id` says whose. The reasons in words are sealed in dispatch
    under `return_id`, `digest` is their HMAC. The holder holds the part until the ruling."""

    return_id: UUID
    person_id: str
    basis: ReturnBasis
    rightful_unit_id: str
    digest: str


class CaseHandedDown(PartEvent, type="yike.case.handed_down", source="dispatch"):
    """An officer hands the case down to `to_unit_id` with instructions: the holder changes, level and clocks do
    not. `goes`: whoever takes it travels."""

    person_id: str
    to_unit_id: str
    note_id: UUID
    digest: str
    goes: bool = False


class CoHandlerAsked(PartEvent, type="yike.co_handler.asked", source="dispatch"):
    """协办: a part of its own for another unit, with a task and, where a limit was named, a clock. `help_id` is the
    request for help it answers; `goes`: whoever takes it travels."""

    asked_by: str
    unit_id: str
    note_id: UUID
    digest: str
    due_at: datetime | None = None
    goes: bool = False
    help_id: UUID | None = None


class PartHandled(PartEvent, type="yike.part.handled", source="dispatch"):
    """A co-handler's task is done; the case goes on."""

    person_id: str


class CaseReassigned(PartEvent, type="yike.case.reassigned", source="dispatch"):
    """交接: the part goes from one person to another as it is, by the post they hold there. `to_person_id` is `None`
    where it is searched anew, or offered to whoever is named in the `CaseOffered` beside it. `taken_over` comes right
    before the `CaseAccepted` of who takes over; `to_offer_id` is what they accept."""

    from_person_id: str
    to_person_id: str | None = None
    to_offer_id: UUID | None = None
    to_post: Post | None = None
    to_unit_id: str | None = None
    reason: ReassignReason


class EntryFlagged(PartEvent, type="yike.entry.flagged", source="dispatch"):
    """Something odd about an arrival or evidence, for the supervisor's eyes; nothing is refused because of it."""

    entry_id: UUID
    entry: EntryKind
    person_id: str
    flags: tuple[EntryFlag, ...]


class EntryCorrected(PartEvent, type="yike.entry.corrected", source="dispatch"):
    """Whoever entered it says it was wrong; the first entry stays beside it."""

    entry_id: UUID
    entry: EntryKind
    person_id: str
    note_id: UUID
    digest: str


class DeviceTimeAccepted(PartEvent, type="yike.device_time.accepted", source="dispatch"):
    """A supervisor accepts the phone's own time of an arrival that was received later; figures say how many were."""

    person_id: str
    device_at: datetime
    received_at: datetime
    digest: str


class AlarmRaised(AlarmEvent, type="yike.alarm.raised", source="dispatch"):
    """SOS: a worker needs help now. Where they are is kept sealed in dispatch for those who may help."""

    person_id: str
    unit_path: tuple[str, ...]
    case_id: UUID | None = None


class AlarmAnswered(AlarmEvent, type="yike.alarm.answered", source="dispatch"):
    """Somebody takes care of it."""

    person_id: str
    answered_by: str


class AlarmEnded(AlarmEvent, type="yike.alarm.ended", source="dispatch"):
    """The worker is safe, or pressed it by mistake."""

    person_id: str
    by_mistake: bool = False
