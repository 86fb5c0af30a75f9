"""A return and its ruling: by the supervising unit, or by time, which refuses."""

from __future__ import annotations

import pytest

from services.escalation.rules import returns
from shared.events.escalation import ReturnRuled
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, Level, PartRole, Ruling, Urgency
from tests.escalation.story import OFFICER, Story

ACK, HANDLE, RULING = DeadlineKind.ACKNOWLEDGE, DeadlineKind.HANDLE, DeadlineKind.RULING
CLOSING_ON_WEDNESDAY = 2 * 24 * 60 + 8.5 * 60
"""When `handle` of a routine case registered on Monday at nine is due."""


def types(told: list[object]) -> list[str]:
    return [type(event).__name__ for event in told]


def a_return(urgency: Urgency = Urgency.ROUTINE) -> Story:
    story = Story(urgency)
    story.hear(story.accepted(1))
    story.hear(story.returned(5))
    return story


def rule(story: Story, minutes: float, ruling: Ruling, to: str | None = None) -> list[object]:
    [returned] = story.case.returns
    return [
        *story.by_hand(
            minutes, lambda telling: returns.rule_return(telling, returned, OFFICER, ruling, to, "d")
        )
    ]


def test_a_return_waits_four_working_hours_for_its_ruling_and_the_residents_clock_goes_on() -> None:
    story = a_return()
    assert story.case.returns[0].supervising_unit_id == "community-a"
    assert story.due(RULING) == 5 + 4 * 60 + 90, "over the lunch break"
    assert story.due(HANDLE) == CLOSING_ON_WEDNESDAY


def test_a_refused_return_leaves_everything_as_it_is_and_cannot_be_ruled_again() -> None:
    story = a_return()
    told = rule(story, 30, Ruling.REFUSE)
    assert types(told) == ["ReturnRuled", "DeadlinesCleared"]
    assert story.case.unit_id == "grid-a1"
    assert [holder.person_id for holder in story.case.holders] == ["p-grid-a1-a"]
    assert returns.may_be_ruled(story.case.returns[0]) == "ruled-before"


def test_redispatched_the_new_unit_has_its_own_time_to_take_it_and_the_same_time_to_handle_it() -> None:
    story = a_return()
    rule(story, 30, Ruling.REDISPATCH, "market-regulation")
    assert (story.case.unit_id, story.level, story.case.holders) == ("market-regulation", Level.GRID, ())
    assert (story.due(ACK), story.due(HANDLE)) == (30 + 2 * 60, CLOSING_ON_WEDNESDAY)
    story.hear(story.accepted(40, part_id=uuid7()))
    assert story.due(ACK) is None


def test_a_ruling_nobody_gives_in_time_is_a_refusal_said_once() -> None:
    story = a_return()
    due = story.due(RULING)
    assert due is not None
    story.at(due - 1)
    told = story.at(due)
    assert types([*told]) == ["DeadlineMissed", "ReturnRuled", "DeadlinesCleared"]
    [ruled] = [event for event in told if isinstance(event, ReturnRuled)]
    assert (ruled.ruling, ruled.unanswered) == (Ruling.REFUSE, True)
    assert story.at(due + 60) == []
    assert returns.may_be_ruled(story.case.returns[0]) == "ruled-before"


@pytest.mark.parametrize("what", ["handled", "part_ended", "merged", "closed"])
def test_a_return_is_over_when_its_part_or_its_case_is(what: str) -> None:
    story = a_return()
    event = story.part_ended(9, story.part_id) if what == "part_ended" else getattr(story, what)(9)
    story.hear(event)
    assert story.open(RULING) is None
    assert returns.may_be_ruled(story.case.returns[0]) == "return-over"


def test_two_returns_have_a_clock_each() -> None:
    story = a_return()
    story.hear(story.returned(9, part_id=uuid7(), part_role=PartRole.CO_HANDLER))
    assert len(story.case.open(RULING)) == 2
    told = rule_first(story)
    assert types(told) == ["ReturnRuled", "DeadlinesCleared"]
    assert [one.about for one in story.case.open(RULING)] == [story.case.returns[1].id]


def rule_first(story: Story) -> list[object]:
    first = story.case.returns[0]
    return [
        *story.by_hand(
            20, lambda telling: returns.rule_return(telling, first, OFFICER, Ruling.REFUSE, None, "d")
        )
    ]
