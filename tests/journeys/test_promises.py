"""The checks of promises.py find what they are for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.event import CaseEvent
from shared.events.dispatch import CaseAccepted, CaseHandled, CaseOffered, CaseReassigned, OfferLapsed
from shared.events.escalation import DeadlineMissed
from shared.events.intake import CaseClosed, CaseRegistered
from shared.going import ReassignReason
from shared.vocabulary import ClosedBy, DeadlineKind, Level, Outcome, PartRole, Post
from tests.contracts.examples import EXAMPLES
from tests.journeys.promises import broken

NIGHT = datetime(2026, 11, 19, 18, 10, tzinfo=UTC)
CASE, OTHER = UUID(int=1), UUID(int=2)
PART, OTHER_PART = UUID(int=11), UUID(int=12)


def of_part(minute: float, case_id: UUID = CASE, part_id: UUID = PART) -> dict[str, Any]:
    at = NIGHT + timedelta(minutes=minute)
    return {
        "case_id": case_id,
        "at": at,
        "part_id": part_id,
        "part_role": PartRole.OWNER,
        "level": Level.GRID,
        "round": 1,
        "person_id": "p-a",
    }


def offered(minute: float, offer: UUID, **part: UUID) -> CaseOffered:
    return CaseOffered(
        **of_part(minute, **part),
        offer_id=offer,
        unit_id="grid-a1",
        post=Post.A,
        emergency=True,
        goes=True,
        expires_at=NIGHT + timedelta(minutes=minute + 1),
        chosen_because="a_holder",
    )


def accepted(minute: float, offer: UUID, **part: UUID) -> CaseAccepted:
    return CaseAccepted(
        **of_part(minute, **part), offer_id=offer, unit_id="grid-a1", goes=True, told_at=NIGHT
    )


def handled(minute: float) -> CaseHandled:
    return CaseHandled(**of_part(minute), outcome=Outcome.SOLVED, musts_met=())


def handed_over(minute: float, to_offer: UUID | None = None) -> CaseReassigned:
    """At the end of a shift; to nobody by name where it is offered."""
    part = {name: value for name, value in of_part(minute).items() if name != "person_id"}
    to = {} if to_offer is None else {"to_person_id": "p-b", "to_offer_id": to_offer, "to_post": Post.B}
    return CaseReassigned(**part, from_person_id="p-a", reason=ReassignReason.SHIFT_ENDED, **to)


def instead(minute: float) -> CaseOffered:
    """接替: B is asked to take over A's way."""
    return offered(minute, B).model_copy(update={"person_id": "p-b", "takes_over": A})


def taken_over(minute: float) -> CaseReassigned:
    return handed_over(minute, to_offer=B).model_copy(update={"reason": ReassignReason.TAKEN_OVER})


def missed(minute: float) -> DeadlineMissed:
    at = NIGHT + timedelta(minutes=minute)
    due_at = NIGHT + timedelta(minutes=6)
    kind = DeadlineKind.ACKNOWLEDGE
    return DeadlineMissed(case_id=CASE, at=at, kind=kind, level=Level.GRID, round=1, due_at=due_at, late_ms=0)


A, B = uuid4(), uuid4()
OTHER_CASE = {"case_id": OTHER, "part_id": OTHER_PART}


def lapsed(minute: float, offer: UUID) -> OfferLapsed:
    return OfferLapsed(**of_part(minute), offer_id=offer)


@pytest.mark.parametrize(
    "events",
    [
        [offered(0, A), lapsed(1, A), offered(1, B), accepted(1.5, B), handled(20)],
        [
            offered(0, A),
            accepted(0.5, A),
            handled(20),
            offered(21, B, **OTHER_CASE),
            accepted(21, B, **OTHER_CASE),
        ],
        [offered(0, A), accepted(1, A), handed_over(480), offered(480, B), accepted(481, B), handled(500)],
        [offered(0, A), accepted(1, A), handed_over(480, to_offer=B), handled(500)],
        [
            offered(0, A),
            accepted(1, A),
            handed_over(2),
            offered(3, B, **OTHER_CASE),
            accepted(3, B, **OTHER_CASE),
        ],
        [offered(0, A), accepted(1, A), instead(3), lapsed(4, B), handled(20)],
        [offered(0, A), accepted(1, A), instead(3), taken_over(4), accepted(4, B), handled(20)],
        [missed(6)],
        [missed(6.5)],
    ],
)
def test_a_story_that_keeps_its_promises(events: list[CaseEvent]) -> None:
    assert broken(by_case(events)) == []


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([offered(0, A), offered(0.5, B)], "a second live offer"),
        ([offered(0, A), lapsed(1, A), accepted(1.5, A)], "not the live one"),
        ([offered(0, A), accepted(1, A), handed_over(2, to_offer=B), offered(3, A)], "a second live offer"),
        ([missed(5.9)], "fired early"),
        ([missed(6), missed(7)], "fired 2 times"),
        (
            [
                offered(0, A),
                accepted(1, A),
                offered(2, B, **OTHER_CASE),
                accepted(3, B, **OTHER_CASE),
                handled(20),
            ],
            "was sent to",
        ),
    ],
)
def test_a_broken_promise_is_found(events: list[CaseEvent], found: str) -> None:
    assert [fault for fault in broken(by_case(events)) if found in fault]


def test_a_case_closed_without_asking_is_found() -> None:
    registered = next(event for event in EXAMPLES.values() if isinstance(event, CaseRegistered))
    assert registered.requester_can_be_asked
    closed = CaseClosed(
        case_id=registered.case_id,
        at=NIGHT,
        outcome=Outcome.SOLVED,
        closed_by=ClosedBy.FOLLOW_UP,
        round=1,
    )
    assert "closed after 0 attempts" in broken(by_case([registered, closed]))[0]


def by_case(events: list[CaseEvent]) -> dict[UUID, list[CaseEvent]]:
    story: dict[UUID, list[CaseEvent]] = {}
    for event in events:
        story.setdefault(event.case_id, []).append(event)
    return story
