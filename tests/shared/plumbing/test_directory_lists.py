"""Which policy holds where and when, what may be sent to whom, and that being on call is not being at work."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.directory import Directory
from shared.events.things import DutyListChanged, PolicyUseChanged, SnippetChanged, WordListChanged
from shared.things import (
    Category,
    DutyList,
    LevelLimits,
    Limit,
    Name,
    Person,
    Policy,
    PolicyUse,
    Shift,
    Snippet,
    Unit,
    WordList,
)
from shared.vocabulary import ClockKind, Level, ShiftKind, Urgency
from tests.shared.plumbing.conftest import NOON

PATH = ("top", "street", "community", "grid-1")
NAME = Name(zh="某", en="some")


def a_policy(id: str, urgency: Urgency = Urgency.ROUTINE) -> Policy:
    limit = Limit(clock=ClockKind.WORKING_HOURS, amount=2)
    levels = (LevelLimits(level=Level.GRID, acknowledge=limit, handle=limit),)
    return Policy(id=id, urgency=urgency, levels=levels, follow_up=limit)


def a_use(
    id: str, unit: str | None = None, code: str | None = None, days: int = 0, until: int = 0
) -> PolicyUse:
    return PolicyUse(
        id=id,
        policy_id=id,
        unit_id=unit,
        category_code=code,
        valid_from=NOON + timedelta(days=days),
        valid_until=NOON + timedelta(days=until) if until else None,
    )


LAMP = Category(
    code="lamp",
    name=NAME,
    class_name=NAME,
    urgency=Urgency.ROUTINE,
    policy_id="own",
    levels=(Level.GRID,),
)


@pytest.mark.parametrize(
    ("uses", "at", "policy"),
    [
        ([], NOON, "own"),
        ([a_use("everywhere")], NOON, "everywhere"),
        ([a_use("later", days=1)], NOON, "own"),
        ([a_use("later", days=1)], NOON + timedelta(days=1), "later"),
        ([a_use("past", days=-2, until=1)], NOON + timedelta(days=1), "own"),
        ([a_use("other-place", unit="elsewhere")], NOON, "own"),
        ([a_use("other-thing", code="tree")], NOON, "own"),
        ([a_use("street", unit="street"), a_use("grid", unit="grid-1")], NOON, "grid"),
        ([a_use("lamps", code="lamp"), a_use("street", unit="street")], NOON, "street"),
        ([a_use("street", unit="street"), a_use("lamps", unit="street", code="lamp")], NOON, "lamps"),
        ([a_use("newer", days=-1), a_use("older", days=-2)], NOON, "newer"),
        ([a_use("emergency")], NOON, "own"),
        ([a_use("gone").model_copy(update={"retired_at": NOON})], NOON, "own"),
    ],
)
def test_the_most_specific_unit_then_the_category_then_the_latest(
    uses: list[PolicyUse], at: datetime, policy: str
) -> None:
    policies = [a_policy("own"), *(a_policy(use.id) for use in uses if use.id != "emergency")]
    directory = Directory.of(
        policies=[*policies, a_policy("emergency", Urgency.EMERGENCY)], policy_uses=uses, categories=[LAMP]
    )

    assert directory.policy_for(LAMP, PATH, at).id == policy


UNITS = [
    Unit(id="top", kind="civil_affairs", name=NAME, level=Level.CIVIL_AFFAIRS),
    Unit(id="street", kind="street", name=NAME, parent_id="top", level=Level.STREET),
    Unit(id="department", kind="department", name=NAME, parent_id="street"),
    Unit(id="community", kind="community", name=NAME, parent_id="street", level=Level.COMMUNITY),
    Unit(id="grid-1", kind="grid", name=NAME, parent_id="community", level=Level.GRID),
    Unit(id="house-1", kind="building", name=NAME, parent_id="grid-1"),
    Unit(id="other", kind="community", name=NAME, parent_id="street", level=Level.COMMUNITY),
]


@pytest.mark.parametrize(
    ("unit_id", "code", "may"),
    [
        ("community", "lamp", True),
        ("community", "tax", False),
        ("grid-1", "tax", False),
        ("house-1", "tax", False),
        ("house-1", "lamp", True),
        ("other", "tax", True),
        ("street", "lamp", False),
        ("department", "lamp", True),
        ("nowhere", "lamp", True),
    ],
)
def test_nothing_outside_its_duty_list_reaches_a_unit(unit_id: str, code: str, may: bool) -> None:
    lists = [
        DutyList(id="c", unit_id="community", category_codes=("lamp",)),
        DutyList(id="s", unit_id="street", category_codes=("tax",)),
        DutyList(id="old", unit_id="other", category_codes=(), retired_at=NOON),
    ]

    assert Directory.of(units=UNITS, duty_lists=lists).may_be_sent(unit_id, code) is may


def test_on_call_is_within_reach_and_not_at_work() -> None:
    ann = Person(id="ann", name=NAME)
    shift = Shift(
        id="s",
        person_id="ann",
        unit_id="grid-1",
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=8),
        kind=ShiftKind.ON_CALL,
    )
    directory = Directory.of(people=[ann], shifts=[shift])

    assert not directory.is_on_duty("ann", NOON)
    assert directory.on_duty("grid-1", NOON) == []
    assert directory.on_call("grid-1", NOON) == directory.on_call(None, NOON) == [(ann, shift)]
    assert directory.on_call(None, NOON + timedelta(hours=8)) == []


def test_a_change_of_a_list_counts_at_once() -> None:
    directory = Directory.of(units=UNITS, categories=[LAMP], policies=[a_policy("own"), a_policy("use")])
    assert directory.may_be_sent("community", "tax")
    assert directory.policy_for(LAMP, PATH, NOON).id == "own"

    directory.take(
        DutyListChanged(
            at=NOON, sequence=1, duty_list=DutyList(id="c", unit_id="community", category_codes=())
        )
    )
    directory.take(PolicyUseChanged(at=NOON, sequence=2, policy_use=a_use("use")))
    directory.take(WordListChanged(at=NOON, sequence=3, word_list=WordList(id="w", words=("救命",))))
    directory.take(SnippetChanged(at=NOON, sequence=4, snippet=Snippet(id="k", title=NAME, text=NAME)))

    assert not directory.may_be_sent("community", "tax")
    assert directory.policy_for(LAMP, PATH, NOON).id == "use"
    assert (set(directory.word_lists), set(directory.snippets)) == ({"w"}, {"k"})
