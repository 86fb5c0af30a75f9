"""The State Council's year 2026 day by day: festivals, make-up workdays (调休), weekends and midnight; and what becomes
of a return and of an extension, each as one table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.escalation.rules import extensions, returns
from services.escalation.rules.case import ExtensionState
from services.escalation.rules.clocks import Telling
from services.escalation.rules.limits import extension_ends_by
from services.escalation.rules.working_time import WorkingTime, count
from services.registry.defaults.calendar import official_calendar
from shared.things import Limit
from shared.vocabulary import ClockKind, DeadlineKind, ExtensionReason, Ruling, Urgency
from tests.escalation.story import OFFICE, OFFICER, Story, after

CHINA = ZoneInfo("Asia/Shanghai")
MINUTES, HOURS, DAYS, NATURAL = ClockKind
OFFICIAL = WorkingTime(OFFICE, official_calendar())
"""8:30–12 and 13:30–17:30 on working days."""
DAY = 24 * 60


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("clock", "amount", "start", "end"),
    [
        # New Year: 1–3 January off, Sunday the 4th is worked.
        (DAYS, 1, "2025-12-31 10:00", "2026-01-04 17:30"),
        (HOURS, 2, "2025-12-31 17:00", "2026-01-04 10:00"),
        # Spring Festival: 15–23 February off, the Saturdays 14 and 28 are worked.
        (DAYS, 1, "2026-02-13 10:00", "2026-02-14 17:30"),
        (DAYS, 2, "2026-02-13 10:00", "2026-02-24 17:30"),
        (DAYS, 1, "2026-02-18 03:00", "2026-02-24 17:30"),
        (DAYS, 5, "2026-02-14 00:00", "2026-02-28 17:30"),
        (HOURS, 2, "2026-02-14 17:00", "2026-02-24 10:00"),
        (HOURS, 2, "2026-02-28 23:59", "2026-03-02 10:30"),
        # Qingming, Labour Day (Saturday 9 May is worked), Dragon Boat.
        (DAYS, 1, "2026-04-03 10:00", "2026-04-07 17:30"),
        (DAYS, 2, "2026-04-30 10:00", "2026-05-07 17:30"),
        (DAYS, 4, "2026-04-30 10:00", "2026-05-09 17:30"),
        (DAYS, 1, "2026-06-18 10:00", "2026-06-22 17:30"),
        # Mid-Autumn and National Day: Sunday 20 September and Saturday 10 October are worked.
        (DAYS, 1, "2026-09-18 10:00", "2026-09-20 17:30"),
        (HOURS, 2, "2026-09-18 17:00", "2026-09-20 10:00"),
        (DAYS, 1, "2026-09-24 10:00", "2026-09-28 17:30"),
        (DAYS, 1, "2026-09-30 23:59", "2026-10-08 17:30"),
        (DAYS, 3, "2026-09-30 10:00", "2026-10-10 17:30"),
        (DAYS, 4, "2026-09-30 10:00", "2026-10-12 17:30"),
        (HOURS, 2, "2026-09-30 17:00", "2026-10-08 10:00"),
        (HOURS, 4, "2026-10-08 00:00", "2026-10-08 14:00"),
        (HOURS, 2, "2026-10-09 17:00", "2026-10-10 10:00"),
        (HOURS, 2, "2026-10-10 17:00", "2026-10-12 10:00"),
        # Natural time knows none of it.
        (MINUTES, 15, "2026-09-30 23:50", "2026-10-01 00:05"),
        (MINUTES, 15, "2026-02-16 23:59", "2026-02-17 00:14"),
        (NATURAL, 3, "2026-09-30 23:59", "2026-10-03 23:59"),
        (NATURAL, 1, "2026-02-13 00:00", "2026-02-14 00:00"),
    ],
)
def test_a_limit_in_the_official_year(clock: ClockKind, amount: int, start: str, end: str) -> None:
    counted = count(Limit(clock=clock, amount=amount), local(start), OFFICIAL)
    assert counted.due_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") == end
    assert not counted.assumed


@pytest.mark.parametrize(
    ("due", "longest"),
    [
        ("2026-02-13 17:30", "2026-02-27 17:30"),
        ("2026-09-28 17:30", "2026-10-10 17:30"),
        ("2026-09-18 17:30", "2026-09-24 17:30"),
        ("2026-12-21 17:30", "2026-12-28 17:30"),
    ],
)
def test_handle_is_put_off_by_five_official_working_days_at_most(due: str, longest: str) -> None:
    case = Story(Urgency.ROUTINE).case
    assert extension_ends_by(case, local(due), OFFICIAL) == local(longest)


Then = Callable[[Story], object]


def _ruled(ruling: Ruling, to: str | None = None) -> Then:
    def then(story: Story) -> object:
        [returned] = story.case.returns
        return story.by_hand(30, lambda t: returns.rule_return(t, returned, OFFICER, ruling, to, "d"))

    return then


@pytest.mark.parametrize(
    ("then", "waits", "unit_id", "held", "may_be_ruled"),
    [
        (lambda story: None, True, "grid-a1", True, None),
        (_ruled(Ruling.REFUSE), False, "grid-a1", True, "ruled-before"),
        (_ruled(Ruling.REDISPATCH, "market-regulation"), False, "market-regulation", False, "ruled-before"),
        (lambda story: story.at(DAY), False, "grid-a1", True, "ruled-before"),
        (lambda story: story.hear(story.part_ended(9, story.part_id)), False, "grid-a1", False, "return-over"),
        (lambda story: story.hear(story.handled(9)), False, "grid-a1", False, "return-over"),
        (lambda story: story.hear(story.merged(9)), False, "grid-a1", False, "return-over"),
        (lambda story: story.hear(story.withdrawn(9)), False, "grid-a1", False, "return-over"),
    ],
    ids=[
        "nobody ruled yet", "refused", "redispatched", "nobody ruled in time: refused", "its part ended",
        "handled all the same", "merged", "withdrawn",
    ],
)  # fmt: skip
def test_what_becomes_of_a_return(
    then: Then, waits: bool, unit_id: str, held: bool, may_be_ruled: str | None
) -> None:
    story = Story(Urgency.ROUTINE)
    story.hear(story.accepted(1))
    story.hear(story.returned(5))
    first = story.due(DeadlineKind.HANDLE)
    then(story)
    [returned] = story.case.returns
    assert (story.open(DeadlineKind.RULING) is not None) == waits
    assert story.case.unit_id == unit_id
    assert bool(story.case.holders) == held
    assert returns.may_be_ruled(returned) == may_be_ruled
    assert story.due(DeadlineKind.HANDLE) in (first, None), "the resident's clock never stopped"


def _decided(*, approved: bool) -> Then:
    def act(telling: Telling) -> None:
        assert telling.case.asked_extension is not None
        extensions.decide_extension(telling, telling.case.asked_extension, OFFICER, approved=approved)

    return lambda story: story.by_hand(30, act)


def _asked_again(story: Story) -> str | None:
    told: list[str | None] = []
    until = after(4 * DAY)
    story.by_hand(40, lambda telling: told.append(extensions.may_ask(telling, until)))
    return told[0]


@pytest.mark.parametrize(
    ("then", "state", "moved", "again"),
    [
        (lambda story: None, ExtensionState.ASKED, False, "extension-undecided"),
        (_decided(approved=True), ExtensionState.GRANTED, True, "extended-before"),
        (_decided(approved=False), ExtensionState.REFUSED, False, "extension-refused-before"),
        (lambda story: story.raised(30), ExtensionState.REFUSED, None, None),
        (lambda story: story.hear(story.merged(30)), ExtensionState.LAPSED, None, "not-worked-on"),
        (lambda story: story.hear(story.handled(30)), ExtensionState.LAPSED, None, "not-worked-on"),
    ],
    ids=["undecided", "approved", "refused", "raised first", "merged first", "handled first"],
)
def test_what_becomes_of_an_extension(
    then: Then, state: ExtensionState, moved: bool | None, again: str | None
) -> None:
    """`moved`: whether `handle` of this level ends later; nothing is left of it where that is `None`."""
    story = Story(Urgency.ROUTINE)
    story.hear(story.accepted(1))
    before = story.due(DeadlineKind.HANDLE)
    assert before is not None
    until = after(before) + timedelta(days=1)
    story.by_hand(
        10, lambda telling: extensions.ask_extension(telling, OFFICER, until, ExtensionReason.WEATHER)
    )
    then(story)
    [asked] = story.case.extensions
    assert asked.state is state
    if moved is not None:
        assert story.due(DeadlineKind.HANDLE) == before + DAY * moved
    assert _asked_again(story) == again
