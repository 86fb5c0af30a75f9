"""Who is told what of everything that can happen to a case, and of a worker's call for help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify.rules import replica, telling
from services.notify.rules.facts import Hold
from services.notify.rules.telling.alarms import alarm_tells
from services.notify.subscriptions import SUBSCRIPTIONS
from shared.event import Actor, AlarmEvent, CaseEvent
from shared.events.dispatch import (
    AlarmAnswered,
    AlarmEnded,
    AlarmRaised,
    CaseAccepted,
    CaseHandedDown,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    DeviceTimeAccepted,
    EntryCorrected,
    EntryFlagged,
    HelpAnswered,
    HelpRequested,
    OfferLapsed,
    PartHandled,
)
from shared.events.escalation import (
    CaseEscalated,
    CaseListed,
    CaseParked,
    CaseUnparked,
    Deadline,
    DeadlineExtended,
    DeadlineMissed,
    DeadlinesSet,
    ExtensionAsked,
    ExtensionRefused,
    ReplyGiven,
    ReturnRuled,
    SupervisionAnswered,
    SupervisionOrdered,
)
from shared.events.intake import (
    AppointmentAgreed,
    AttachmentAdded,
    CaseAmended,
    CaseAnswered,
    CaseClosed,
    CaseMerged,
    CaseNotAccepted,
    CaseUnmerged,
    CaseUrged,
    CaseWithdrawn,
    FollowUpOpened,
    InformationAsked,
    InformationGiven,
    Place,
    RequesterErased,
    Window,
)
from shared.going import EntryFlag, EntryKind, ReassignReason
from shared.ids import uuid7
from shared.vocabulary import (
    ActorKind,
    ClosedBy,
    DeadlineKind,
    EscalationCause,
    ExtensionReason,
    FollowUpKind,
    Level,
    NotAcceptedReason,
    NoticeKind,
    Outcome,
    ParkReason,
    PartRole,
    ReturnBasis,
    Ruling,
    SupervisionKind,
    UnparkReason,
    Urgency,
)
from tests.notify import test_rules
from tests.notify.story import LADDER, NIGHT, PATH, POLICY, Story
from tests.notify.test_rules import (
    REQUESTER,
    SUPERVISORS,
    TOWN,
    Told,
    fold,
    held,
    offered,
    raised,
    registered,
    told,
)

K = NoticeKind
LATER = NIGHT + timedelta(days=2)
MATTER, OTHER_PART = UUID(int=7), UUID(int=8)
TEXT = {"note_id": UUID(int=9), "digest": "d"}
GRID = {"level": Level.GRID, "round": 1}


def another_part(story: Story, **fields: Any) -> CoHandlerAsked:
    asked = {
        "part_id": OTHER_PART,
        "part_role": PartRole.CO_HANDLER,
        "asked_by": "a",
        "unit_id": "community-a",
    }
    return story.tell(CoHandlerAsked, **asked | TEXT | fields)


def helped(story: Story) -> list[CaseEvent]:
    help_ = story.tell(HelpRequested, help_id=MATTER, unit_ids=("community-a",))
    return [*held(story), help_, another_part(story)]


def extending(story: Story) -> list[CaseEvent]:
    return [*held(story), story.tell(ExtensionAsked, **EXTENSION)]


def parked(story: Story) -> list[CaseEvent]:
    return [*held(story), story.tell(CaseParked, **PARKED)]


def ordered(story: Story) -> list[CaseEvent]:
    order = {"order_id": MATTER, "kind": SupervisionKind.LISTED, "supervising_unit_id": "street"}
    return [*held(story), story.tell(SupervisionOrdered, **order | GRID | {"unit_id": "community-a"})]


def by_hand(story: Story) -> list[CaseEvent]:
    return held(story)


EXTENSION = {
    "extension_id": MATTER,
    "person_id": "a",
    "due_at": NIGHT,
    "until": LATER,
    "reason": ExtensionReason.NEEDS_PARTS,
    "unit_id": "grid-a1",
    "approving_unit_id": "community-a",
    **GRID,
}
PARKED = {
    "park_id": MATTER,
    "owner_id": "o2",
    "unit_id": "community-a",
    "reason": ParkReason.NEEDS_FUNDS,
    "review_at": LATER,
    "level": Level.COMMUNITY,
    "round": 1,
    "digest": "d",
}
RETURNED = {"return_id": MATTER, "basis": ReturnBasis.LAW, "rightful_unit_id": "market", "digest": "d"}
RULED = {"return_id": MATTER, "ruling": Ruling.REFUSE, **GRID}
EXTENDED = {
    "extension_id": MATTER,
    "kind": DeadlineKind.HANDLE,
    "due_before": NIGHT,
    "due_at": LATER,
    "amber_at": NIGHT,
    **GRID,
}
ENTRY = {"entry_id": MATTER, "entry": EntryKind.EVIDENCE}
AMENDED = {
    "changed": ("urgency", "place"),
    "category_code": "lamp",
    "urgency": Urgency.ROUTINE,
    "headline": "路灯不亮",
    "place": Place(label="建设路 14 号"),
    "grid_id": "grid-a1",
    "unit_path": PATH,
    "ladder": LADDER,
    "policy": POLICY,
    "registry_revision": 0,
}
BOTH: set[str | None] = {"a", REQUESTER}
TABLE: list[tuple[Callable[[Story], list[CaseEvent]], type[CaseEvent], dict[str, Any], Told]] = [
    # 吹哨, co-handlers, hand-over
    (
        held,
        HelpRequested,
        {"help_id": MATTER, "unit_ids": ("community-a", "street")},
        {K.HELP_REQUESTED: {"o1", "street-o"}},
    ),
    (held, HelpRequested, {"help_id": MATTER, "unit_ids": ("grid-a1",)}, {K.HELP_REQUESTED: {"lead"}}),
    (
        helped,
        HelpAnswered,
        {"help_id": MATTER, "person_id": "o1", "unit_id": "community-a"},
        {K.HELP_ANSWERED: {"a"}},
    ),
    (
        held,
        CoHandlerAsked,
        {"asked_by": "a", "unit_id": "community-a", "part_id": OTHER_PART, **TEXT},
        {K.CO_HANDLER_ASKED: {"o1"}},
    ),
    (helped, PartHandled, {"part_id": OTHER_PART, "person_id": "o1"}, {K.PART_HANDLED: {"a"}}),
    (
        held,
        CaseReassigned,
        {"from_person_id": "a", "to_person_id": "b", "reason": ReassignReason.PHONE_LOST},
        {K.REASSIGNED: {"a", "b"}},
    ),
    (held, CaseReassigned, {"from_person_id": "a", "reason": ReassignReason.LEAVE}, {K.REASSIGNED: {"a"}}),
    (held, CaseHandedDown, {"person_id": "o1", "to_unit_id": "grid-a1", **TEXT}, {K.HANDED_DOWN: {"lead"}}),
    # 退单, 裁定
    (held, CaseReturned, RETURNED, {K.RETURN_ASKED: {"o1", "s-community"}}),
    (held, CaseReturned, RETURNED | {"level": Level.CIVIL_AFFAIRS}, {K.RETURN_ASKED: {"s-civil"}}),
    (held, ReturnRuled, RULED, {K.RETURN_RULED: {"a"}}),
    (
        held,
        ReturnRuled,
        RULED | {"ruling": Ruling.REDISPATCH, "to_unit_id": "street"},
        {K.RETURN_RULED: {"a"}},
    ),
    # 延期, 挂账
    (held, ExtensionAsked, EXTENSION, {K.EXTENSION_ASKED: {"o1", "s-community"}}),
    (extending, DeadlineExtended, EXTENDED, {K.EXTENSION_ANSWERED: BOTH}),
    (
        extending,
        ExtensionRefused,
        {"extension_id": MATTER, "unanswered": True, **GRID},
        {K.EXTENSION_ANSWERED: {"a"}},
    ),
    (held, CaseParked, PARKED, {K.CASE_PARKED: {"o2", "a", REQUESTER, *SUPERVISORS}}),
    (
        parked,
        CaseUnparked,
        {"park_id": MATTER, "because": UnparkReason.RESUMED, "level": Level.COMMUNITY, "round": 1},
        {K.CASE_UNPARKED: {"o2", "a", REQUESTER, *SUPERVISORS}},
    ),
    # 督办, 答复, the daily list
    (
        ordered,
        SupervisionAnswered,
        {"order_id": MATTER, "person_id": "o1", "unit_id": "community-a", "digest": "d"},
        {K.SUPERVISION_ANSWERED: {"s-street"}},
    ),
    (
        by_hand,
        CaseEscalated,
        raised(Level.COMMUNITY, "community-a", EscalationCause.BY_HAND)
        | {"actor": Actor(kind=ActorKind.STAFF, person_id="a")},
        {K.CASE_RAISED: {"o1", "a", *SUPERVISORS}, K.REPLY_OWED: {"o1"}},
    ),
    (
        held,
        ReplyGiven,
        {"raise_id": MATTER, "person_id": "o1", "to_person_id": "a", "digest": "d"},
        {K.REPLY_GIVEN: {"a"}},
    ),
    (
        held,
        CaseListed,
        {
            "day": date(2026, 3, 2),
            "days": 2,
            "unit_id": "civil-affairs",
            "person_ids": ("s-civil", "x"),
            "round": 1,
        },
        {K.CASE_LISTED: {"s-civil", "x"}},
    ),
    # intake
    (held, CaseAmended, AMENDED, {K.CASE_AMENDED: BOTH}),
    (registered, CaseAmended, AMENDED, {K.CASE_AMENDED: {REQUESTER}}),
    (held, CaseUrged, {"count": 2}, {K.CASE_URGED: {"a"}}),
    (registered, CaseUrged, {"count": 1}, {K.CASE_URGED: {"lead"}}),
    (offered, CaseMerged, {"parent_id": MATTER, "parent_number": "1"}, {K.CASE_MERGED: BOTH}),
    (held, CaseUnmerged, {"parent_id": MATTER}, {K.CASE_UNMERGED: BOTH}),
    (registered, CaseAnswered, {}, {K.CASE_ANSWERED: {REQUESTER}}),
    (registered, CaseNotAccepted, {"reason": NotAcceptedReason.LEGAL_ROUTE}, {K.NOT_ACCEPTED: {REQUESTER}}),
    (held, CaseWithdrawn, {}, {K.CASE_WITHDRAWN: BOTH}),
    (held, CaseClosed, {"outcome": Outcome.WITHDRAWN, "closed_by": ClosedBy.WITHDRAWAL, "round": 1}, {}),
    (held, InformationAsked, {"question_id": MATTER, "asked_by": "a"}, {K.INFORMATION_ASKED: {REQUESTER}}),
    (held, InformationGiven, {"question_id": MATTER, "asked_by": "b"}, {K.INFORMATION_GIVEN: {"b"}}),
    (
        held,
        AppointmentAgreed,
        {"appointment": Window(starts_at=NIGHT, ends_at=LATER)},
        {K.APPOINTMENT_AGREED: BOTH},
    ),
    (
        held,
        AttachmentAdded,
        {"attachment_id": MATTER, "media_type": "image/jpeg", "sha256": "0", "size_bytes": 1},
        {K.ATTACHMENT_ADDED: {"a"}},
    ),
    (held, RequesterErased, {}, {}),
    (
        held,
        FollowUpOpened,
        {"follow_up_id": MATTER, "round": 1, "link_can_be_sent": True, "kind": FollowUpKind.PROGRESS},
        {K.PROGRESS_CALL: {"caller"}},
    ),
    # entries
    (held, EntryFlagged, ENTRY | {"flags": (EntryFlag.SEEN_BEFORE,)}, {K.ENTRY_FLAGGED: {"s-community"}}),
    (held, EntryCorrected, ENTRY | TEXT, {K.ENTRY_CORRECTED: {"s-community"}}),
    (
        held,
        DeviceTimeAccepted,
        {"device_at": NIGHT, "received_at": LATER, "digest": "d"},
        {K.DEVICE_TIME_ACCEPTED: {"a"}},
    ),
    # clocks of side matters
    (
        held,
        DeadlineMissed,
        test_rules.missed(DeadlineKind.RULING) | {"about": MATTER},
        {K.DEADLINE_MISSED: {"o1", *SUPERVISORS}},
    ),
    (
        helped,
        DeadlineMissed,
        test_rules.missed(DeadlineKind.CO_HANDLE) | {"about": UUID(int=99)},
        {K.DEADLINE_MISSED: {"a", *SUPERVISORS}},
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


def test_the_tables_name_every_event_that_is_heard() -> None:
    in_tables = {event_class for table in (test_rules.TABLE, TABLE) for _, event_class, _, _ in table} | {
        type(Story().registered()),
        type(Story().offered()),
    }
    of_no_case = {kind for kind in SUBSCRIPTIONS if not issubclass(kind, CaseEvent)}  # tables of their own
    assert in_tables | of_no_case == set(SUBSCRIPTIONS)
    assert set(telling.TELLS) <= set(SUBSCRIPTIONS)


@pytest.mark.parametrize(("before", "event_class", "fields", "expected"), [*test_rules.TABLE, *TABLE])
def test_nothing_is_sent_to_a_requester_who_cannot_be_asked(
    before: Callable[[Story], list[CaseEvent]],
    event_class: type[CaseEvent],
    fields: dict[str, Any],
    expected: Told,
) -> None:
    story = Story()
    first, *others = before(story)
    anonymous = first.model_copy(update={"requester_can_be_asked": False})
    found = told([anonymous, *others], story.tell(event_class, **fields))
    assert all(REQUESTER not in people for people in found.values())


def test_answered_at_once_says_the_number_with_the_answer() -> None:
    story = Story()
    assert told([], first := story.registered(ends_at_once=Outcome.ANSWERED)) == {}
    assert fold(first).due == {}


def test_whoever_comes_to_help_is_not_announced_to_the_requester_again() -> None:
    story = Story()
    before = helped(story)
    story.part_id = OTHER_PART
    before.append(story.offered("o1", part_role=PartRole.CO_HANDLER))
    accepted = story.tell(CaseAccepted, person_id="o1", part_role=PartRole.CO_HANDLER)
    assert told(before, accepted) == {K.CASE_HELD: {"o1", "a"}}


def test_an_amended_case_is_told_as_it_is_now() -> None:
    story = Story()
    case = fold(*held(story), story.tell(CaseAmended, **AMENDED))
    assert (case.urgency, case.headline, case.place.label) == (Urgency.ROUTINE, "路灯不亮", "建设路 14 号")
    assert case.number == "2603-0017-4"


def test_a_merged_case_knows_its_parent_until_it_is_taken_apart() -> None:
    story = Story()
    merged = story.tell(CaseMerged, parent_id=MATTER, parent_number="2603-0001-1")
    assert fold(*held(story), merged).parent_number == "2603-0001-1"
    assert fold(*held(story), merged, story.tell(CaseUnmerged, parent_id=MATTER)).merged_into is None


def test_a_part_that_was_handed_over_is_the_other_person_s() -> None:
    story = Story()
    over = {"from_person_id": "a", "to_person_id": "b", "reason": ReassignReason.SHIFT_ENDED}
    before = [*held(story), story.tell(CaseReassigned, **over)]
    assert told(before, story.tell(CaseUrged, count=1)) == {K.CASE_URGED: {"b"}}


def test_whoever_is_asked_to_take_over_is_told_beside_the_holder_who_goes_on() -> None:
    story = Story()
    before = held(story)
    on_the_way = story.offer_id
    ask = story.offered("b", takes_over=on_the_way, eta_seconds=60)
    assert told(before, ask) == {K.OFFER: {"b"}}
    ended = story.tell(OfferLapsed, person_id="b")
    assert told([*before, ask], ended) == {K.OFFER_ENDED: {"b"}}
    assert told([*before, ask, ended], story.tell(CaseUrged, count=1)) == {K.CASE_URGED: {"a"}}


def test_a_way_that_was_taken_over_is_told_its_holder_and_the_requester_hears_who_comes_now() -> None:
    story = Story()
    before = held(story)
    on_the_way = story.offer_id
    before.append(story.offered("b", takes_over=on_the_way, eta_seconds=60))
    over = {"from_person_id": "a", "to_person_id": "b", "to_offer_id": story.offer_id}
    relieved = story.tell(CaseReassigned, **over, reason=ReassignReason.TAKEN_OVER)
    assert told(before, relieved) == {K.REASSIGNED: {"a"}}
    accepted = story.tell(CaseAccepted, person_id="b")
    assert told([*before, relieved], accepted) == {K.CASE_HELD: {"b"}, K.WORKER_COMING: {REQUESTER}}
    case = fold(*before, relieved, accepted)
    assert [(part.person_id, part.hold, part.eta_seconds) for part in case.parts] == [("b", Hold.HELD, 60)]
    assert told([*before, relieved, accepted], story.tell(CaseUrged, count=1)) == {K.CASE_URGED: {"b"}}


def test_a_part_that_was_returned_is_nobody_s_until_it_is_offered_again() -> None:
    story = Story()
    redispatch = RULED | {"ruling": Ruling.REDISPATCH, "to_unit_id": "community-a"}
    before = [*held(story), story.tell(ReturnRuled, **redispatch)]
    assert told(before, story.tell(CaseUrged, count=1)) == {K.CASE_URGED: {"o1"}}


def test_clocks_of_side_matters_stand_beside_those_of_the_case() -> None:
    story = Story()
    one = Deadline(kind=DeadlineKind.RULING, due_at=LATER, amber_at=NIGHT, about=MATTER)
    case = fold(*held(story), story.tell(DeadlinesSet, deadlines=(one,), **GRID))
    assert DeadlineKind.RULING not in case.due
    assert case.running[DeadlineKind.RULING] == LATER


# ── SOS ───────────────────────────────────────────────────────────────────────────────────────────────────────────

ALARM = {"alarm_id": uuid7(), "at": NIGHT, "person_id": "a"}
CIRCLE = {"lead", "op1", *SUPERVISORS}


def alarm_told(*events: AlarmEvent) -> dict[NoticeKind, set[str | None]]:
    first, *others = events
    assert isinstance(first, AlarmRaised)
    alarm = replica.rang(first)
    for event in others:
        alarm = replica.apply_to_alarm(alarm, event)
    found: dict[NoticeKind, set[str | None]] = {}
    for notice in alarm_tells(alarm, events[-1], TOWN):
        found.setdefault(notice.kind, set()).add(notice.person_id)
    return found


def test_an_alarm_reaches_the_leader_the_desk_on_duty_and_every_supervisor_above() -> None:
    raised_ = AlarmRaised(**ALARM, unit_path=PATH)
    assert alarm_told(raised_) == {K.ALARM_RAISED: CIRCLE}


def test_without_anybody_on_duty_the_whole_desk_is_called() -> None:
    late = AlarmRaised(**ALARM | {"at": NIGHT + timedelta(days=9)}, unit_path=PATH)
    assert {"op1", "op2"} <= alarm_told(late)[K.ALARM_RAISED]


def test_the_worker_hears_who_comes_and_everybody_hears_the_end() -> None:
    by_op = Actor(kind=ActorKind.STAFF, person_id="op1")
    by_a = Actor(kind=ActorKind.STAFF, person_id="a")
    raised_ = AlarmRaised(**ALARM, unit_path=PATH)
    answered = AlarmAnswered(**ALARM, answered_by="op1", actor=by_op)
    ended = AlarmEnded(**ALARM, by_mistake=True, actor=by_a)
    assert alarm_told(raised_, answered) == {K.ALARM_ANSWERED: {"a", *CIRCLE} - {"op1"}}
    assert alarm_told(raised_, answered, ended) == {K.ALARM_ENDED: CIRCLE}
