"""Examples of what dispatch tells."""

from __future__ import annotations

from datetime import timedelta

from shared import vocabulary as v
from shared.events import dispatch as e
from tests.contracts.examples.world import AT, GRID, OFFER, OTHER, PHONE, WORKER, of_part

CANDIDATES = (
    e.Candidate(person_id=WORKER, post=v.Post.A, eta_seconds=240),
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
    ),
    e.OfferDeclined(**of_part(2, *PHONE), offer_id=OFFER, person_id=WORKER, reason=v.DeclineReason.TOO_FAR),
    e.OfferLapsed(**of_part(3), offer_id=OFFER, person_id=WORKER),
    e.OfferWithdrawn(**of_part(4), offer_id=OFFER, person_id=WORKER, reason=v.WithdrawReason.NEXT_STEP),
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
        method=v.ArrivalMethod.POSITION,
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
        late_cause=v.LateCause.TRAFFIC,
        device_at=AT - timedelta(seconds=2),
    ),
    e.PartEnded(**of_part(11), person_id=WORKER, because="reopened"),
    e.NobodyAvailable(**of_part(12), unit_id=GRID, candidates=CANDIDATES),
)
