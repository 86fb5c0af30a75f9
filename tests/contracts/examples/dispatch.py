"""Examples of what dispatch tells."""

from __future__ import annotations

from datetime import timedelta

from shared import going as g
from shared import vocabulary as v
from shared.events import dispatch as e
from tests.contracts.examples.world import (
    AT,
    BY_OFFICER,
    BY_WORKER,
    CASE,
    CIVIL,
    COMMUNITY,
    GRID,
    OFFER,
    OFFICER,
    OTHER,
    PART,
    PHONE,
    STREET,
    WORKER,
    attributes,
    of_part,
)

CANDIDATES = (
    e.Candidate(person_id=WORKER, post=v.Post.A, eta_seconds=240, p_late=0.02),
    e.Candidate(person_id="p-w1-3-b", post=v.Post.B, removed_by="off_duty"),
)

DISPATCH = (
    e.CaseOffered(
        **of_part(1),
        offer_id=OFFER,
        person_id=WORKER,
        unit_id=GRID,
        post=v.Post.A,
        emergency=True,
        goes=True,
        expires_at=AT + timedelta(seconds=60),
        eta_seconds=240,
        chosen_because="own_grid_fastest",
        candidates=CANDIDATES,
        policy=g.MatchingPolicy.ENGINE,
        shadow=e.ShadowChoice(
            policy=g.MatchingPolicy.NEAREST_FREE, person_id="p-w1-3-b", eta_seconds=300, p_late=0.05
        ),
        swap_of=OTHER,
        takes_over=OTHER,
    ),
    e.OfferDeclined(**of_part(2, *PHONE), offer_id=OFFER, person_id=WORKER, reason=g.DeclineReason.TOO_FAR),
    e.OfferLapsed(**of_part(3), offer_id=OFFER, person_id=WORKER),
    e.OfferWithdrawn(**of_part(4), offer_id=OFFER, person_id=WORKER, reason=g.WithdrawReason.NEXT_STEP),
    e.CaseAccepted(
        **of_part(5, *PHONE),
        offer_id=OFFER,
        person_id=WORKER,
        unit_id=GRID,
        goes=True,
        told_at=AT - timedelta(seconds=20),
        device_at=AT - timedelta(seconds=2),
    ),
    e.WorkerArrived(
        **of_part(6, *PHONE),
        person_id=WORKER,
        method=g.ArrivalMethod.POSITION,
        told_at=AT - timedelta(minutes=9),
        distance_m=12,
        device_at=AT - timedelta(seconds=2),
    ),
    e.ResidentContacted(**of_part(7, *PHONE), person_id=WORKER),
    e.EvidenceAdded(
        **of_part(8, *PHONE),
        evidence_id=OTHER,
        person_id=WORKER,
        media_type="image/jpeg",
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        size_bytes=812_345,
        taken_at=AT - timedelta(seconds=30),
        distance_m=15,
    ),
    e.ProgressNoted(
        **of_part(9, *PHONE), note_id=OTHER, person_id=WORKER, note=v.NoteKind.MEASURE, digest="5e884898da28"
    ),
    e.CaseHandled(
        **of_part(10, *PHONE),
        person_id=WORKER,
        outcome=v.Outcome.SOLVED,
        musts_met=(v.Must.ARRIVE, v.Must.PHOTOGRAPH_AND_ACCOUNT, v.Must.MEASURE),
        late_cause=g.LateCause.TRAFFIC,
        device_at=AT - timedelta(seconds=2),
    ),
    e.PartEnded(**of_part(11), person_id=WORKER, because="reopened"),
    e.NobodyAvailable(**of_part(12), unit_id=GRID, candidates=CANDIDATES),
    e.HelpRequested(**of_part(13, *PHONE), help_id=OTHER, person_id=WORKER, unit_ids=("city-management",)),
    e.HelpAnswered(
        **of_part(14, *PHONE), help_id=OTHER, person_id="p-city-management-o1", unit_id="city-management"
    ),
    e.CaseReturned(
        **of_part(15, *PHONE),
        return_id=OTHER,
        person_id=WORKER,
        basis=v.ReturnBasis.DUTY_LIST,
        rightful_unit_id="market-regulation",
        digest="5e884898da28",
    ),
    e.CaseHandedDown(
        **of_part(16, BY_OFFICER, v.Channel.DESK),
        person_id=OFFICER,
        to_unit_id=GRID,
        note_id=OTHER,
        digest="5e884898da28",
    ),
    e.CoHandlerAsked(
        **of_part(17, BY_OFFICER, v.Channel.DESK),
        asked_by=OFFICER,
        unit_id="city-management",
        note_id=OTHER,
        digest="5e884898da28",
        due_at=AT + timedelta(days=1),
        goes=True,
        help_id=OTHER,
    ),
    e.PartHandled(**of_part(18, *PHONE), person_id=WORKER),
    e.CaseReassigned(
        **of_part(19, BY_OFFICER, v.Channel.DESK),
        from_person_id=WORKER,
        to_person_id="p-w1-3-b",
        to_offer_id=OFFER,
        to_post=v.Post.B,
        to_unit_id="w1-3",
        reason=g.ReassignReason.SHIFT_ENDED,
    ),
    e.EntryFlagged(
        **of_part(20),
        entry_id=OTHER,
        entry=g.EntryKind.EVIDENCE,
        person_id=WORKER,
        flags=(g.EntryFlag.SEEN_BEFORE, g.EntryFlag.FAR_FROM_PLACE),
    ),
    e.EntryCorrected(
        **of_part(21, *PHONE),
        entry_id=OTHER,
        entry=g.EntryKind.MEASURE,
        person_id=WORKER,
        note_id=PART,
        digest="5e884898da28",
    ),
    e.DeviceTimeAccepted(
        **of_part(22, BY_OFFICER, v.Channel.DESK),
        person_id=WORKER,
        device_at=AT - timedelta(hours=1),
        received_at=AT,
        digest="5e884898da28",
    ),
    e.AlarmRaised(
        **attributes(23),
        alarm_id=OTHER,
        actor=BY_WORKER,
        channel=v.Channel.MOBILE,
        person_id=WORKER,
        unit_path=(CIVIL, STREET, COMMUNITY, GRID),
        case_id=CASE,
    ),
    e.AlarmAnswered(
        **attributes(24),
        alarm_id=OTHER,
        actor=BY_OFFICER,
        channel=v.Channel.DESK,
        person_id=WORKER,
        answered_by=OFFICER,
    ),
    e.AlarmEnded(
        **attributes(25),
        alarm_id=OTHER,
        actor=BY_WORKER,
        channel=v.Channel.MOBILE,
        person_id=WORKER,
        by_mistake=True,
    ),
)
