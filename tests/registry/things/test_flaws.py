"""What is wrong with uses of policies, duty lists, word lists and snippets; and with the limits of side matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.registry.rules.flaws import flaws
from services.registry.rules.spans import Span
from services.registry.rules.things import Known, Thing, differing
from shared.things import DutyList, Limit, Policy, PolicyUse, Snippet, WordList
from shared.vocabulary import ClockKind, EmergencyService, Urgency
from tests.registry.things.town import ELECTRICS, KNOWN, LAMP, NOON, a_shift, a_unit, hours, named, square

WORKER = KNOWN.people["p-w"]
ROUTINE = KNOWN.policies["routine"]
USE = PolicyUse(id="u", policy_id="routine", category_code="lamp", unit_id="grid-x1", valid_from=NOON)
LIST = DutyList(id="d", unit_id="community-x", category_codes=("lamp",))
WORDS = WordList(id="w", words=("着火",), urgency=Urgency.EMERGENCY)
SNIPPET = Snippet(id="s", title=named("时间"), text=named("周一"), category_code="lamp")
LATE = datetime(9999, 12, 31, tzinfo=UTC)
NOTHING = Limit(clock=ClockKind.MINUTES, amount=0)


def altered(thing: Thing, **changes: object) -> Thing:
    return thing.model_copy(update=changes)


def codes(thing: Thing, known: Known = KNOWN) -> list[str]:
    return [flaw.code for flaw in flaws([thing], known)]


@pytest.mark.parametrize(
    ("thing", "found"),
    [
        (USE, []),
        (altered(USE, category_code=None, unit_id=None), []),
        (altered(USE, policy_id="none"), ["unknown-policy"]),
        (altered(USE, policy_id="emergency"), ["policy-of-other-urgency"]),
        (altered(USE, category_code="none"), ["unknown-category"]),
        (altered(USE, unit_id="nowhere"), ["unknown-unit"]),
        (altered(USE, valid_until=NOON), ["ends-before-start"]),
        (altered(USE, valid_until=NOON + timedelta(seconds=1)), []),
        (altered(USE, valid_from=datetime(2026, 11, 20)), ["no-time-zone"]),  # noqa: DTZ001
        (altered(USE, valid_from=datetime(1, 1, 1, tzinfo=UTC)), ["time-out-of-range"]),
        (
            a_shift("s", "p-a", "grid-x1").model_copy(update={"ends_at": datetime.max.replace(tzinfo=UTC)}),
            ["time-out-of-range"],
        ),
        (LIST, []),
        (altered(LIST, unit_id="nowhere"), ["unknown-unit"]),
        (altered(LIST, category_codes=("none",)), ["unknown-category"]),
        (altered(LIST, category_codes=("lamp", "lamp")), ["category-twice"]),
        (WORDS, []),
        (altered(WORDS, urgency=None, service=EmergencyService.POLICE), []),
        (altered(WORDS, urgency=None), ["list-without-effect"]),
        (altered(WORDS, words=()), ["no-words"]),
        (altered(WORDS, words=("着火", " ")), ["no-words"]),
        (SNIPPET, []),
        (altered(SNIPPET, category_code=None), []),
        (altered(SNIPPET, category_code="none"), ["unknown-category"]),
        (altered(SNIPPET, text=named("").model_copy(update={"zh": " "})), ["no-text"]),
        (altered(LAMP, rightful_unit_id="street"), []),
        (altered(LAMP, rightful_unit_id="the-railway"), ["unknown-unit"]),
        (altered(LAMP, levels=()), ["no-level"]),
        (altered(LAMP, skills_wanted=("electrics",)), []),
        (altered(LAMP, skills_wanted=("electrics", "electric")), ["unknown-skill"]),
        (altered(WORKER, skills=("electrics",)), []),
        (altered(WORKER, skills=("电路", "电路")), ["unknown-skill"]),
        (altered(ELECTRICS, name=named("").model_copy(update={"zh": " "})), ["no-name"]),
        (altered(ROUTINE, ruling=NOTHING), ["limit-not-positive"]),
        (altered(ROUTINE, co_handle=NOTHING), ["limit-not-positive"]),
        (altered(ROUTINE, extension_max=NOTHING), ["limit-not-positive"]),
        (altered(ROUTINE, unread_after_seconds=0), ["limit-not-positive"]),
        (altered(ROUTINE, leader_after_seconds=0), ["limit-not-positive"]),
    ],
)
def test_each_flaw_is_named(thing: Thing, found: list[str]) -> None:
    assert codes(thing) == found


def test_nobody_is_given_a_retired_skill_and_who_has_an_unknown_one_keeps_it() -> None:
    """Skills were free words once: what stood there before the list was may stay, and be taken away."""
    able = altered(WORKER, skills=("electrics",))
    assert codes(able, KNOWN.after([altered(ELECTRICS, retired_at=NOON)])) == ["unknown-skill"]
    for before, after in (
        (altered(WORKER, skills=("电工", "木工")), {"skills": ("电工",), "badge": "X1"}),
        (altered(LAMP, skills_wanted=("电工", "木工")), {"skills_wanted": ("电工",), "keywords": ("灯",)}),
    ):
        assert codes(altered(before, **after), KNOWN.after([before])) == []


def test_a_skill_may_come_with_whoever_has_it() -> None:
    new = altered(ELECTRICS, id="carpentry")
    assert flaws([altered(WORKER, skills=("carpentry",)), new], KNOWN) == []


def test_a_retired_policy_holds_nowhere_new() -> None:
    known = KNOWN.after([altered(Policy.model_validate(ROUTINE.model_dump()), retired_at=NOON)])
    assert "retired-policy" in codes(USE, known)


def test_what_is_retired_is_nobodys_rightful_unit() -> None:
    known = KNOWN.after([altered(KNOWN.units["grid-x2"], retired_at=NOON)])
    assert codes(altered(LAMP, rightful_unit_id="grid-x2"), known) == ["retired-unit"]


def test_of_two_that_share_ground_the_later_change_is_wrong() -> None:
    first, second = a_unit("house-1", "grid-x1", x=10), a_unit("house-2", "grid-x1", x=10.005)
    assert [flaw.id for flaw in flaws([first, second], KNOWN)] == ["house-2"]
    assert [flaw.id for flaw in flaws([second, first], KNOWN)] == ["house-1"]
    assert [flaw.id for flaw in flaws([first], KNOWN.after([second]))] == ["house-1"]


@pytest.mark.parametrize(
    ("begins", "ends", "away"), [(0, 8, True), (-8, 0, False), (12, 20, False), (11.9, 20, True)]
)
def test_nobody_is_rostered_while_away(begins: float, ends: float, away: bool) -> None:
    known = Known(units=KNOWN.units, people=KNOWN.people, away={"p-a": (Span(NOON, NOON + hours(12)),)})
    shift = a_shift("s", "p-a", "grid-x1", begins, ends)
    assert codes(shift, known) == (["person-away"] if away else [])
    assert codes(altered(shift, person_id="p-b"), known) == []
    assert codes(altered(shift, retired_at=NOON), known) == []


def test_what_differs_is_told_in_the_order_of_the_fields() -> None:
    grid = KNOWN.units["grid-x1"]
    assert differing(grid, altered(grid, households=3, polygon=square(1))) == ("polygon", "households")
    assert differing(LAMP, LAMP) == ()
