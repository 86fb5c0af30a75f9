"""What was decided becomes the story: the rows are written from the fold, the events told or kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.intake import metrics
from services.intake.queries import cases
from services.intake.rules.cases import apply
from services.intake.rules.facts import Case
from shared.database import Transaction
from shared.event import CaseEvent
from shared.events.intake import CaseClosed


def tell(tx: Transaction, events: Iterable[CaseEvent]) -> None:
    """Announce these, or note those that are kept in our own journal only."""
    for event in events:
        if event.topic:
            tx.announce(event)
        else:
            tx.note(event)


async def settle(tx: Transaction, case: Case, events: Sequence[CaseEvent]) -> Case:
    """Apply, save and tell what was decided about one case, which is locked."""
    if not events:
        return case
    for event in events:
        case = apply(case, event)
        if isinstance(event, CaseClosed):
            metrics.CASES_CLOSED.labels(event.closed_by, event.outcome).inc()
    await cases.save(tx, case)
    tell(tx, events)
    return case
