"""Stories of what intake and the requester do beside the straight way: merges, answers, questions, amendments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.events.dispatch import (
    CaseAccepted,
    NobodyAvailable,
    OfferDeclined,
    OfferWithdrawn,
    ResidentContacted,
)
from shared.events.intake import (
    AppointmentAgreed,
    AttachmentAdded,
    CaseAmended,
    CaseAnswered,
    CaseMerged,
    CaseNotAccepted,
    CaseUnmerged,
    CaseUrged,
    CaseWithdrawn,
    FollowUpOpened,
    FollowUpRecorded,
    InformationAsked,
    InformationGiven,
    Place,
    RequesterErased,
    Rung,
    Window,
)
from shared.events.notify import NoticeFailed, NoticeRead, NoticeReceived
from shared.going import DeclineReason, WithdrawReason
from shared.ids import uuid7
from shared.vocabulary import (
    Channel,
    ClosedBy,
    EmergencyService,
    FollowUpKind,
    Level,
    NotAcceptedReason,
    NoticeKind,
    Outcome,
    ReopenReason,
    SetBecause,
)
from tests.insight.story import LADDER, POLICY, Story


def taken(story: Story) -> CaseAccepted:
    """Registered, offered and accepted by the A holder."""
    registered = story.registered()
    story.clocks(0, registered, acknowledge=6, arrive=15, handle=240)
    accepted = story.accepted(1, story.offered(0, f"p-{story.grid}-a", registered))
    story.cleared(1, accepted, acknowledge=(6, True))
    return accepted


def at(story: Story, minute: float) -> Any:
    return story.called + timedelta(minutes=minute)


def merged(story: Story, parent: Story) -> Story:
    """Scenario 6: one of many callers about the same pipe."""
    registered = story.registered()
    story.clocks(0, registered, acknowledge=6, arrive=15, handle=240)
    offer = story.offered(0, f"p-{story.grid}-a", registered)
    joined = story.add(
        CaseMerged,
        0.5,
        parent_id=parent.case_id,
        parent_number=parent.number,
        score=92,
        because=("place", "text"),
    )
    story.cleared(0.5, joined, acknowledge=(6, None), arrive=(15, None), handle=(240, None))
    story.add(
        OfferWithdrawn,
        0.5,
        joined,
        **story.part(),
        person_id=offer.person_id,
        offer_id=offer.offer_id,
        reason=WithdrawReason.CASE_MERGED,
    )
    return story


def unmerged(story: Story, parent: Story) -> Story:
    merged(story, parent)
    story.add(CaseUnmerged, 10, parent_id=parent.case_id)
    story.clocks(10, acknowledge=6, arrive=15, handle=240)
    return story


def merged_with_answer(story: Story, parent: Story, **answer: Any) -> Story:
    """The parent was handled: its part's requester is asked as well, and answers."""
    merged(story, parent)
    story.follow_up_id = uuid7()
    story.add(FollowUpOpened, 40, follow_up_id=story.follow_up_id, round=1, link_can_be_sent=True)
    story.answered(60, **answer)
    return story


def merged_to_the_end(story: Story, parent: Story) -> Story:
    merged_with_answer(story, parent)
    story.closed(60, outcome=Outcome.MERGED, level=None)
    return story


def part_again(story: Story, parent: Story) -> Story:
    """Its end is contested: it is part of the same case once more."""
    merged_to_the_end(story, parent)
    story.add(CaseMerged, 90, parent_id=parent.case_id, parent_number=parent.number)
    return story


def answered_at_once(story: Story, *, contested: bool = False) -> Story:
    at_the_window = {"channel": Channel.WINDOW, "taken_at": "community-a"}
    registered = story.registered(ends_at_once=Outcome.ANSWERED, **at_the_window)
    story.add(CaseAnswered, 0, registered, snippet_id="bus-pass")
    closed = story.closed(0, outcome=Outcome.ANSWERED, by=ClosedBy.ANSWER, level=None)
    if contested:
        reopened = story.reopened(60, because=ReopenReason.CONTESTED, follow_up_id=None)
        story.level = Level.COMMUNITY
        story.clocks(60, closed, reopened, acknowledge=180, handle=4000)
    return story


def not_accepted(story: Story) -> Story:
    registered = story.registered(ends_at_once=Outcome.NOT_ACCEPTED)
    story.add(
        CaseNotAccepted,
        0,
        registered,
        reason=NotAcceptedReason.BEYOND_DUTY,
        rightful_unit_id="street",
    )
    story.closed(0, outcome=Outcome.NOT_ACCEPTED, by=ClosedBy.REFUSAL, level=None)
    return story


def withdrawn(story: Story) -> Story:
    taken(story)
    gone = story.add(CaseWithdrawn, 5)
    story.closed(5, outcome=Outcome.WITHDRAWN, by=ClosedBy.WITHDRAWAL, level=None)
    story.cleared(5, gone, arrive=(15, None), handle=(240, None))
    return story


def talkative(story: Story) -> Story:
    """Nobody at first, then a refusal; asked back, answered, urged, a new window, a photo, the place amended, a
    progress call; in the end erased."""
    registered = story.registered()
    story.add(NobodyAvailable, 0, registered, **story.part(), unit_id=story.grid)
    refused = story.offered(1, f"p-{story.grid}-a")
    story.add(
        OfferDeclined,
        2,
        **story._of(refused),
        offer_id=refused.offer_id,
        reason=DeclineReason.BUSY,
    )
    held = story._of(story.accepted(3, story.offered(2, f"p-{story.grid}-b")))
    story.add(ResidentContacted, 4, **held)
    story.clocks(4, registered, arrive=15, handle=240)
    question = {"question_id": uuid7(), "asked_by": "p-operator-1"}
    story.add(InformationAsked, 5, **question)
    story.add(InformationGiven, 8, **question)
    story.add(InformationAsked, 9, question_id=uuid7(), asked_by="p-operator-1")
    story.add(CaseUrged, 20, count=1)
    story.add(CaseUrged, 30, count=2)
    window = Window(starts_at=at(story, 120), ends_at=at(story, 180))
    story.add(AppointmentAgreed, 31, appointment=window)
    story.add(
        AttachmentAdded, 32, attachment_id=uuid7(), media_type="image/png", sha256="1" * 64, size_bytes=7
    )
    moved = amended(story, 33, grid="grid-a2", crisis=EmergencyService.FIRE)
    story.clocks(33, moved, because=SetBecause.AMENDED, arrive=15, handle=240)
    calling = {"follow_up_id": uuid7(), "round": 1, "kind": FollowUpKind.PROGRESS}
    story.add(FollowUpOpened, 241, **calling, link_can_be_sent=False)
    story.add(FollowUpRecorded, 250, channel=Channel.PHONE, **calling, attempt=1, reached=True)
    told = {"kind": NoticeKind.PROGRESS_CALL, "person_id": None, "via": "webhook"}
    story.add(NoticeReceived, 251, notice_id=uuid7(), **told)
    story.add(NoticeRead, 252, notice_id=uuid7(), **told)
    story.add(NoticeFailed, 253, notice_id=uuid7(), **told, attempt=1, because="refused")
    story.add(RequesterErased, 5000)
    return story


def amended(story: Story, minute: float, *, grid: str, crisis: EmergencyService | None = None) -> CaseAmended:
    return story.add(
        CaseAmended,
        minute,
        changed=("place", "grid_id"),
        category_code="manhole",
        urgency=story.urgency,
        headline="井盖缺失",
        place=Place(lon=112.61, lat=26.91, label="江北路 30 号"),
        grid_id=grid,
        unit_path=("civil-affairs", "street", "community-a", grid),
        ladder=(Rung(level=Level.GRID, unit_id=grid), *LADDER[1:]),
        policy=POLICY,
        crisis=crisis,
        registry_revision=1,
    )
