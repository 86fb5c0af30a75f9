"""Stories of what happens beside the straight way: returns, parking, help, corrections and the rest."""

from __future__ import annotations

from collections.abc import Callable

from shared.event import Actor
from shared.events.dispatch import (
    CaseHandedDown,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    DeviceTimeAccepted,
    EntryCorrected,
    EntryFlagged,
    HelpAnswered,
    HelpRequested,
    OfferWithdrawn,
    PartHandled,
)
from shared.events.escalation import (
    CaseListed,
    CaseParked,
    CaseUnparked,
    ClearedDeadline,
    Deadline,
    DeadlineExtended,
    DeadlinesCleared,
    DeadlinesSet,
    ExtensionAsked,
    ExtensionRefused,
    ReplyGiven,
    ReturnRuled,
    SupervisionAnswered,
)
from shared.going import EntryFlag, EntryKind, ReassignReason, WithdrawReason
from shared.ids import uuid7
from shared.vocabulary import (
    ActorKind,
    DeadlineKind,
    EscalationCause,
    ExtensionReason,
    Level,
    ParkReason,
    PartRole,
    ReturnBasis,
    Role,
    Ruling,
    SetBecause,
    UnparkReason,
)
from tests.insight.matters_of_intake import (
    answered_at_once,
    at,
    merged,
    merged_to_the_end,
    not_accepted,
    part_again,
    taken,
    talkative,
    unmerged,
    withdrawn,
)
from tests.insight.story import Story

SUPERVISOR = Actor(kind=ActorKind.STAFF, person_id="p-street-s1", role=Role.SUPERVISOR)


def returned(story: Story, *, ruling: Ruling = Ruling.REFUSE, unanswered: bool = False) -> Story:
    """Scenario 7: the worker says "market regulation"; the clock never stops."""
    accepted = taken(story)
    held = story._of(accepted)
    back = story.add(
        CaseReturned,
        20,
        **held,
        return_id=uuid7(),
        basis=ReturnBasis.DUTY_LIST,
        rightful_unit_id="street",
        digest="",
    )
    ruling_due = Deadline(
        kind=DeadlineKind.RULING, due_at=at(story, 260), amber_at=at(story, 200), about=back.return_id
    )
    story.add(DeadlinesSet, 20, back, level=Level.COMMUNITY, round=1, deadlines=(ruling_due,))
    ruled = story.add(
        ReturnRuled,
        60,
        return_id=back.return_id,
        part_id=story.part_id,
        ruling=ruling,
        to_unit_id="street" if ruling is Ruling.REDISPATCH else None,
        unanswered=unanswered,
        level=Level.GRID,
        round=1,
    )
    cleared = ClearedDeadline(kind=DeadlineKind.RULING, due_at=at(story, 260), met=True, about=back.return_id)
    story.add(DeadlinesCleared, 60, level=Level.COMMUNITY, round=1, cleared=(cleared,))
    if ruling is Ruling.REDISPATCH:
        gone = {name: value for name, value in held.items() if name != "person_id"}
        story.add(
            OfferWithdrawn,
            60,
            ruled,
            **gone,
            person_id=accepted.person_id,
            offer_id=accepted.offer_id,
            reason=WithdrawReason.RETURNED,
        )
    return story


def parked(story: Story, *, resumed: bool = False) -> Story:
    taken(story)
    park_id = uuid7()
    story.add(
        CaseParked,
        100,
        park_id=park_id,
        owner_id="p-community-a-o1",
        unit_id="community-a",
        reason=ParkReason.NEEDS_FUNDS,
        review_at=at(story, 60_000),
        level=Level.GRID,
        round=1,
        digest="",
    )
    story.cleared(100, handle=(240, None))
    review = Deadline(
        kind=DeadlineKind.REVIEW, due_at=at(story, 60_000), amber_at=at(story, 48_000), about=park_id
    )
    story.add(DeadlinesSet, 100, level=Level.GRID, round=1, deadlines=(review,))
    if resumed:
        story.add(CaseUnparked, 200, park_id=park_id, because=UnparkReason.RESUMED, level=Level.GRID, round=1)
        gone = ClearedDeadline(kind=DeadlineKind.REVIEW, due_at=at(story, 60_000), met=None, about=park_id)
        story.add(DeadlinesCleared, 200, level=Level.GRID, round=1, cleared=(gone,))
        again = Deadline(kind=DeadlineKind.HANDLE, due_at=at(story, 500), amber_at=at(story, 440))
        story.add(
            DeadlinesSet,
            200,
            level=Level.GRID,
            round=1,
            deadlines=(again,),
            because=SetBecause.UNPARKED,
        )
    return story


def extended(story: Story, *, approved: bool = True) -> Story:
    accepted = taken(story)
    asked = story.add(
        ExtensionAsked,
        200,
        accepted,
        extension_id=uuid7(),
        person_id=accepted.person_id,
        due_at=at(story, 240),
        until=at(story, 400),
        reason=ExtensionReason.NEEDS_PARTS,
        level=Level.GRID,
        unit_id=story.grid,
        approving_unit_id="community-a",
        round=1,
    )
    of = {"extension_id": asked.extension_id, "level": Level.GRID, "round": 1}
    if not approved:
        story.add(ExtensionRefused, 240, **of, unanswered=True)
        return story
    story.add(
        DeadlineExtended,
        210,
        **of,
        kind=DeadlineKind.HANDLE,
        due_before=at(story, 240),
        due_at=at(story, 400),
        amber_at=at(story, 370),
    )
    handled = story.handled(390, accepted)
    story.cleared(390, handled, handle=(400, True))
    return story


def many_hands(story: Story) -> Story:
    """Raised by hand, handed down, helped, handed over; a co-handler does a task, whoever raised it gets a reply."""
    accepted = taken(story)
    part = story.part()
    raised = story.raised(10, Level.COMMUNITY, accepted, cause=EscalationCause.BY_HAND)
    supervised = story.supervised(11)
    officers = story.part(part_id=uuid7(), level=Level.COMMUNITY)
    offer = story.offered(
        12, "p-community-a-o1", raised, **officers, unit_id="community-a", goes=False, emergency=False
    )
    story.accepted(13, offer)
    story.add(
        CaseHandedDown,
        14,
        **officers,
        person_id="p-community-a-o1",
        to_unit_id=story.grid,
        note_id=uuid7(),
        digest="",
    )
    again = story.offered(15, f"p-{story.grid}-b", **officers)
    held = story.accepted(16, again)
    story.add(
        CaseReassigned,
        20,
        **officers,
        from_person_id=held.person_id,
        to_person_id=f"p-{story.grid}-a",
        to_offer_id=uuid7(),
        reason=ReassignReason.SHIFT_ENDED,
    )
    helping = story.part(part_id=uuid7(), part_role=PartRole.CO_HANDLER)
    asked = story.add(
        HelpRequested,
        22,
        **part,
        help_id=uuid7(),
        person_id=f"p-{story.grid}-a",
        unit_ids=("street",),
    )
    story.add(
        CoHandlerAsked,
        22,
        **helping,
        asked_by=f"p-{story.grid}-a",
        unit_id="street",
        note_id=uuid7(),
        digest="",
        due_at=at(story, 100),
        help_id=asked.help_id,
    )
    came = story.accepted(25, story.offered(23, "p-grid-a2-v", **helping, unit_id="street"))
    story.add(HelpAnswered, 25, **helping, help_id=asked.help_id, person_id=came.person_id, unit_id="street")
    story.add(PartHandled, 40, **helping, person_id=came.person_id)
    story.add(
        SupervisionAnswered,
        50,
        supervised,
        order_id=supervised.order_id,
        person_id="p-community-a-o1",
        unit_id="community-a",
        digest="",
    )
    story.add(
        ReplyGiven,
        55,
        raise_id=raised.id,
        person_id="p-community-a-o1",
        to_person_id=accepted.person_id,
        digest="",
    )
    story.add(
        CaseListed,
        60,
        day=story.called.date(),
        days=2,
        unit_id="civil-affairs",
        person_ids=("p-civil-affairs-s1",),
        round=1,
    )
    return story


def doubtful(story: Story, *, arrives: float = 20.0, by_phone: float = 13.0) -> Story:
    """Offline in a basement: the arrival was received late, the phone's own time is accepted; a photo is odd; an
    account was written twice and one of them corrected."""
    accepted = taken(story)
    held = story._of(accepted)
    arrived = story.arrived(arrives, accepted, device_at=at(story, by_phone))
    story.documented(arrives + 1, accepted)
    story.documented(arrives + 2, accepted)
    story.add(
        EntryFlagged,
        arrives + 1,
        **held,
        entry_id=uuid7(),
        entry=EntryKind.EVIDENCE,
        flags=(EntryFlag.SEEN_BEFORE, EntryFlag.FAR_FROM_PLACE),
    )
    story.add(
        EntryCorrected,
        arrives + 3,
        **held,
        entry_id=uuid7(),
        entry=EntryKind.ACCOUNT,
        note_id=uuid7(),
        digest="",
    )
    story.add(
        DeviceTimeAccepted,
        arrives + 60,
        actor=SUPERVISOR,
        **held,
        device_at=at(story, by_phone),
        received_at=arrived.at,
        digest="",
    )
    return story


MATTERS: dict[str, Callable[[Story], Story]] = {
    "returned": returned,
    "returned_and_redispatched": lambda story: returned(story, ruling=Ruling.REDISPATCH),
    "merged": lambda story: merged(story, Story(number="1000-0009")),
    "unmerged": lambda story: unmerged(story, Story(number="1000-0009")),
    "merged_to_the_end": lambda story: merged_to_the_end(story, Story(number="1000-0009")),
    "part_again": lambda story: part_again(story, Story(number="1000-0009")),
    "answered_at_once": answered_at_once,
    "contested": lambda story: answered_at_once(story, contested=True),
    "not_accepted": not_accepted,
    "withdrawn": withdrawn,
    "parked": parked,
    "resumed": lambda story: parked(story, resumed=True),
    "extended": extended,
    "refused": lambda story: extended(story, approved=False),
    "many_hands": many_hands,
    "doubtful": doubtful,
    "talkative": talkative,
}
"""By name; together with `every_story` they tell every event of a case there is."""


def every_matter() -> list[Story]:
    return [tell(Story(number=f"9000-{name}")) for name, tell in MATTERS.items()]
