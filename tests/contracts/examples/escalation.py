"""Examples of what escalation tells."""

from __future__ import annotations

from datetime import date, timedelta

from shared import vocabulary as v
from shared.events import escalation as e
from tests.contracts.examples.world import (
    AT,
    BY_OFFICER,
    BY_WORKER,
    CIVIL,
    COMMUNITY,
    GRID,
    OFFICER,
    OTHER,
    PART,
    STREET,
    WORKER,
    of_case,
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
                about=OTHER,
            ),
        ),
        because=v.SetBecause.CALENDAR,
    ),
    e.DeadlineAmber(
        **of_case(2),
        kind=v.DeadlineKind.ARRIVE,
        level=v.Level.GRID,
        round=1,
        due_at=AT + timedelta(minutes=3),
        about=OTHER,
    ),
    e.DeadlineMissed(
        **of_case(3),
        kind=v.DeadlineKind.ACKNOWLEDGE,
        level=v.Level.GRID,
        round=1,
        due_at=AT,
        late_ms=12,
        about=OTHER,
    ),
    e.DeadlinesCleared(
        **of_case(4),
        level=v.Level.GRID,
        round=1,
        cleared=(e.ClearedDeadline(kind=v.DeadlineKind.CONTACT, due_at=AT, met=True, about=OTHER),),
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
        digest="2" * 64,
    ),
    e.SupervisionAnswered(
        **of_case(8, BY_OFFICER, v.Channel.DESK),
        order_id=OTHER,
        person_id=OFFICER,
        unit_id=COMMUNITY,
        digest="5e884898da28",
    ),
    e.ReturnRuled(
        **of_case(9, BY_OFFICER, v.Channel.DESK),
        return_id=OTHER,
        part_id=PART,
        ruling=v.Ruling.REDISPATCH,
        to_unit_id="market-regulation",
        unanswered=False,
        level=v.Level.GRID,
        round=1,
        digest="5e884898da28",
    ),
    e.ExtensionAsked(
        **of_case(10, BY_WORKER, v.Channel.MOBILE),
        extension_id=OTHER,
        person_id=WORKER,
        due_at=AT + timedelta(hours=4),
        until=AT + timedelta(days=2),
        reason=v.ExtensionReason.NEEDS_PARTS,
        level=v.Level.GRID,
        unit_id=GRID,
        approving_unit_id=COMMUNITY,
        round=1,
    ),
    e.DeadlineExtended(
        **of_case(11, BY_OFFICER, v.Channel.DESK),
        extension_id=OTHER,
        kind=v.DeadlineKind.HANDLE,
        due_before=AT + timedelta(hours=4),
        due_at=AT + timedelta(days=2),
        amber_at=AT + timedelta(days=1, hours=12),
        level=v.Level.GRID,
        round=1,
    ),
    e.ExtensionRefused(**of_case(12), extension_id=OTHER, unanswered=True, level=v.Level.GRID, round=1),
    e.CaseParked(
        **of_case(13, BY_OFFICER, v.Channel.DESK),
        park_id=OTHER,
        owner_id=OFFICER,
        unit_id=STREET,
        reason=v.ParkReason.NEEDS_FUNDS,
        review_at=AT + timedelta(days=30),
        level=v.Level.STREET,
        round=1,
        digest="5e884898da28",
    ),
    e.CaseUnparked(
        **of_case(14), park_id=OTHER, because=v.UnparkReason.REVIEWED, level=v.Level.STREET, round=1
    ),
    e.ReplyGiven(
        **of_case(15, BY_OFFICER, v.Channel.DESK),
        raise_id=OTHER,
        person_id=OFFICER,
        to_person_id=WORKER,
        digest="5e884898da28",
    ),
    e.CaseListed(
        **of_case(16), day=date(2026, 11, 23), days=2, unit_id=CIVIL, person_ids=(OFFICER,), round=1
    ),
)
