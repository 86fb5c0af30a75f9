"""What a demo says at the end."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from deploy.demo.books import Books
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    OfferDeclined,
    OfferLapsed,
    WorkerArrived,
)
from shared.events.escalation import CaseEscalated, DeadlineMissed
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened, FollowUpRecorded
from shared.vocabulary import Level, Urgency

ON_TIME = timedelta(minutes=15)


def report(
    books: Books, *, calls: int, bad_rows: int, wall_seconds: float, simulated_seconds: float
) -> dict[str, Any]:
    """The figures, as `make demo JSON=` writes them. Times in minutes are of the first arrival of each case."""
    registered = {event.case_id: event for event in books.of_type(CaseRegistered)}
    arrivals = _first_arrivals(books)
    waits = sorted(
        (arrived - registered[case].at) / timedelta(minutes=1)
        for case, arrived in arrivals.items()
        if case in registered
    )
    emergencies = [case for case, event in registered.items() if event.urgency is Urgency.EMERGENCY]
    on_time = sum(
        case in arrivals and arrivals[case] - registered[case].at <= ON_TIME for case in emergencies
    )
    missed = [event.late_ms for event in books.of_type(DeadlineMissed)]
    raises = Counter(event.to_level for event in books.of_type(CaseEscalated))
    closed = books.of_type(CaseClosed)
    return {
        "calls": calls,
        "bad_rows": bad_rows,
        "registered": len(registered),
        "offered": _cases(books, CaseOffered),
        "accepted": _cases(books, CaseAccepted),
        "arrived": len(arrivals),
        "on_time": {"n": on_time, "d": len(emergencies)},
        "arrival_minutes": _spread(waits),
        "lapsed": len(books.of_type(OfferLapsed)),
        "declined": len(books.of_type(OfferDeclined)),
        "escalated": {level: raises[level] for level in Level if level is not Level.GRID},
        "resolved_by_level": _resolved(closed),
        "handled": _cases(books, CaseHandled),
        "followed_up": _cases(books, FollowUpRecorded),
        "closed_by_outcome": dict(sorted(Counter(str(event.outcome) for event in closed).items())),
        "reopened": len(books.of_type(CaseReopened)),
        "deadlines_missed": dict(
            sorted(Counter(str(event.kind) for event in books.of_type(DeadlineMissed)).items())
        ),
        "deadline_lateness_ms": _lateness(missed),
        "events": books.events,
        "dead_letters": books.dead_letters,
        "balanced": books.balanced and len(registered) == calls,
        "wall_seconds": round(wall_seconds, 1),
        "simulated_seconds": round(simulated_seconds),
    }


def _first_arrivals(books: Books) -> dict[UUID, Any]:
    first: dict[UUID, Any] = {}
    for event in books.of_type(WorkerArrived):
        first[event.case_id] = min(event.at, first.get(event.case_id, event.at))
    return first


def _cases(books: Books, kind: type[Any]) -> int:
    return len({event.case_id for event in books.of_type(kind)})


def _resolved(closed: Sequence[CaseClosed]) -> dict[str, int]:
    counted = Counter(event.resolved_level for event in closed)
    return {level: counted[level] for level in Level}


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    if not values:
        return {"mean": None, "p50": None, "p90": None}
    return {
        "mean": round(statistics.fmean(values), 1),
        "p50": round(_quantile(values, 0.5), 1),
        "p90": round(_quantile(values, 0.9), 1),
    }


def _lateness(values: list[int]) -> dict[str, int | None]:
    if not values:
        return {"p50": None, "p99": None, "max": None}
    ordered = sorted(values)
    return {"p50": int(_quantile(ordered, 0.5)), "p99": int(_quantile(ordered, 0.99)), "max": ordered[-1]}


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed."""
    place = max(0, -(-len(ordered) * int(share * 100) // 100) - 1)
    return ordered[place]
