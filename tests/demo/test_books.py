"""The books bite: whatever is missing, too many or different somewhere is named as a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from deploy.demo.books import PUBLISHERS, Books, Story, compare
from deploy.demo.report import report
from shared.event import CaseEvent
from shared.ids import uuid7
from shared.vocabulary import Outcome
from tests.contracts.examples import EXAMPLES

LIFE = (
    "case.registered",
    "deadlines.set",
    "case.offered",
    "case.accepted",
    "notice.delivered",
    "case.closed",
)


@dataclass
class Town:
    """Two cases from call to end, and what everybody wrote down of them. A test changes one thing."""

    answered: set[UUID] = field(default_factory=set)
    story: Story = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def case(self) -> UUID:
        return min(self.answered)

    def books(self) -> Books:
        return compare(self.answered, self.tables, self.story)

    def event(self, name: str) -> CaseEvent:
        return next(event for event in self.story[self.case] if event.type == f"yike.{name}")


def a_life(case_id: UUID) -> list[CaseEvent]:
    told: list[CaseEvent] = []
    for minutes, name in enumerate(LIFE):
        example = EXAMPLES[f"yike.{name}"]
        number = 1 + sum(event.source == example.source for event in told)
        at = example.at + timedelta(minutes=minutes)
        changed = {"id": uuid7(), "case_id": case_id, "sequence": number, "at": at}
        event = example.model_copy(update=changed)
        assert isinstance(event, CaseEvent)
        told.append(event)
    return told


@pytest.fixture
def town() -> Town:
    cases = [uuid7(), uuid7()]
    story = {case_id: a_life(case_id) for case_id in cases}
    every = [event for events in story.values() for event in events]
    outcome = str(EXAMPLES["yike.case.closed"].model_dump()["outcome"])
    tables: dict[str, dict[str, Any]] = {
        service: {
            "dead_letters": 0,
            "journal": [
                {"subject_id": event.case_id, "event_id": event.id, "sequence": event.sequence}
                for event in every
                if event.source == service
            ],
        }
        for service in PUBLISHERS
    }
    tables["registry"] = {"dead_letters": 0}
    tables["insight"] = {
        "dead_letters": 0,
        "timeline": [{"case_id": event.case_id, "event_id": event.id} for event in every],
        "closed": dict.fromkeys(cases, outcome),
    }
    tables["intake"] |= {"registered": set(cases), "closed": dict.fromkeys(cases, outcome)}
    return Town(set(cases), story, tables)


def test_books_of_a_day_without_faults_balance(town: Town) -> None:
    books = town.books()

    assert (books.faults, books.balanced) == ([], True)
    assert books.events == 2 * len(LIFE)


def lost_on_the_topic(town: Town) -> None:
    town.story[town.case].remove(town.event("case.offered"))


def lost_in_the_journal(town: Town) -> None:
    gone = town.event("case.offered").id
    town.tables["dispatch"]["journal"] = [
        row for row in town.tables["dispatch"]["journal"] if row["event_id"] != gone
    ]


def only_in_the_journal(town: Town) -> None:
    town.tables["notify"]["journal"].append({"subject_id": town.case, "event_id": uuid7(), "sequence": 2})


def a_number_never_used(town: Town) -> None:
    """Journal and topic agree with each other, and both lack the dispatcher's second event."""
    accepted = town.event("case.accepted")
    place = town.story[town.case].index(accepted)
    town.story[town.case][place] = accepted.model_copy(update={"sequence": 3})
    for row in town.tables["dispatch"]["journal"]:
        if row["event_id"] == accepted.id:
            row["sequence"] = 3


def told_in_the_wrong_order(town: Town) -> None:
    offered, accepted = town.event("case.offered"), town.event("case.accepted")
    events = town.story[town.case]
    one, other = events.index(offered), events.index(accepted)
    events[one], events[other] = accepted, offered


def not_shown(town: Town) -> None:
    town.tables["insight"]["timeline"] = town.tables["insight"]["timeline"][1:]


def shown_but_never_told(town: Town) -> None:
    town.tables["insight"]["timeline"].append({"case_id": town.case, "event_id": uuid7()})


def a_case_without_a_call(town: Town) -> None:
    town.answered.remove(max(town.answered))


def a_call_without_a_case(town: Town) -> None:
    town.answered.add(uuid7())


def a_case_without_a_story(town: Town) -> None:
    case_id = uuid7()
    town.answered.add(case_id)
    town.tables["intake"]["registered"].add(case_id)


def a_story_without_a_case(town: Town) -> None:
    case_id = uuid7()
    town.story[case_id] = a_life(case_id)


def another_outcome_on_the_read_side(town: Town) -> None:
    town.tables["insight"]["closed"][town.case] = str(Outcome.WITHDRAWN)


def another_outcome_at_intake(town: Town) -> None:
    town.tables["intake"]["closed"][town.case] = str(Outcome.WITHDRAWN)


def not_closed_on_the_read_side(town: Town) -> None:
    del town.tables["insight"]["closed"][town.case]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lost_on_the_topic, "dispatch wrote 2 events, the topic has 1"),
        (lost_in_the_journal, "dispatch wrote 1 events, the topic has 2"),
        (only_in_the_journal, "notify wrote 2 events, the topic has 1"),
        (a_number_never_used, "a number of dispatch is missing"),
        (told_in_the_wrong_order, "wrote 2 events, the topic has 2, but others or in another order"),
        (not_shown, f"the read side shows {len(LIFE) - 1} events"),
        (shown_but_never_told, f"the read side shows {len(LIFE) + 1} events"),
        (a_case_without_a_call, "is registered but nobody called"),
        (a_call_without_a_case, "was answered 201 but is not registered"),
        (a_case_without_a_story, "is registered but has no story on the topic"),
        (a_story_without_a_case, "has a story on the topic but is not registered"),
        (another_outcome_on_the_read_side, "insight"),
        (another_outcome_at_intake, "intake"),
        (not_closed_on_the_read_side, "insight has 1 closed cases, the topic 2"),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_a_fault_is_named(town: Town, change: Callable[[Town], None], named: str) -> None:
    change(town)

    books = town.books()

    assert not books.balanced
    assert [fault for fault in books.faults if named in fault], books.faults


def test_a_dead_letter_keeps_the_books_open(town: Town) -> None:
    town.tables["escalation"]["dead_letters"] = 1

    assert (town.books().faults, town.books().balanced) == ([], False)


def test_the_report_does_not_balance_while_a_call_is_missing(town: Town) -> None:
    books = town.books()

    balanced = [
        report(books, calls=calls, bad_rows=0, wall_seconds=1, simulated_seconds=1)["balanced"]
        for calls in (2, 3)
    ]

    assert balanced == [True, False]
