"""How a case ends: the follow-up after `handled`, the three attempts, the verification, the reopening.

Product rule 6: `closed` needs a follow-up or three documented attempts at different hours to reach the resident;
where there is nobody to ask, a verifier who did not handle it closes from the evidence. Every function takes the
case and `now` and returns the events that follow, or why not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.intake.rules.facts import ATTEMPTS_APART, ATTEMPTS_MAX, Case, FollowUp
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.event import REQUESTER, SYSTEM, Actor, CaseEvent
from shared.events.escalation import DeadlineMissed
from shared.events.intake import CaseClosed, CaseMerged, CaseReopened, FollowUpOpened, FollowUpRecorded
from shared.vocabulary import (
    DISSATISFIED,
    CaseState,
    Channel,
    ClosedBy,
    DeadlineKind,
    FollowUpKind,
    Outcome,
    ReopenReason,
    Satisfaction,
)

CONTEST_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class Answers:
    """The three questions, and the button `somebody told me what to answer`. A progress call may leave the last two
    open: nobody has said yet that it is solved."""

    contacted: bool
    solved: bool | None = None
    satisfaction: Satisfaction | None = None
    coached: bool = False

    @property
    def complete(self) -> bool:
        return self.solved is not None and self.satisfaction is not None

    @property
    def content(self) -> bool:
        return bool(self.solved) and self.satisfaction not in DISSATISFIED


@dataclass(frozen=True)
class Asked:
    """One attempt to ask: by whom, over what; `answers` is None where nobody was reached."""

    actor: Actor
    channel: Channel
    answers: Answers | None = None


def follow_up_for(
    before: Case, after: Case, follow_up_id: UUID, now: datetime, *, has_phone: bool
) -> FollowUpOpened | None:
    """One follow-up per case and round, opened when the case becomes `handled`."""
    if after.state is not CaseState.HANDLED or before.state is CaseState.HANDLED:
        return None
    return FollowUpOpened(
        at=now,
        case_id=after.case_id,
        follow_up_id=follow_up_id,
        round=after.round,
        link_can_be_sent=has_phone and after.requester_can_be_asked,
    )


def progress_call_for(
    case: Case, event: DeadlineMissed, follow_up_id: UUID, now: datetime
) -> FollowUpOpened | None:
    """`handle` was missed: the resident is called and told how it stands; none where the case was handled meanwhile."""
    return progress_call(case, follow_up_id, now) if is_late(case, event) else None


def is_late(case: Case, event: DeadlineMissed) -> bool:
    return event.kind is DeadlineKind.HANDLE and event.round == case.round and case.open


def progress_call(case: Case, follow_up_id: UUID, now: datetime) -> FollowUpOpened | None:
    """One such call is open at a time; none where there is nobody to call."""
    if not case.requester_can_be_asked or case.open_follow_up is not None:
        return None
    return FollowUpOpened(
        at=now,
        case_id=case.case_id,
        follow_up_id=follow_up_id,
        round=case.round,
        link_can_be_sent=False,
        kind=FollowUpKind.PROGRESS,
    )


def may_ask(case: Case, person_id: str, parent: Case | None = None) -> bool:
    """Never somebody who handled or held the case, or the one it is part of."""
    worked = {one for whole in (case, parent) if whole for one in (*whole.holders, whole.handled_by)}
    return person_id not in worked


def record_attempt(
    case: Case, asked: Asked, time_zone: ZoneInfo, now: datetime, parent: Case | None = None
) -> tuple[CaseEvent, ...] | Refused:
    """A caller's attempt, and what follows from it."""
    follow_up = case.open_follow_up
    if follow_up is None:
        return Refused(RefusedBecause.FOLLOW_UP_CLOSED)
    if not case.requester_can_be_asked:
        return Refused(RefusedBecause.NOBODY_TO_ASK)
    if asked.actor.person_id is None or not may_ask(case, asked.actor.person_id, parent):
        return Refused(RefusedBecause.HELD_BY_YOU)
    if asked.answers and not asked.answers.complete and follow_up.kind is FollowUpKind.AFTER_HANDLED:
        return Refused(RefusedBecause.ANSWERS_MISSING)
    if asked.answers is None and (free := next_free_hour(follow_up, time_zone, now)) != now:
        return Refused(RefusedBecause.SAME_HOUR, try_again_at=free)
    return _with_consequence(case, follow_up, asked, now)


def next_free_hour(follow_up: FollowUp, time_zone: ZoneInfo, now: datetime) -> datetime:
    """`now`, if no caller tried in this hour of the day yet nor a short while ago; else the next time that holds.
    Three calls at nine in the morning reach nobody who works: different hours means hours of the day; and from 9:59
    to 10:00 is no other hour."""
    calls = [attempt.at for attempt in follow_up.attempts if attempt.channel is not Channel.LINK]
    tried = {at.astimezone(time_zone).hour for at in calls}
    free = max(now, *(at + ATTEMPTS_APART for at in calls)) if calls else now
    while (local := free.astimezone(time_zone)).hour in tried:
        free = (local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)).astimezone(now.tzinfo)
    return free


def answer_link(
    case: Case, follow_up_id: UUID, answers: Answers, now: datetime
) -> tuple[CaseEvent, ...] | Refused:
    """The resident answers by the link themself."""
    if refused := refuse_link(case, follow_up_id, now):
        return refused
    assert case.follow_up is not None
    return _with_consequence(case, case.follow_up, Asked(REQUESTER, Channel.LINK, answers), now)


def answer_own(case: Case, answers: Answers, now: datetime) -> tuple[CaseEvent, ...] | Refused:
    """The resident answers on the tracking page, for as long as they are asked."""
    if case.follow_up is None or not case.follow_up.open:
        return Refused(RefusedBecause.FOLLOW_UP_CLOSED)
    return _with_consequence(case, case.follow_up, Asked(REQUESTER, Channel.WEB, answers), now)


def refuse_link(case: Case, follow_up_id: UUID, now: datetime) -> Refused | None:
    """A link works once, for its own round, until it expires."""
    follow_up = case.follow_up
    if follow_up is None or follow_up.id != follow_up_id or not follow_up.open:
        return Refused(RefusedBecause.LINK_USED)
    if follow_up.link_expires_at is None or now >= follow_up.link_expires_at:
        return Refused(RefusedBecause.LINK_EXPIRED)
    return None


def link_unanswered(case: Case, follow_up_id: UUID, now: datetime) -> tuple[CaseEvent, ...]:
    """The link ran out: one attempt, and never more than one."""
    follow_up = case.follow_up
    if follow_up is None or follow_up.id != follow_up_id or not follow_up.open:
        return ()
    if any(attempt.channel is Channel.LINK for attempt in follow_up.attempts):
        return ()
    return _with_consequence(case, follow_up, Asked(SYSTEM, Channel.LINK), now)


def verify(case: Case, actor: Actor, *, solved: bool, now: datetime) -> tuple[CaseEvent, ...] | Refused:
    """A verifier who did not handle it closes from the evidence, or sends it back, where nobody can be asked."""
    if case.state is not CaseState.HANDLED or case.follow_up is None:
        return Refused(RefusedBecause.CASE_NOT_HANDLED)
    if case.requester_can_be_asked:
        return Refused(RefusedBecause.SOMEBODY_TO_ASK)
    if actor.person_id is None or not may_ask(case, actor.person_id):
        return Refused(RefusedBecause.HELD_BY_YOU)
    asked = Asked(actor, Channel.DESK)
    if solved:
        return (_closed(case, ClosedBy.VERIFICATION, asked, now),)
    return (_reopened(case, case.follow_up.id, asked, now, ReopenReason.NOT_SOLVED),)


def contest(
    case: Case, parent: Case | None, asked: Asked, contest_id: UUID, now: datetime
) -> tuple[CaseEvent, ...] | Refused:
    """The resident contests how the case ended: an answer, a refusal, or an end they were not reached for. Once, and
    within `CONTEST_WITHIN` of the closing. A part of another case becomes one again, and the other is sent back
    (rules/merging.py); where that cannot go on, the part goes on by itself."""
    if case.contested_at is not None:
        return Refused(RefusedBecause.CONTESTED_BEFORE)
    if case.state is not CaseState.CLOSED or case.closed_at is None:
        return Refused(RefusedBecause.CASE_NOT_CLOSED)
    if not _may_be_contested(case) or case.erased_at is not None:
        return Refused(RefusedBecause.NOT_CONTESTABLE)
    if now >= case.closed_at + CONTEST_WITHIN:
        return Refused(RefusedBecause.CONTEST_TOO_LATE)
    if parent is not None and _can_go_on(parent):
        return (_part_again(case, parent, asked, now),)
    asked_about = case.follow_up.id if case.follow_up else contest_id
    return (_reopened(case, asked_about, asked, now, ReopenReason.CONTESTED),)


def _may_be_contested(case: Case) -> bool:
    """Not what the resident decided themself; what the desk wrote down for them, they may have meant otherwise."""
    return case.outcome is not Outcome.WITHDRAWN or case.withdrawn_by_staff


def _can_go_on(parent: Case) -> bool:
    """Not what its own requester took back, nor what nobody can read any more."""
    return parent.erased_at is None and (parent.open or parent.handled_at is not None)


def _part_again(case: Case, parent: Case, asked: Asked, now: datetime) -> CaseMerged:
    return CaseMerged(
        at=now,
        case_id=case.case_id,
        actor=asked.actor,
        channel=asked.channel,
        parent_id=parent.case_id,
        parent_number=parent.number,
    )


def _with_consequence(case: Case, follow_up: FollowUp, asked: Asked, now: datetime) -> tuple[CaseEvent, ...]:
    """The attempt; then the reopening, the closing, or nothing yet. A progress call closes nothing."""
    recorded = _recorded(case, follow_up, asked, now)
    if follow_up.kind is FollowUpKind.PROGRESS:
        return (recorded,)
    if asked.answers is None:
        if recorded.attempt < ATTEMPTS_MAX:
            return (recorded,)
        return (recorded, _closed(case, ClosedBy.THREE_ATTEMPTS, asked, now))
    if not asked.answers.content and case.state is CaseState.MERGED:
        return (recorded,)  # the parent is sent back instead (rules/merging.py)
    if not asked.answers.content:
        why = ReopenReason.DISSATISFIED if asked.answers.solved else ReopenReason.NOT_SOLVED
        return (recorded, _reopened(case, follow_up.id, asked, now, why))
    return (recorded, _closed(case, ClosedBy.FOLLOW_UP, asked, now))


def _recorded(case: Case, follow_up: FollowUp, asked: Asked, now: datetime) -> FollowUpRecorded:
    answers = asked.answers
    return FollowUpRecorded(
        at=now,
        case_id=case.case_id,
        actor=asked.actor,
        channel=asked.channel,
        follow_up_id=follow_up.id,
        round=follow_up.round,
        kind=follow_up.kind,
        attempt=len(follow_up.attempts) + 1,
        reached=answers is not None,
        contacted=answers.contacted if answers else None,
        solved=answers.solved if answers else None,
        satisfaction=answers.satisfaction if answers else None,
        coached=answers.coached if answers else False,
    )


def _closed(case: Case, closed_by: ClosedBy, asked: Asked, now: datetime) -> CaseClosed:
    """With the handler's outcome: the resident judges whether it is solved, not what it was. A part of another case
    ends as merged."""
    assert case.handled_outcome is not None
    return CaseClosed(
        at=now,
        case_id=case.case_id,
        actor=asked.actor,
        channel=asked.channel,
        outcome=Outcome.MERGED if case.state is CaseState.MERGED else case.handled_outcome,
        closed_by=closed_by,
        round=case.round,
        resolved_level=case.handled_level,
    )


def _reopened(
    case: Case, follow_up_id: UUID, asked: Asked, now: datetime, because: ReopenReason
) -> CaseReopened:
    return CaseReopened(
        at=now,
        case_id=case.case_id,
        actor=asked.actor,
        channel=asked.channel,
        follow_up_id=follow_up_id,
        round=case.round + 1,
        because=because,
    )
