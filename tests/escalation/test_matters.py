"""Side matters of a case: extensions, parking, orders, replies, tasks of co-handlers; each has a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.escalation.rules import extensions, parkings, supervision
from services.escalation.rules.case import Colour, ExtensionState
from services.escalation.rules.clocks import Telling
from services.registry.defaults.policies import ROUTINE, working_days
from shared.events.escalation import (
    CaseEscalated,
    CaseUnparked,
    DeadlineExtended,
    DeadlineMissed,
    DeadlinesSet,
    ExtensionRefused,
)
from shared.ids import uuid7
from shared.things import Limit
from shared.vocabulary import (
    DeadlineKind,
    ExtensionReason,
    Level,
    ParkReason,
    SetBecause,
    SupervisionKind,
    UnparkReason,
    Urgency,
)
from tests.escalation.story import LADDER, OFFICER, Story, after

ACK, HANDLE = DeadlineKind.ACKNOWLEDGE, DeadlineKind.HANDLE
REVIEW, CO_HANDLE = DeadlineKind.REVIEW, DeadlineKind.CO_HANDLE
SUPERVISION, REPLY, FOLLOW_UP = DeadlineKind.SUPERVISION, DeadlineKind.REPLY, DeadlineKind.FOLLOW_UP
DAY = 24 * 60
CLOSING_ON_WEDNESDAY = 2 * DAY + 8.5 * 60
"""When `handle` of a routine case registered on Monday at nine is due."""
CLOSING_ON_TUESDAY, CLOSING_ON_THURSDAY = CLOSING_ON_WEDNESDAY - DAY, CLOSING_ON_WEDNESDAY + DAY


def types(told: list[object]) -> list[str]:
    return [type(event).__name__ for event in told]


def kinds(story: Story) -> set[DeadlineKind]:
    return {one.kind for one in story.case.open()}


# ── raises by hand and replies ────────────────────────────────────────────────────────────────────────────────────


def test_a_raise_by_hand_may_name_a_level_further_up_and_says_what_it_passed_over() -> None:
    story = Story()
    story.hear(story.accepted(1))
    [raised] = [e for e in story.raised(20, Level.STREET) if isinstance(e, CaseEscalated)]
    assert (raised.to_level, story.level) == (Level.STREET, Level.STREET)
    assert [(one.level, one.reason) for one in raised.skipped] == [(Level.COMMUNITY, "named_further_up")]
    assert story.due(ACK) == 35


def test_whoever_raised_it_is_owed_a_reply() -> None:
    story = Story(Urgency.ROUTINE)
    story.hear(story.accepted(1))
    story.raised(20)
    assert story.due(REPLY) == CLOSING_ON_TUESDAY
    [raised] = story.case.raises
    told = story.by_hand(60, lambda telling: supervision.reply(telling, raised, OFFICER, uuid7(), "d"))
    assert types([*told]) == ["ReplyGiven", "DeadlinesCleared"]
    assert not story.case.raises[0].owes_a_reply


def test_a_raise_by_the_clock_owes_nobody_a_reply() -> None:
    story = Story()
    story.at(6)
    assert story.open(REPLY) is None


def test_a_reply_that_is_late_is_red_and_raises_nothing() -> None:
    story = Story(Urgency.ROUTINE)
    story.hear(story.accepted(1))
    story.raised(20)
    story.hear(story.accepted(30, part_id=uuid7()))
    story.at(CLOSING_ON_WEDNESDAY)
    assert story.case.open(REPLY)[0].colour is Colour.RED
    assert story.level is Level.COMMUNITY


# ── extensions ────────────────────────────────────────────────────────────────────────────────────────────────────

UNTIL = after(4 * DAY)


def ask(story: Story, minutes: float = 60) -> list[object]:
    def act(telling: Telling) -> None:
        assert extensions.may_ask(telling, UNTIL) is None
        extensions.ask_extension(telling, OFFICER, UNTIL, ExtensionReason.NEEDS_PARTS)

    return [*story.by_hand(minutes, act)]


def decide_it(story: Story, minutes: float, *, approved: bool) -> list[object]:
    asked = story.case.extensions[-1]
    return [
        *story.by_hand(
            minutes, lambda telling: extensions.decide_extension(telling, asked, OFFICER, approved=approved)
        )
    ]


def an_owned_case() -> Story:
    story = Story(Urgency.ROUTINE)
    story.hear(story.accepted(1))
    story.hear(story.contacted(2))
    return story


def test_an_extension_approved_one_level_up_moves_handle_once() -> None:
    story = an_owned_case()
    ask(story)
    assert story.case.extensions[0].approving_unit_id == "community-a"
    [extended] = decide_it(story, 90, approved=True)
    assert isinstance(extended, DeadlineExtended)
    assert (extended.due_before, extended.due_at) == (after(CLOSING_ON_WEDNESDAY), UNTIL)
    assert story.due(HANDLE) == 4 * DAY
    assert story.at(CLOSING_ON_WEDNESDAY + 1) == []
    told = story.at(4 * DAY)
    assert [e.kind for e in told if isinstance(e, DeadlineMissed)] == [HANDLE]
    assert story.level is Level.COMMUNITY


def test_undecided_at_the_due_time_is_refused_and_the_case_is_raised() -> None:
    story = an_owned_case()
    ask(story)
    told = story.at(CLOSING_ON_WEDNESDAY)
    assert types([*told])[:3] == ["ExtensionRefused", "DeadlineMissed", "CaseEscalated"]
    [refused] = [event for event in told if isinstance(event, ExtensionRefused)]
    assert refused.unanswered
    assert story.case.extensions[0].state is ExtensionState.REFUSED


def test_refused_the_clock_goes_on_as_it_was() -> None:
    story = an_owned_case()
    ask(story)
    decide_it(story, 90, approved=False)
    assert story.due(HANDLE) == CLOSING_ON_WEDNESDAY


@pytest.mark.parametrize(
    ("before", "until", "because"),
    [
        (lambda story: story.hear(story.handled(30)), UNTIL, "not-worked-on"),
        (lambda story: (ask(story), decide_it(story, 70, approved=True)), after(5 * DAY), "extended-before"),
        (lambda story: ask(story), UNTIL, "extension-undecided"),
        (lambda story: (ask(story), decide_it(story, 70, approved=False)), UNTIL, "extension-refused-before"),
        (lambda story: (ask(story), parked_before(story, 70)), after(CLOSING_ON_WEDNESDAY + 60), None),
        (lambda story: None, after(CLOSING_ON_WEDNESDAY), "extension-not-later"),
        (lambda story: None, after(CLOSING_ON_WEDNESDAY + 7 * DAY), None),  # five working days after Wednesday
        (lambda story: None, after(CLOSING_ON_WEDNESDAY + 7 * DAY + 1), "extension-too-long"),
    ],
)  # fmt: skip
def test_what_may_be_asked_for(before: object, until: object, because: str | None) -> None:
    story = an_owned_case()
    before(story)  # type: ignore[operator]
    story.by_hand(100, lambda telling: _same(extensions.may_ask(telling, until), because))  # type: ignore[arg-type]


def _same(found: object, expected: object) -> None:
    assert found == expected


def test_a_raised_case_may_be_extended_by_its_new_owner_unless_it_was_before() -> None:
    story = an_owned_case()
    ask(story)
    decide_it(story, 70, approved=False)
    story.raised(80)
    until = after(20 * DAY)
    story.by_hand(90, lambda telling: _same(extensions.may_ask(telling, until), "extension-too-long"))
    until = after(6 * DAY)
    story.by_hand(90, lambda telling: _same(extensions.may_ask(telling, until), None))


def test_an_extension_moves_the_clock_as_it_stands_when_it_is_approved() -> None:
    story = Story()
    story.hear(story.accepted(1))
    ask(story, 2)
    story.hear(story.amended(5, urgency=Urgency.ROUTINE, policy=ROUTINE))
    [extended] = decide_it(story, 90, approved=True)
    assert isinstance(extended, DeadlineExtended)
    assert extended.due_before == after(CLOSING_ON_WEDNESDAY)


def test_an_undecided_extension_ends_with_a_raise_by_hand() -> None:
    story = an_owned_case()
    ask(story)
    told = story.raised(80)
    assert types([*told])[:2] == ["ExtensionRefused", "CaseEscalated"]


# ── parking ───────────────────────────────────────────────────────────────────────────────────────────────────────


def park(story: Story, minutes: float, review: float) -> list[object]:
    return [
        *story.by_hand(
            minutes,
            lambda telling: parkings.park(
                telling, OFFICER, "p-1", ParkReason.NEEDS_FUNDS, after(review), "d"
            ),
        )
    ]


def unpark(story: Story, minutes: float, because: UnparkReason = UnparkReason.RESUMED) -> list[object]:
    return [*story.by_hand(minutes, lambda telling: parkings.unpark(telling, OFFICER, because))]


def test_the_review_replaces_handle_and_nothing_else_pauses() -> None:
    story = Story(Urgency.ROUTINE)
    told = park(story, 60, 30 * DAY)
    assert types(told) == ["CaseParked", "DeadlinesCleared", "DeadlinesSet"]
    assert kinds(story) == {ACK, DeadlineKind.CONTACT, REVIEW}
    assert story.due(REVIEW) == 30 * DAY


def test_unparked_the_rest_of_handle_counts_from_then() -> None:
    story = an_owned_case()
    park(story, 60, 30 * DAY)
    told = unpark(story, 10 * DAY)
    assert types(told) == ["CaseUnparked", "DeadlinesCleared", "DeadlinesSet"]
    assert isinstance(told[-1], DeadlinesSet)
    assert told[-1].because is SetBecause.UNPARKED
    assert story.due(HANDLE) == 10 * DAY + (CLOSING_ON_WEDNESDAY - 60)
    assert story.case.registered_at == after(0)


def test_a_missed_review_is_red_raises_nothing_and_comes_back_every_day() -> None:
    story = an_owned_case()
    park(story, 60, 30 * DAY)
    told = story.at(30 * DAY)
    assert [event.kind for event in told if isinstance(event, DeadlineMissed)] == [REVIEW]
    assert (story.level, story.case.parking is not None) == (Level.GRID, True)
    assert "CaseListed" in types([*story.at(31 * DAY)])
    unpark(story, 31 * DAY + 5, UnparkReason.REVIEWED)
    assert story.due(HANDLE) == 31 * DAY + 5 + (CLOSING_ON_WEDNESDAY - 60)


@pytest.mark.parametrize(
    ("what", "because"),
    [
        ("handled", UnparkReason.HANDLED),
        ("closed", UnparkReason.CLOSED),
        ("merged", UnparkReason.CLOSED),
    ],
)
def test_what_ends_a_parking(what: str, because: UnparkReason) -> None:
    story = an_owned_case()
    park(story, 60, 30 * DAY)
    told = story.hear(getattr(story, what)(90))
    assert [event.because for event in told if isinstance(event, CaseUnparked)] == [because]
    assert story.open(REVIEW) is None
    assert story.open(HANDLE) is None


def test_a_raise_takes_a_parked_case_up_again_with_the_clocks_of_its_new_level() -> None:
    story = Story(Urgency.ROUTINE)
    park(story, 60, 30 * DAY)
    told = story.at(120)  # nobody took it
    assert types([*told])[:3] == ["DeadlineMissed", "CaseUnparked", "DeadlinesCleared"]
    assert story.level is Level.COMMUNITY
    assert kinds(story) == {ACK, HANDLE, DeadlineKind.CONTACT}


@pytest.mark.parametrize(
    ("days", "because"), [(0, "review-date"), (1, None), (90, None), (90.01, "review-date")]
)
def test_the_review_is_within_ninety_days(days: float, because: str | None) -> None:
    story = an_owned_case()
    now = after(60)
    assert parkings.may_park(story.case, now, now + timedelta(days=days), approved=False) == because


def test_one_park_at_a_time() -> None:
    story = an_owned_case()
    park(story, 60, 30 * DAY)
    assert parkings.may_park(story.case, after(61), after(DAY), approved=True) == "parked-before"
    story.hear(story.handled(70))
    assert parkings.may_park(story.case, after(71), after(DAY), approved=True) == "not-worked-on"


def parked_before(story: Story, minutes: float = 60) -> list[object]:
    return [*park(story, minutes, 30 * DAY), *unpark(story, minutes + 1)]


@pytest.mark.parametrize(
    ("urgency", "before", "because"),
    [
        (Urgency.ROUTINE, lambda story: None, None),
        (Urgency.ROUTINE, parked_before, "parking-needs-approval"),
        (Urgency.ROUTINE, lambda story: (parked_before(story), story.raised(62)), None),
        (Urgency.ROUTINE, lambda story: (story.raised(50), parked_before(story)), "parking-needs-approval"),
        (Urgency.ROUTINE, lambda story: (parked_before(story), _once_more(story)), None),
        (Urgency.EMERGENCY, lambda story: None, "parking-needs-approval"),
        (Urgency.EMERGENCY, lambda story: story.at(30 * DAY), "parking-needs-approval"),
    ],
)
def test_an_emergency_and_a_second_parking_are_approved_by_somebody_above(
    urgency: Urgency, before: Callable[[Story], object], because: str | None
) -> None:
    """A second one in the same round at the same level; and an emergency whose `handle` runs, or stands red."""
    story = Story(urgency)
    story.hear(story.accepted(1))
    before(story)
    now = after(40 * DAY)
    assert parkings.may_park(story.case, now, now + timedelta(days=1), approved=False) == because
    assert parkings.may_park(story.case, now, now + timedelta(days=1), approved=True) is None


def _once_more(story: Story) -> list[object]:
    return [*story.hear(story.handled(70)), *story.hear(story.reopened(80))]


def test_what_was_missed_before_a_parking_stays_missed_and_on_the_list_and_is_not_missed_again() -> None:
    """At the last level nobody is above whose clock would begin: the red `handle` is all there is."""
    story = Story(Urgency.ROUTINE, ladder=LADDER[3:])
    story.hear(story.accepted(1))
    story.hear(story.contacted(2))
    due = story.due(HANDLE)
    assert due is not None
    assert [event.kind for event in story.at(due) if isinstance(event, DeadlineMissed)] == [HANDLE]
    told = park(story, due + 60, due + 30 * DAY)
    assert types(told) == ["CaseParked", "DeadlinesSet"]
    assert story.case.open(HANDLE)[0].colour is Colour.RED
    assert "CaseListed" in types([*story.at(due + 2 * DAY)])
    told = unpark(story, due + 3 * DAY)
    assert types(told) == ["CaseListed", "CaseUnparked", "DeadlinesCleared"]
    assert story.case.open(HANDLE)[0].colour is Colour.RED
    story.at(due + 60 * DAY)
    assert [event.kind for event in story.told if isinstance(event, DeadlineMissed)] == [HANDLE]


# ── supervision ───────────────────────────────────────────────────────────────────────────────────────────────────


def order(story: Story, minutes: float, kind: SupervisionKind = SupervisionKind.LISTED) -> list[object]:
    return [
        *story.by_hand(
            minutes,
            lambda telling: supervision.order_by_hand(telling, kind, "street", OFFICER, uuid7(), "d"),
        )
    ]


def test_an_order_by_hand_has_its_own_clock_and_answer() -> None:
    story = an_owned_case()
    told = order(story, 60)
    assert types(told) == ["SupervisionOrdered", "DeadlinesSet"]
    assert story.due(SUPERVISION) == CLOSING_ON_THURSDAY
    [ordered] = story.case.orders
    assert (ordered.unit_id, ordered.supervising_unit_id, ordered.ordered_by) == (
        "grid-a1",
        "street",
        OFFICER.person_id,
    )
    told = [
        *story.by_hand(
            90, lambda telling: supervision.answer(telling, ordered, OFFICER, "grid-a1", uuid7(), "d")
        )
    ]
    assert types(told) == ["SupervisionAnswered", "DeadlinesCleared"]
    assert story.case.orders[0].answered_at == after(90)


@pytest.mark.parametrize(
    ("kind", "unit_id", "because"),
    [
        (SupervisionKind.LISTED, "street", "ordered-before"),
        (SupervisionKind.INTERVIEW, "street", None),
        (SupervisionKind.LISTED, "civil-affairs", None),
    ],
)
def test_one_open_order_of_a_kind_by_a_unit(kind: SupervisionKind, unit_id: str, because: str | None) -> None:
    story = an_owned_case()
    order(story, 60)
    assert supervision.may_be_ordered(story.case, kind, unit_id) == because


def test_orders_of_several_kinds_run_side_by_side_and_survive_handled() -> None:
    story = an_owned_case()
    order(story, 60)
    order(story, 70, SupervisionKind.INTERVIEW)
    story.hear(story.handled(80))
    assert len(story.case.open(SUPERVISION)) == 2
    story.hear(story.closed(90))
    assert story.case.open() == ()
    assert supervision.may_be_ordered(story.case, SupervisionKind.ORDINARY, "street") == "closed"


def test_a_reopening_orders_supervision_with_a_clock() -> None:
    story = Story()
    story.hear(story.handled(30))
    story.hear(story.reopened(60))
    assert story.open(SUPERVISION) is not None
    assert story.case.orders[0].ordered_by is None


# ── co-handlers, and who holds ────────────────────────────────────────────────────────────────────────────────────


def test_tasks_of_co_handlers_have_a_clock_each() -> None:
    story = an_owned_case()
    first, second = (story.asked_to_help(5, due) for due in (60, 90))
    story.hear(first)
    story.hear(second)
    assert {one.about for one in story.case.open(CO_HANDLE)} == {first.part_id, second.part_id}
    story.hear(story.part_handled(30, first.part_id))
    assert [one.about for one in story.case.open(CO_HANDLE)] == [second.part_id]
    story.at(90)
    assert story.case.open(CO_HANDLE)[0].colour is Colour.RED
    assert story.level is Level.GRID
    story.hear(story.part_ended(95, second.part_id))
    assert story.case.open(CO_HANDLE) == ()


@pytest.mark.parametrize(("limit", "due"), [(working_days(2), CLOSING_ON_WEDNESDAY), (None, None)])
def test_a_task_without_a_time_has_the_policys(limit: Limit | None, due: float | None) -> None:
    story = Story(Urgency.ROUTINE, policy=ROUTINE.model_copy(update={"co_handle": limit}))
    story.hear(story.asked_to_help(5, None))
    assert story.due(CO_HANDLE) == due


def test_who_holds_follows_a_hand_over_and_no_clock_does() -> None:
    story = an_owned_case()
    clocks = story.case.open()
    assert story.hear(story.reassigned(5, "p-grid-a1-b")) == []
    assert [holder.person_id for holder in story.case.holders] == ["p-grid-a1-b"]
    assert story.hear(story.handed_down(6)) == []
    assert story.case.holders == ()
    assert story.case.open() == clocks


def test_whoever_takes_over_on_the_way_holds_it_and_no_clock_begins_anew() -> None:
    """It was acknowledged by whoever accepted first, and somebody is to be there when they always were."""
    story = Story(Urgency.EMERGENCY)
    story.hear(story.accepted(1))
    clocks = story.case.open()
    assert DeadlineKind.ACKNOWLEDGE not in {clock.kind for clock in clocks}
    assert story.hear(story.reassigned(5, "p-grid-a1-b")) == []
    assert story.hear(story.accepted(5, person_id="p-grid-a1-b")) == []
    assert [holder.person_id for holder in story.case.holders] == ["p-grid-a1-b"]
    assert story.case.open() == clocks


def test_a_volunteer_who_took_it_first_is_no_owner_once_the_grids_holder_has_it() -> None:
    story = Story()
    story.hear(story.accepted(1, person_id="p-grid-a1-v"))
    story.hear(story.accepted(2, part_id=uuid7()))
    assert story.case.owner is not None
    assert story.case.owner.person_id == "p-grid-a1-a"
