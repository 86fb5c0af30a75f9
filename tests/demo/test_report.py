"""The figures at the end: quantiles that are values that occurred, and n beside d."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from deploy.demo.books import Books
from deploy.demo.report import _lateness, _quantile, _spread, report
from shared.event import CaseEvent
from shared.ids import uuid7
from shared.vocabulary import Level, Urgency
from tests.contracts.examples import EXAMPLES
from tests.contracts.examples.world import AT


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7], 0.5, 7),
        ([7], 0.99, 7),
        ([1, 2], 0.5, 1),
        ([1, 2, 3], 0.5, 2),
        (list(range(1, 11)), 0.9, 9),
        (list(range(1, 12)), 0.9, 10),
        (list(range(1, 101)), 0.99, 99),
        (list(range(1, 102)), 0.99, 100),
    ],
)
def test_a_quantile_is_the_smallest_value_that_so_many_do_not_exceed(
    values: Sequence[float], share: float, expected: float
) -> None:
    assert _quantile(values, share) == expected


def test_without_values_there_is_no_figure() -> None:
    assert _spread([]) == {"mean": None, "p50": None, "p90": None}
    assert _lateness([]) == {"p50": None, "p99": None, "max": None}


def test_lateness_shows_its_worst() -> None:
    assert _lateness([5, 900, 1]) == {"p50": 5, "p99": 900, "max": 900}


def told(case_id: UUID, name: str, minutes: float = 0, **changed: object) -> CaseEvent:
    about = {"id": uuid7(), "case_id": case_id, "at": AT + timedelta(minutes=minutes), **changed}
    event = EXAMPLES[f"yike.{name}"].model_copy(update=about)
    assert isinstance(event, CaseEvent)
    return event


def figures(*lives: list[CaseEvent]) -> dict[str, object]:
    books = Books({events[0].case_id: events for events in lives}, dead_letters=0)
    return report(books, calls=len(lives), bad_rows=3, wall_seconds=1.26, simulated_seconds=86_400.4)


def an_emergency(*arrivals: float, urgency: Urgency = Urgency.EMERGENCY) -> list[CaseEvent]:
    case_id = uuid7()
    registered = told(case_id, "case.registered", urgency=urgency)
    return [registered, *(told(case_id, "worker.arrived", minutes) for minutes in arrivals)]


def test_who_never_arrived_is_not_on_time() -> None:
    found = figures(an_emergency(15), an_emergency(15.1), an_emergency(), an_emergency(3, 40))

    assert found["on_time"] == {"n": 2, "d": 4}
    assert found["arrived"] == 3
    assert found["arrival_minutes"] == {"mean": 11.0, "p50": 15.0, "p90": 15.1}


def test_only_emergencies_count_for_on_time() -> None:
    assert figures(an_emergency(2, urgency=Urgency.ROUTINE))["on_time"] == {"n": 0, "d": 0}


def test_every_level_is_shown_even_where_nothing_happened() -> None:
    life = an_emergency()
    case_id = life[0].case_id
    life += [
        told(case_id, "case.escalated", 6, to_level=Level.COMMUNITY),
        told(case_id, "case.escalated", 16, to_level=Level.STREET),
        told(case_id, "case.closed", 90, resolved_level=Level.STREET),
    ]

    found = figures(life)

    assert found["escalated"] == {"community": 1, "street": 1, "civil_affairs": 0}
    assert found["resolved_by_level"] == {"grid": 0, "community": 0, "street": 1, "civil_affairs": 0}


def test_the_report_says_what_was_promised() -> None:
    found = figures(an_emergency())

    assert found.keys() >= PROMISED
    assert (found["wall_seconds"], found["simulated_seconds"], found["bad_rows"]) == (1.3, 86_400, 3)


PROMISED = {
    *("registered", "offered", "accepted", "arrived", "on_time", "arrival_minutes", "lapsed", "declined"),
    *("escalated", "resolved_by_level", "followed_up", "closed_by_outcome", "reopened", "deadlines_missed"),
    *("deadline_lateness_ms", "events", "dead_letters", "balanced", "wall_seconds", "simulated_seconds"),
}
