"""What a holder does on a part: arrive, make contact, add evidence and notes, handle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch.rules import musts, refusals
from services.dispatch.rules.facts import OVER, CaseState, Offer, OfferState, Part, State
from services.dispatch.rules.offers import Decision, about, holder_of, not_theirs, over, withdraw_all
from services.dispatch.rules.refusals import Refused
from shared.event import Actor
from shared.events.dispatch import CaseHandled, EvidenceAdded, ProgressNoted, ResidentContacted, WorkerArrived
from shared.going import ArrivalMethod, LateCause, ReassignReason, WithdrawReason
from shared.vocabulary import Channel, NoteKind, Outcome, PartRole, Post


@dataclass(frozen=True)
class Doer:
    """Who acts, through what, and what their own clock said."""

    actor: Actor
    channel: Channel = Channel.MOBILE
    device_at: datetime | None = None

    @property
    def person_id(self) -> str:
        return self.actor.person_id or ""


def hold(state: State, part: Part, doer: Doer) -> Offer | Refused:
    """The offer by which this person holds the part, also after handling it; or why they do not."""
    if state.case.state in OVER:
        return over(state)
    taken = state.taken_by(part.id)
    mine = [offer for offer in state.offers if offer.part_id == part.id and offer.person_id == doer.person_id]
    if taken is not None and taken.person_id == doer.person_id:
        return taken
    if taken is not None and mine and mine[-1].passed_on == ReassignReason.TAKEN_OVER:
        return refusals.taken_over(taken.person_id)
    if taken is not None:
        return not_theirs(state, part.id, doer.person_id)
    if mine and mine[-1].state is OfferState.OFFERED:
        return refusals.ACCEPT_FIRST
    if mine:
        return refusals.offer_gone(mine[-1], holder_of(state, part.id))
    return not_theirs(state, part.id, doer.person_id)


def arrive(
    state: State, part: Part, doer: Doer, now: datetime, *, method: ArrivalMethod, distance_m: int | None
) -> Decision:
    """到场. Late is no reason to refuse; the second time changes nothing."""
    held = hold(state, part, doer)
    if isinstance(held, Refused):
        return held
    if held.arrived_at is not None:
        return []
    if held.state is OfferState.HANDLED or state.case.state is not CaseState.OPEN:
        return refusals.CASE_HANDLED
    return [
        WorkerArrived(
            **about(state, part.id, now, doer.actor, doer.channel),
            person_id=doer.person_id,
            method=method,
            told_at=held.offered_at,
            distance_m=distance_m,
            device_at=doer.device_at,
        )
    ]


def contact(state: State, part: Part, doer: Doer, now: datetime) -> Decision:
    """First contact with the resident, once per holder."""
    held = hold(state, part, doer)
    if isinstance(held, Refused):
        return held
    if held.contacted_at is not None or held.state is OfferState.HANDLED:
        return []
    return [
        ResidentContacted(**about(state, part.id, now, doer.actor, doer.channel), person_id=doer.person_id)
    ]


@dataclass(frozen=True)
class ReceivedFile:
    """What is known of a file once it is stored."""

    id: UUID
    media_type: str
    sha256: str
    size_bytes: int
    taken_at: datetime | None
    distance_m: int | None


def add_evidence(state: State, part: Part, doer: Doer, now: datetime, file: ReceivedFile) -> Decision:
    held = hold(state, part, doer)
    if isinstance(held, Refused):
        return held
    if any(known.id == file.id for known in state.evidence):
        return []
    return [
        EvidenceAdded(
            **about(state, part.id, now, doer.actor, doer.channel),
            evidence_id=file.id,
            person_id=doer.person_id,
            media_type=file.media_type,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            taken_at=file.taken_at,
            distance_m=file.distance_m,
        )
    ]


def write_note(
    state: State, part: Part, doer: Doer, now: datetime, *, note_id: UUID, note: NoteKind, digest: str
) -> Decision:
    """The text itself is sealed beside this; the story holds its id and digest."""
    held = hold(state, part, doer)
    if isinstance(held, Refused):
        return held
    common = about(state, part.id, now, doer.actor, doer.channel)
    return [ProgressNoted(**common, note_id=note_id, person_id=doer.person_id, note=note, digest=digest)]


def handle(
    state: State, part: Part, doer: Doer, now: datetime, *, outcome: Outcome, late_cause: LateCause | None
) -> Decision:
    """办结: says it is done, at the level dispatch knows. Offers nobody answered are taken back."""
    held = hold(state, part, doer)
    if isinstance(held, Refused):
        return held
    if held.state is OfferState.HANDLED:
        return []
    if state.case.state is not CaseState.OPEN:
        return refusals.CASE_HANDLED
    if (refused := _not_now(state, part, held, late_cause)) is not None:
        return refused
    handled = CaseHandled(
        **{**about(state, part.id, now, doer.actor, doer.channel), "level": state.case.level},
        person_id=doer.person_id,
        outcome=outcome,
        musts_met=musts.met(state),
        late_cause=late_cause if musts.arrived_late(state) else None,
        device_at=doer.device_at,
    )
    return [handled, *withdraw_all(state, WithdrawReason.CASE_HANDLED, now)]


def _not_now(state: State, part: Part, held: Offer, late_cause: LateCause | None) -> Refused | None:
    """The owner handles; until somebody holds the owner's part, whoever goes may, but for a volunteer and for who
    came with a task of their own."""
    owner = state.owner
    if part.asked_for:
        return refusals.TASK_ONLY
    if held.post is Post.VOLUNTEER:
        return refusals.VOLUNTEER_HELPS
    if part.role is not PartRole.OWNER and owner is not None and (by := holder_of(state, owner.id)):
        return refusals.owner_handles(by)
    if missing := musts.missing(state):
        return refusals.musts_missing(missing)
    if state.case.emergency and musts.arrived_late(state) and late_cause is None:
        return refusals.LATE_CAUSE_NEEDED
    return None
