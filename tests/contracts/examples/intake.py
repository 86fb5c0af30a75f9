"""Examples of what intake tells."""

from __future__ import annotations

from datetime import timedelta

from shared import event as base
from shared import vocabulary as v
from shared.events import intake as e
from tests.contracts.examples.world import (
    AT,
    BY_OPERATOR,
    BY_WORKER,
    CIVIL,
    COMMUNITY,
    GRID,
    OTHER,
    POLICY,
    STREET,
    WORKER,
    of_case,
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
        requester_kind=v.RequesterKind.PROXY,
        appointment=e.Window(starts_at=AT + timedelta(days=1), ends_at=AT + timedelta(days=1, hours=2)),
        reported_at=AT - timedelta(minutes=5),
        excluded=("p-w1-3-b",),
        care=True,
        crisis=v.EmergencyService.MEDICAL,
        ends_at_once=v.Outcome.ANSWERED,
        taken_at=COMMUNITY,
    ),
    e.FollowUpOpened(
        **of_case(2), follow_up_id=OTHER, round=1, link_can_be_sent=True, kind=v.FollowUpKind.PROGRESS
    ),
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
        kind=v.FollowUpKind.PROGRESS,
    ),
    e.CaseReopened(
        **of_case(4, base.REQUESTER, v.Channel.LINK),
        follow_up_id=OTHER,
        round=2,
        because=v.ReopenReason.CONTESTED,
    ),
    e.CaseClosed(
        **of_case(5, base.REQUESTER, v.Channel.LINK),
        outcome=v.Outcome.SOLVED,
        closed_by=v.ClosedBy.FOLLOW_UP,
        round=2,
        resolved_level=v.Level.COMMUNITY,
    ),
    e.CaseAmended(
        **of_case(6, BY_OPERATOR, v.Channel.DESK),
        changed=("category_code", "place"),
        category_code="A02",
        urgency=v.Urgency.ROUTINE,
        headline="路灯不亮",
        place=e.Place(lon=113.58, lat=24.82, label="建设路 14 号"),
        grid_id=GRID,
        unit_path=(CIVIL, STREET, COMMUNITY, GRID),
        ladder=(e.Rung(level=v.Level.GRID, unit_id=GRID),),
        policy=POLICY,
        excluded=("p-w1-3-b",),
        care=True,
        crisis=v.EmergencyService.FIRE,
        registry_revision=413,
    ),
    e.CaseUrged(**of_case(7, base.REQUESTER, v.Channel.HOTLINE), count=2),
    e.CaseMerged(
        **of_case(8, BY_OPERATOR, v.Channel.DESK),
        parent_id=OTHER,
        parent_number="784-8874-3397",
        score=87,
        because=("same_building", "same_group", "like_text"),
    ),
    e.CaseUnmerged(**of_case(9, BY_OPERATOR, v.Channel.DESK), parent_id=OTHER),
    e.CaseAnswered(**of_case(10, BY_OPERATOR, v.Channel.HOTLINE), snippet_id="opening-hours"),
    e.CaseNotAccepted(
        **of_case(11, BY_OPERATOR, v.Channel.HOTLINE),
        reason=v.NotAcceptedReason.BEYOND_DUTY,
        service=v.EmergencyService.POLICE,
        rightful_unit_id="market-regulation",
    ),
    e.CaseWithdrawn(**of_case(12, base.REQUESTER, v.Channel.HOTLINE)),
    e.InformationAsked(**of_case(13, BY_WORKER, v.Channel.MOBILE), question_id=OTHER, asked_by=WORKER),
    e.InformationGiven(**of_case(14, base.REQUESTER, v.Channel.LINK), question_id=OTHER, asked_by=WORKER),
    e.AppointmentAgreed(
        **of_case(15, BY_OPERATOR, v.Channel.HOTLINE),
        appointment=e.Window(starts_at=AT + timedelta(days=1), ends_at=AT + timedelta(days=1, hours=2)),
    ),
    e.AttachmentAdded(
        **of_case(16, base.REQUESTER, v.Channel.WEB),
        attachment_id=OTHER,
        media_type="image/jpeg",
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        size_bytes=812_345,
    ),
    e.RequesterErased(**of_case(17)),
)
