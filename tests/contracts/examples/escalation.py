"""Examples of what escalation tells."""

from __future__ import annotations

from datetime import timedelta

from shared import vocabulary as v
from shared.events import escalation as e
from tests.contracts.examples.world import AT, BY_OFFICER, BY_WORKER, COMMUNITY, GRID, OTHER, STREET, of_case

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
