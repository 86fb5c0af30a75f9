"""Examples of what intake tells."""

from __future__ import annotations

from shared import event as base
from shared import vocabulary as v
from shared.events import intake as e
from tests.contracts.examples.world import (
    BY_OPERATOR,
    CIVIL,
    COMMUNITY,
    GRID,
    OTHER,
    POLICY,
    STREET,
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
