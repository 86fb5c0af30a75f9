"""Who must be told what. Every event notify hears is in the table, with everybody it concerns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.notify.rules import replica, telling
from services.notify.rules.facts import CaseFacts, Hold
from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    NobodyAvailable,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
)
from shared.events.escalation import (
    CaseEscalated,
    ClearedDeadline,
    Deadline,
    DeadlineAmber,
    DeadlineMissed,
    DeadlinesCleared,
    DeadlinesSet,
    EscalationVoided,
    SupervisionOrdered,
)
from shared.events.intake import CaseAmended, CaseClosed, CaseReopened, FollowUpOpened
from shared.going import DeclineReason, WithdrawReason
from shared.ids import uuid7
from shared.things import LevelLimits
from shared.vocabulary import (
    ClosedBy,
    DeadlineKind,
    EscalationCause,
    Level,
    NoticeKind,
    Outcome,
    SupervisionKind,
    Urgency,
)
from tests.notify.story import NIGHT, POLICY, Story, a_town

TOWN = a_town()
REQUESTER = None
Told = dict[NoticeKind, set[str | None]]


def fold(*events: CaseEvent) -> CaseFacts:
    first, *others = events
    case = replica.opened(first)  # type: ignore[arg-type]
    for event in others:
        case = replica.apply(case, event)
    return case


def told(before: list[CaseEvent], event: CaseEvent) -> Told:
    found: Told = {}
    for notice in telling.to_tell(fold(*before, event), event, TOWN):
        found.setdefault(notice.kind, set()).add(notice.person_id)
    return found


def registered(story: Story) -> list[CaseEvent]:
    return [story.registered()]


def offered(story: Story) -> list[CaseEvent]:
    return [*registered(story), story.offered("a")]


def held(story: Story) -> list[CaseEvent]:
    return [*offered(story), story.tell(CaseAccepted)]


def handled(story: Story) -> list[CaseEvent]:
    return [*held(story), story.tell(CaseHandled, outcome=Outcome.SOLVED, musts_met=())]


def missed(kind: DeadlineKind, level: Level = Level.GRID) -> dict[str, Any]:
    return {"kind": kind, "level": level, "round": 1, "due_at": NIGHT, "late_ms": 3}


def raised(
    to_level: Level, to_unit_id: str, cause: EscalationCause = EscalationCause.HANDLE_MISSED
) -> dict[str, Any]:
    return {
        "cause": cause,
        "from_level": Level.GRID,
        "from_unit_id": "grid-a1",
        "to_level": to_level,
        "to_unit_id": to_unit_id,
        "counts_from": NIGHT,
        "round": 1,
    }


LADDER_ABOVE = ((Level.COMMUNITY, "community-a"), (Level.STREET, "street"))
SUPERVISORS: set[str | None] = {"s-community", "s-street", "s-civil"}
TABLE: list[tuple[Callable[[Story], list[CaseEvent]], type[CaseEvent], dict[str, Any], Told]] = [
    (offered, OfferLapsed, {}, {NoticeKind.OFFER_ENDED: {"a"}}),
    (offered, OfferWithdrawn, {"reason": WithdrawReason.NEXT_STEP}, {NoticeKind.OFFER_ENDED: {"a"}}),
    (offered, OfferDeclined, {"reason": DeclineReason.BUSY}, {}),
    (offered, CaseAccepted, {}, {NoticeKind.CASE_HELD: {"a"}, NoticeKind.WORKER_COMING: {REQUESTER}}),
    (offered, CaseAccepted, {"goes": False}, {NoticeKind.CASE_HELD: {"a"}}),
    (held, CaseHandled, {"outcome": Outcome.SOLVED, "musts_met": ()}, {}),
    (held, PartEnded, {"because": "closed"}, {}),
    (registered, NobodyAvailable, {}, {NoticeKind.NOBODY_AVAILABLE: {"s-community"}}),
    (registered, DeadlinesSet, {"level": Level.GRID, "round": 1, "deadlines": ()}, {}),
    (registered, DeadlinesCleared, {"level": Level.GRID, "round": 1, "cleared": ()}, {}),
    (
        held,
        DeadlineAmber,
        {"kind": DeadlineKind.ARRIVE, "level": Level.GRID, "round": 1, "due_at": NIGHT},
        {NoticeKind.DEADLINE_AMBER: {"a", *SUPERVISORS}},
    ),
    (held, DeadlineMissed, missed(DeadlineKind.ARRIVE), {NoticeKind.DEADLINE_MISSED: {"a", *SUPERVISORS}}),
    (
        held,
        DeadlineMissed,
        missed(DeadlineKind.HANDLE, Level.STREET),
        {NoticeKind.DEADLINE_MISSED: {"a", "s-street", "s-civil"}},
    ),
    (
        handled,
        DeadlineMissed,
        missed(DeadlineKind.FOLLOW_UP),
        {NoticeKind.FOLLOW_UP_DUE: {"caller"}, NoticeKind.DEADLINE_MISSED: SUPERVISORS},
    ),
    (
        held,
        CaseEscalated,
        raised(Level.COMMUNITY, "community-a"),
        {NoticeKind.CASE_RAISED: {"o1", "a", *SUPERVISORS}},
    ),
    (
        registered,
        CaseEscalated,
        raised(Level.STREET, "street"),
        {NoticeKind.CASE_RAISED: {"street-o", "s-street", "s-civil"}},
    ),
    (held, EscalationVoided, {"voids": (), "level": Level.GRID, "unit_id": "grid-a1", "round": 1}, {}),
    (
        handled,
        SupervisionOrdered,
        {
            "order_id": uuid7(),
            "kind": SupervisionKind.ORDINARY,
            "level": Level.COMMUNITY,
            "unit_id": "community-a",
            "supervising_unit_id": "street",
            "round": 2,
        },
        {NoticeKind.SUPERVISION_ORDERED: {"o1", "o2", "s-street"}},
    ),
    (handled, CaseReopened, {"follow_up_id": uuid7(), "round": 2}, {NoticeKind.CASE_REOPENED: {"a"}}),
    (
        handled,
        CaseClosed,
        {"outcome": Outcome.SOLVED, "closed_by": ClosedBy.FOLLOW_UP, "round": 1},
        {NoticeKind.CASE_ENDED: {"a"}},
    ),
    (
        handled,
        FollowUpOpened,
        {"follow_up_id": uuid7(), "round": 1, "link_can_be_sent": True},
        {NoticeKind.PLEASE_ANSWER: {REQUESTER}},
    ),
    (
        handled,
        FollowUpOpened,
        {"follow_up_id": uuid7(), "round": 1, "link_can_be_sent": False},
        {NoticeKind.FOLLOW_UP_DUE: {"caller"}},
    ),
]


@pytest.mark.parametrize(("before", "event_class", "fields", "expected"), TABLE)
def test_who_is_told_what(
    before: Callable[[Story], list[CaseEvent]],
    event_class: type[CaseEvent],
    fields: dict[str, Any],
    expected: Told,
) -> None:
    story = Story()
    assert told(before(story), story.tell(event_class, **fields)) == expected


def test_a_registration_is_told_to_the_requester_and_an_offer_to_one_person_only() -> None:
    story = Story()
    assert told([], first := story.registered()) == {NoticeKind.REGISTERED: {REQUESTER}}
    assert told([first], story.offered("b")) == {NoticeKind.OFFER: {"b"}}


def test_nobody_is_asked_who_cannot_be() -> None:
    story = Story()
    first = story.registered(requester_can_be_asked=False)
    assert told([], first) == {}
    assert told([first, story.offered()], story.tell(CaseAccepted)) == {NoticeKind.CASE_HELD: {"a"}}


def test_whoever_was_told_of_a_raise_is_told_that_it_does_not_count() -> None:
    """A raise that crosses a `handled` in flight is voided, and says so (product.md §6)."""
    story = Story()
    before = held(story)
    raises = [story.tell(CaseEscalated, **raised(level, unit)) for level, unit in LADDER_ABOVE]
    informed = {
        person
        for n, raise_ in enumerate(raises)
        for person in told([*before, *raises[:n]], raise_)[NoticeKind.CASE_RAISED]
    }
    done = story.tell(CaseHandled, outcome=Outcome.SOLVED, musts_met=())
    voided = story.tell(
        EscalationVoided,
        voids=tuple(raise_.id for raise_ in raises),
        level=Level.GRID,
        unit_id="grid-a1",
        round=1,
    )
    assert told([*before, *raises, done], voided) == {NoticeKind.RAISE_VOIDED: informed}


def test_a_raise_at_night_without_an_officer_on_duty_is_told_to_all_of_them() -> None:
    story = Story(at=NIGHT + timedelta(days=9))
    raise_ = story.tell(CaseEscalated, **raised(Level.COMMUNITY, "community-a"))
    assert {"o1", "o2"} <= told([story.registered()], raise_)[NoticeKind.CASE_RAISED]


def test_who_is_still_on_a_case_hears_that_somebody_else_took_it() -> None:
    story = Story()
    before = held(story)
    story.part_id = uuid7()
    before.append(story.offered("o1", goes=False))
    assert told(before, story.tell(CaseAccepted, person_id="o1", goes=False)) == {
        NoticeKind.CASE_HELD: {"o1", "a"}
    }


def test_a_holder_of_an_earlier_round_is_not_told_the_end_of_the_next() -> None:
    story = Story()
    before = handled(story)
    before.append(story.tell(CaseReopened, follow_up_id=uuid7(), round=2))
    story.part_id = uuid7()
    before += [story.offered("b", round=2), story.tell(CaseAccepted, person_id="b", round=2)]
    closed = story.tell(CaseClosed, outcome=Outcome.SOLVED, closed_by=ClosedBy.FOLLOW_UP, round=2)
    assert told(before, closed) == {NoticeKind.CASE_ENDED: {"b"}}


def test_the_end_of_an_old_offer_leaves_the_new_one_standing() -> None:
    story = Story()
    before = offered(story)
    old = story.offer_id
    before.append(story.offered("b"))
    case = fold(*before, story.tell(OfferLapsed, offer_id=old))
    assert [(part.person_id, part.hold) for part in case.parts] == [("b", Hold.OFFERED)]


def test_the_arrival_is_due_from_registration_on_and_deadlines_follow_escalation() -> None:
    story = Story()
    first = story.registered()
    assert fold(first).due[DeadlineKind.ARRIVE] == first.at + timedelta(minutes=15)
    later = NIGHT + timedelta(hours=4)
    deadlines = (Deadline(kind=DeadlineKind.HANDLE, due_at=later, amber_at=later),)
    set_ = story.tell(DeadlinesSet, level=Level.GRID, round=1, deadlines=deadlines)
    stopped = (ClearedDeadline(kind=DeadlineKind.ARRIVE, due_at=NIGHT, met=True),)
    cleared = story.tell(DeadlinesCleared, level=Level.GRID, round=1, cleared=stopped)
    due = fold(first, set_, cleared).due
    assert due[DeadlineKind.HANDLE] == later
    assert DeadlineKind.ARRIVE not in due


def test_somebody_on_a_care_register_is_owed_the_quarter_of_an_hour_from_the_first_offer_on() -> None:
    """Whatever the category's own clocks are; an amendment may take it back."""
    story = Story()
    slow = POLICY.model_copy(update={"levels": (LevelLimits(level=Level.GRID),)})
    first = story.registered(urgency=Urgency.ROUTINE, policy=slow, care=True)
    assert fold(first).due == {DeadlineKind.ARRIVE: first.at + timedelta(minutes=15)}
    fields = {name: getattr(first, name) for name in CaseAmended.model_fields if hasattr(first, name)}
    amended = story.tell(CaseAmended, **fields | {"changed": ("care",), "care": False})
    assert (fold(first).urgent, fold(first, amended).urgent) == (True, False)


def test_an_offer_carries_everything_the_phone_shows() -> None:
    story = Story()
    case, offer = fold(story.registered()), story.offered("a")
    [notice] = telling.to_tell(case, offer, TOWN)
    body = telling.body_of(case, offer, notice)
    assert body["place"] == {"lon": 104.1, "lat": 30.6, "label": "建设路 12 号"}
    assert body["offer_id"] == offer.offer_id
    assert body["expires_at"] == offer.expires_at
    assert body["why"] == "own_grid"
    assert body["eta_seconds"] == 240
    assert body["due_at"] == case.due[DeadlineKind.ARRIVE]
