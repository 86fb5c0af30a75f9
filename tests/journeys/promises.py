"""What must hold of any story, whatever happened while it was told. Each check names what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from deploy.demo.books import Story
from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    CaseReassigned,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
)
from shared.events.escalation import CaseEscalated, DeadlineMissed, DeadlinesSet
from shared.events.intake import CaseClosed, CaseRegistered, FollowUpRecorded
from shared.vocabulary import DeadlineKind

OFFER_ENDS = (OfferDeclined, OfferLapsed, OfferWithdrawn)
PART_ENDS = (CaseHandled, PartEnded)
ATTEMPTS = 3


def broken(story: Story) -> list[str]:
    return [
        *(fault for events in story.values() for fault in _one_live_offer_per_part(events)),
        *(fault for events in story.values() for fault in _deadlines_once_and_never_early(events)),
        *(fault for events in story.values() for fault in _arrival_is_never_asked_anew(events)),
        *(fault for events in story.values() for fault in _closed_with_a_word_of_the_resident(events)),
        *_one_emergency_per_person(story),
    ]


def _one_live_offer_per_part(events: list[CaseEvent]) -> Iterator[str]:
    """And beside whoever is on the way one at most who is asked to take over."""
    live: dict[UUID, UUID] = {}
    asked: dict[UUID, UUID] = {}
    for event in events:
        if isinstance(event, CaseOffered) and event.takes_over is not None:
            if event.part_id in asked or live.get(event.part_id) != event.takes_over:
                yield f"{event.case_id}: somebody is asked to take over what nobody, or somebody asked, has"
            asked[event.part_id] = event.offer_id
        elif isinstance(event, CaseOffered):
            if event.part_id in live or event.part_id in asked:
                yield f"{event.case_id}: a second live offer of part {event.part_id}"
            live[event.part_id] = event.offer_id
        elif isinstance(event, CaseAccepted) and live.get(event.part_id) != event.offer_id:
            yield f"{event.case_id}: an offer was accepted that was not the live one"
        elif isinstance(event, OFFER_ENDS) and asked.get(event.part_id) == event.offer_id:
            del asked[event.part_id]
        elif isinstance(event, (*OFFER_ENDS, *PART_ENDS, CaseReassigned)):
            live.pop(event.part_id, None)
            if isinstance(event, CaseReassigned) and event.to_offer_id is not None:
                live[event.part_id] = event.to_offer_id
                if asked.get(event.part_id) == event.to_offer_id:
                    del asked[event.part_id]


def _deadlines_once_and_never_early(events: list[CaseEvent]) -> Iterator[str]:
    missed = [event for event in events if isinstance(event, DeadlineMissed)]
    for key, times in Counter(
        (event.kind, event.level, event.round, event.due_at) for event in missed
    ).items():
        if times > 1:
            yield f"{missed[0].case_id}: {key} fired {times} times"
    yield from (f"{event.case_id}: {event.kind} fired early" for event in missed if event.at < event.due_at)
    raised = Counter(
        (event.cause, event.from_level, event.round) for event in events if isinstance(event, CaseEscalated)
    )
    yield from (f"raised {times} times for one cause: {key}" for key, times in raised.items() if times > 1)


def _arrival_is_never_asked_anew(events: list[CaseEvent]) -> Iterator[str]:
    due = {
        deadline.due_at
        for event in events
        if isinstance(event, DeadlinesSet)
        for deadline in event.deadlines
        if deadline.kind is DeadlineKind.ARRIVE
    }
    if len(due) > 1:
        yield f"{events[0].case_id}: the arrival clock was set to {sorted(due)}"


def _closed_with_a_word_of_the_resident(events: list[CaseEvent]) -> Iterator[str]:
    registered = [event for event in events if isinstance(event, CaseRegistered)]
    if not registered or not registered[0].requester_can_be_asked:
        return
    for closed in (event for event in events if isinstance(event, CaseClosed)):
        asked = [
            event for event in events if isinstance(event, FollowUpRecorded) and event.round == closed.round
        ]
        if not any(event.reached for event in asked) and len(asked) < ATTEMPTS:
            yield f"{closed.case_id}: closed after {len(asked)} attempts and no answer"


def _one_emergency_per_person(story: Story) -> Iterator[str]:
    """From acceptance until handled, relieved or closed, nobody goes to two emergencies."""
    trips: dict[str, list[tuple[datetime, datetime, UUID]]] = {}
    for case_id, events in story.items():
        emergency = {event.offer_id for event in events if isinstance(event, CaseOffered) and event.emergency}
        for event in events:
            if isinstance(event, CaseAccepted) and event.goes and event.offer_id in emergency:
                end = next(
                    (later.at for later in events if _ends(later, event)),
                    datetime.max.replace(tzinfo=event.at.tzinfo),
                )
                trips.setdefault(event.person_id, []).append((event.at, end, case_id))
    for person, made in trips.items():
        made.sort()
        for (_, end, one), (start, _, other) in pairwise(made):
            if start < end:
                yield f"{person} was sent to {other} while on the way to {one}"


def _ends(later: CaseEvent, accepted: CaseAccepted) -> bool:
    if later.at < accepted.at:
        return False
    if isinstance(later, CaseReassigned):
        return (later.part_id, later.from_person_id) == (accepted.part_id, accepted.person_id)
    return isinstance(later, CaseClosed) or (
        isinstance(later, PART_ENDS) and later.part_id == accepted.part_id
    )
