"""What one event does to the row of its case: `apply(row, event) -> row`, pure.

Order holds per source and along causes, not between sources: whether dispatch's or intake's word about the same
moment comes first is chance. So every field is written by the events of one source only (but for the ruling on a
return, which follows from it), and whatever joins two sources (its state, who holds it, which musts are met) is
worked out from the finished row in `standing`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.insight.rules.facts import CaseRow
from services.insight.rules.folding import dispatch, escalation, intake, notify
from services.insight.rules.folding.small import changed
from shared.event import CaseEvent
from shared.events.intake import CaseRegistered

FOLDS: dict[type[CaseEvent], Callable[[CaseRow, Any], CaseRow]] = {
    **intake.FOLDS,
    **dispatch.FOLDS,
    **escalation.FOLDS,
    **notify.FOLDS,
}


class NotRegisteredError(ValueError):
    """An event of a case whose registration was never heard: the story has a hole before it."""


def apply(row: CaseRow | None, event: CaseEvent) -> CaseRow:
    """The row after `event`. Raises NotRegisteredError if the story does not begin with its registration."""
    if isinstance(event, CaseRegistered):
        row = intake.registered(event)
    elif row is None:
        raise NotRegisteredError(f"{event.type} of case {event.case_id} was heard before its registration")
    else:
        row = FOLDS[type(event)](row, event)
    latest = max(event.at, row.last_event_at or event.at)
    return changed(row, events=row.events + 1, last_event_at=latest)
