"""合并: which of two cases becomes part of which, and how the parts follow their parent.

The earlier case is the parent. A case that is merged takes its own parts along, so there is never a chain; the
database forbids one as well. What becomes of the parent reaches its parts later, one by one: each is followed up by
itself when the parent is handled, and whoever says that it is not solved sends the parent back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.rules.endings import progress_call
from services.intake.rules.facts import Case
from services.intake.rules.kept import ParentHandled, ParentReopened
from services.intake.rules.refusals import Refused, RefusedBecause
from services.intake.rules.triage import lowers
from shared.event import SYSTEM, Actor, CaseEvent
from shared.events.intake import CaseClosed, CaseMerged, CaseReopened, CaseUnmerged, FollowUpOpened
from shared.vocabulary import CaseState, Channel, Outcome, ReopenReason


@dataclass(frozen=True)
class Likeness:
    """`score` is 0–100; `because` says in which of place, category, time and words it lies."""

    score: int
    because: tuple[str, ...]
    distance_m: int | None


@dataclass(frozen=True)
class Kin:
    """A case that is part of no other, and those that are part of it."""

    root: Case
    children: tuple[Case, ...] = ()

    @property
    def age(self) -> tuple[datetime, UUID]:
        return self.root.registered_at, self.root.case_id


@dataclass(frozen=True)
class Merge:
    """`parts` are the cases that get another parent, the named one first; none if they are one already."""

    parent: Case
    parts: tuple[Case, ...]


def choose_parent(one: Kin, other: Kin) -> Merge | Refused:
    """Whichever was registered first; what is handled or closed is another matter than what is reported now."""
    parent, part = sorted((one, other), key=lambda kin: kin.age)
    if parent.root.case_id == part.root.case_id:
        return Merge(parent.root, ())
    if not parent.root.open or not part.root.open:
        return Refused(RefusedBecause.CASE_ENDED)
    if any(child.state is CaseState.CLOSED for child in part.children):
        return Refused(RefusedBecause.CHILDREN_ENDED)
    if lowers(part.root.urgency, parent.root.urgency):
        return Refused(RefusedBecause.PARENT_LESS_URGENT)
    return Merge(parent.root, (part.root, *part.children))


def merged(
    merge: Merge, likeness: Likeness | None, actor: Actor, now: datetime
) -> list[tuple[Case, CaseMerged]]:
    """Each part with what is told of it; what the likeness was seen in belongs to the first."""
    return [
        (
            part,
            CaseMerged(
                at=now,
                case_id=part.case_id,
                actor=actor,
                channel=Channel.DESK,
                parent_id=merge.parent.case_id,
                parent_number=merge.parent.number,
                score=likeness.score if likeness and place == 0 else None,
                because=likeness.because if likeness and place == 0 else (),
            ),
        )
        for place, part in enumerate(merge.parts)
    ]


def unmerge(child: Case, parent: Case | None, actor: Actor, now: datetime) -> CaseUnmerged | Refused:
    """Only while the parent is being worked on and its requesters were never asked."""
    if child.state is not CaseState.MERGED or parent is None or child.parent_id is None:
        return Refused(RefusedBecause.NOT_MERGED)
    if not parent.open or child.parent_round is not None:
        return Refused(RefusedBecause.PARENT_HANDLED)
    return CaseUnmerged(
        at=now, case_id=child.case_id, actor=actor, channel=Channel.DESK, parent_id=child.parent_id
    )


def follow_parent(
    child: Case, parent: Case, follow_up_id: UUID, now: datetime, *, has_phone: bool
) -> list[CaseEvent]:
    """The next step of one of its parts after the parent, as that is now; nothing once it has come up with it. What it
    was asked about an older round ends first, also where it never heard that the parent went on."""
    if child.state is not CaseState.MERGED or child.parent_id != parent.case_id:
        return []
    if child.handled_at is not None and (parent.handled_at is None or child.parent_round != parent.round):
        return [_reopened_with(child, now)]
    if parent.handled_at is None:
        return []
    events: list[CaseEvent] = []
    if child.parent_round != parent.round:
        events.append(_handled_with(child, parent, now))
        if child.requester_can_be_asked:
            events.append(_asked(child, follow_up_id, now, has_phone=has_phone))
    if parent.state is CaseState.CLOSED and not child.requester_can_be_asked:
        events.append(_closed_with(child, parent, now))
    return events


def _handled_with(child: Case, parent: Case, now: datetime) -> ParentHandled:
    assert parent.handled_at is not None
    assert parent.handled_outcome is not None
    return ParentHandled(
        at=now,
        case_id=child.case_id,
        parent_id=parent.case_id,
        round=parent.round,
        handled_at=parent.handled_at,
        outcome=parent.handled_outcome,
        level=parent.handled_level,
        holders=tuple(sorted(parent.holders)),
    )


def _reopened_with(child: Case, now: datetime) -> ParentReopened:
    assert child.parent_id is not None
    return ParentReopened(at=now, case_id=child.case_id, parent_id=child.parent_id)


def _asked(child: Case, follow_up_id: UUID, now: datetime, *, has_phone: bool) -> FollowUpOpened:
    """One follow-up per round: a part has no rounds of its own, so each asking counts as one."""
    before = child.follow_up
    return FollowUpOpened(
        at=now,
        case_id=child.case_id,
        follow_up_id=follow_up_id,
        round=max(child.round, before.round + 1 if before else 0),
        link_can_be_sent=has_phone,
    )


def _closed_with(child: Case, parent: Case, now: datetime) -> CaseClosed:
    """There is nobody to ask, so it ends with its parent, by what ended that."""
    assert parent.closed_by is not None
    return CaseClosed(
        at=now,
        case_id=child.case_id,
        actor=SYSTEM,
        outcome=Outcome.MERGED,
        closed_by=parent.closed_by,
        round=child.round,
        resolved_level=parent.resolved_level,
    )


def told_of_delay(child: Case, parent: Case, follow_up_id: UUID, now: datetime) -> FollowUpOpened | None:
    """`handle` of the parent was missed: the requesters of its parts asked for the same thing."""
    waits = child.state is CaseState.MERGED and child.parent_id == parent.case_id and parent.open
    return progress_call(child, follow_up_id, now) if waits else None


def sent_back_by(child: Case, parent: Case, now: datetime) -> CaseReopened | None:
    """One of those who were asked is not content. The first of them reopens the parent; the others of that round
    find it open already."""
    asked = child.follow_up
    if child.parent_id != parent.case_id or child.parent_round != parent.round or parent.handled_at is None:
        return None
    if asked is None or asked.open or asked.solved is None:
        return None
    return CaseReopened(
        at=now,
        case_id=parent.case_id,
        channel=asked.attempts[-1].channel,
        follow_up_id=asked.id,
        round=parent.round + 1,
        because=ReopenReason.DISSATISFIED if asked.solved else ReopenReason.NOT_SOLVED,
    )


def contested_by(child: Case, parent: Case, now: datetime) -> CaseReopened | None:
    """The end of a part is contested: the first reopens the parent, unless it goes on already, or was handled anew and
    the part is asked about that. By nobody of its own: the parent's requester may still contest it themself."""
    ended = parent.state is CaseState.CLOSED or child.parent_round == parent.round
    if child.parent_id != parent.case_id or parent.handled_at is None or not ended:
        return None
    if child.state is not CaseState.MERGED or child.open_follow_up is not None:
        return None
    return CaseReopened(
        at=now, case_id=parent.case_id, round=parent.round + 1, because=ReopenReason.CONTESTED
    )


def parts_hear_of(before: Case, after: Case) -> bool:
    """Whether the parts of a case have to be told."""
    moved = (before.state, before.round) != (after.state, after.round)
    return moved and after.state in {CaseState.HANDLED, CaseState.REOPENED, CaseState.CLOSED}


def sends_parent_back(before: Case, after: Case) -> UUID | None:
    """The parent that hears of it when somebody who was asked about it is not content."""
    asked = after.follow_up
    if after.state is not CaseState.MERGED or asked is None or asked.open or asked == before.follow_up:
        return None
    return after.parent_id if asked.solved is not None else None


def contests_with_parent(before: Case, after: Case) -> UUID | None:
    """The parent that hears of it when the end of a part is contested."""
    again = before.state is CaseState.CLOSED and after.state is CaseState.MERGED
    return after.parent_id if again else None
