"""One example of every event, with every field filled and fixed ids and times.

A changed shape shows in the golden file of its type. Fields are only ever added: move the file as it was to
golden/older/<type>.<number>.json, where it must decode for ever, and write what the failing test prints as the new one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from shared import event as base
from shared import events as e
from shared import thing_events as things
from shared import things as t
from shared import vocabulary as v

AT = datetime(2026, 11, 22, 2, 10, 0, 250_000, tzinfo=UTC)
CASE = UUID("01937a10-0000-7000-8000-000000000001")
PART = UUID("01937a10-0000-7000-8000-000000000002")
OFFER = UUID("01937a10-0000-7000-8000-000000000003")
OTHER = UUID("01937a10-0000-7000-8000-000000000004")
WORKER, OFFICER = "p-w1-3-a", "p-w1-officer"
GRID, COMMUNITY, STREET, CIVIL = "grid-w1-3", "community-w1", "street-w", "civil-affairs"

BY_WORKER = base.Actor(kind=v.ActorKind.STAFF, person_id=WORKER, role=v.Role.GRID_WORKER)
BY_OFFICER = base.Actor(kind=v.ActorKind.STAFF, person_id=OFFICER, role=v.Role.UNIT_OFFICER)
BY_OPERATOR = base.Actor(kind=v.ActorKind.STAFF, person_id="p-operator-1", role=v.Role.OPERATOR)


def attributes(number: int) -> dict[str, Any]:
    """What the headers hold; every example has an id of its own."""
    return {"id": UUID(int=CASE.int + 0x100 + number), "at": AT, "sequence": number}


def of_case(
    number: int, actor: base.Actor = base.SYSTEM, channel: v.Channel = v.Channel.SYSTEM
) -> dict[str, Any]:
    return {**attributes(number), "case_id": CASE, "actor": actor, "channel": channel}


def of_part(
    number: int, actor: base.Actor = base.SYSTEM, channel: v.Channel = v.Channel.SYSTEM
) -> dict[str, Any]:
    part = {"part_id": PART, "part_role": v.PartRole.OWNER, "level": v.Level.GRID, "round": 1}
    return {**of_case(number, actor, channel), **part}


def of_registry(number: int) -> dict[str, Any]:
    by = base.Actor(kind=v.ActorKind.STAFF, person_id="p-admin", role=v.Role.ADMINISTRATOR)
    return {**attributes(number), "actor": by, "channel": v.Channel.DESK}


PHONE = (BY_WORKER, v.Channel.MOBILE)

MINUTES, DAYS = v.ClockKind.MINUTES, v.ClockKind.WORKING_DAYS
POLICY = t.Policy(
    id="emergency",
    urgency=v.Urgency.EMERGENCY,
    levels=(
        t.LevelLimits(
            level=v.Level.GRID,
            acknowledge=t.Limit(clock=MINUTES, amount=6),
            arrive=t.Limit(clock=MINUTES, amount=15),
            contact=t.Limit(clock=v.ClockKind.WORKING_HOURS, amount=24),
            handle=t.Limit(clock=MINUTES, amount=240),
        ),
        t.LevelLimits(level=v.Level.COMMUNITY, handle=t.Limit(clock=DAYS, amount=1)),
    ),
    follow_up=t.Limit(clock=v.ClockKind.NATURAL_DAYS, amount=1),
    amber_percent=80,
    offer_expires_after_seconds=60,
    leader_after_seconds=180,
    retired_at=AT + timedelta(days=365),
)
CANDIDATES = (
    e.Candidate(person_id=WORKER, post=v.Post.A, eta_seconds=240),
    e.Candidate(person_id="p-w1-3-b", post=v.Post.B, removed_by="off_duty"),
)

INTAKE = (
    e.CaseRegistered(
        **of_case(1, BY_OPERATOR, v.Channel.HOTLINE),
        number="261122-0001-7",
        category_code="A01",
        urgency=v.Urgency.EMERGENCY,
        headline="窨井盖丢失",
        place=e.Place(lon=113.59, lat=24.81, label="建设路 12 号门口"),
        grid_id=GRID,
        unit_path=(CIVIL, STREET, COMMUNITY, GRID),
        ladder=(
            e.Rung(level=v.Level.GRID, unit_id=GRID),
            e.Rung(level=v.Level.COMMUNITY, unit_id=COMMUNITY),
            e.Rung(level=v.Level.STREET, unit_id=STREET),
            e.Rung(level=v.Level.CIVIL_AFFAIRS, unit_id=CIVIL),
        ),
        policy=POLICY,
        requester_can_be_asked=True,
        registry_revision=412,
        round=1,
    ),
    e.FollowUpOpened(**of_case(2), follow_up_id=OTHER, round=1, link_can_be_sent=True),
    e.FollowUpRecorded(
        **of_case(3, base.REQUESTER, v.Channel.LINK),
        follow_up_id=OTHER,
        round=1,
        attempt=1,
        reached=True,
        contacted=True,
        solved=False,
        satisfaction=v.Satisfaction.DISSATISFIED,
        coached=True,
    ),
    e.CaseReopened(**of_case(4, base.REQUESTER, v.Channel.LINK), follow_up_id=OTHER, round=2),
    e.CaseClosed(
        **of_case(5, base.REQUESTER, v.Channel.LINK),
        outcome=v.Outcome.SOLVED,
        closed_by=v.ClosedBy.FOLLOW_UP,
        round=2,
        resolved_level=v.Level.COMMUNITY,
    ),
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

ESCALATION = (
    e.DeadlinesSet(
        **of_case(1),
        level=v.Level.GRID,
        round=1,
        deadlines=(
            e.Deadline(
                kind=v.DeadlineKind.ARRIVE,
                due_at=AT + timedelta(minutes=15),
                amber_at=AT + timedelta(minutes=12),
                assumed=True,
            ),
        ),
    ),
    e.DeadlineAmber(
        **of_case(2),
        kind=v.DeadlineKind.ARRIVE,
        level=v.Level.GRID,
        round=1,
        due_at=AT + timedelta(minutes=3),
    ),
    e.DeadlineMissed(
        **of_case(3), kind=v.DeadlineKind.ACKNOWLEDGE, level=v.Level.GRID, round=1, due_at=AT, late_ms=12
    ),
    e.DeadlinesCleared(
        **of_case(4),
        level=v.Level.GRID,
        round=1,
        cleared=(e.ClearedDeadline(kind=v.DeadlineKind.CONTACT, due_at=AT, met=True),),
    ),
    e.CaseEscalated(
        **of_case(5, BY_WORKER, v.Channel.MOBILE),
        cause=v.EscalationCause.BY_HAND,
        from_level=v.Level.GRID,
        from_unit_id=GRID,
        to_level=v.Level.STREET,
        to_unit_id=STREET,
        skipped=(e.SkippedLevel(level=v.Level.COMMUNITY, unit_id=COMMUNITY, reason="nobody_rostered"),),
        counts_from=AT,
        round=1,
        reason=next(iter(v.EscalationReason)),
        text_digest="5e884898da28",
    ),
    e.EscalationVoided(**of_case(6), voids=(OTHER,), level=v.Level.GRID, unit_id=GRID, round=1),
    e.SupervisionOrdered(
        **of_case(7, BY_OFFICER, v.Channel.DESK),
        order_id=OTHER,
        kind=v.SupervisionKind.ORDINARY,
        level=v.Level.COMMUNITY,
        unit_id=COMMUNITY,
        supervising_unit_id=STREET,
        round=2,
    ),
)

TOLD = {"notice_id": OTHER, "kind": v.NoticeKind.OFFER, "person_id": WORKER, "via": "feed"}
NOTIFY = (
    e.NoticeDelivered(**of_case(1), **TOLD, attempt=1),
    e.NoticeRead(**of_case(2, *PHONE), **TOLD),
    e.NoticeFailed(**of_case(3), **TOLD | {"via": "smtp"}, attempt=5, because="refused"),
)

REGISTRY = (
    things.UnitChanged(
        **of_registry(1),
        unit=t.Unit(
            id=GRID,
            kind="grid",
            name=t.Name(zh="武江北第三网格", en="Wujiang North, grid 3"),
            parent_id=COMMUNITY,
            level=v.Level.GRID,
            polygon=(
                t.Point(lon=113.5, lat=24.8),
                t.Point(lon=113.6, lat=24.8),
                t.Point(lon=113.6, lat=24.9),
            ),
            centre=t.Point(lon=113.57, lat=24.83),
            opening_hours=(t.OpeningHours(weekday=1, opens=time(8, 30), closes=time(12, 0)),),
            calendar_id="cn",
            retired_at=AT,
        ),
    ),
    things.PersonChanged(
        **of_registry(2),
        person=t.Person(
            id=WORKER,
            name=t.Name(zh="甲", en="A"),
            grants=(t.Grant(role=v.Role.GRID_WORKER, unit_id=GRID),),
            posts=(t.PostHeld(post=v.Post.A, unit_id=GRID),),
            mode=v.TravelMode.E_BIKE,
            base=t.Point(lon=113.57, lat=24.83),
            language=v.Language.CHINESE,
            email="a@example.org",
            webhook_url="https://example.org/hook",
            retired_at=AT,
        ),
    ),
    things.ShiftChanged(
        **of_registry(3),
        shift=t.Shift(
            id="s-1",
            person_id=WORKER,
            unit_id=GRID,
            starts_at=AT,
            ends_at=AT + timedelta(hours=8),
            retired_at=AT,
        ),
    ),
    things.CategoryChanged(
        **of_registry(4),
        category=t.Category(
            code="A01",
            name=t.Name(zh="窨井盖丢失", en="Missing manhole cover"),
            class_name=t.Name(zh="公用设施", en="Public facilities"),
            urgency=v.Urgency.EMERGENCY,
            policy_id="emergency",
            levels=(v.Level.GRID, v.Level.COMMUNITY),
            keywords=("井盖",),
            retired_at=AT,
        ),
    ),
    things.PolicyChanged(**of_registry(5), policy=POLICY),
    things.CalendarChanged(
        **of_registry(6),
        calendar=t.Calendar(
            id="cn",
            time_zone="Asia/Shanghai",
            holidays=(date(2026, 10, 1),),
            workdays=(date(2026, 10, 10),),
            known_until=date(2026, 12, 31),
            retired_at=AT,
        ),
    ),
)

EXAMPLES: dict[str, base.Event] = {
    example.type: example for example in (*INTAKE, *DISPATCH, *ESCALATION, *NOTIFY, *REGISTRY)
}
