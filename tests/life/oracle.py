"""When each deadline has to be, worked out from the story alone and by no rule of escalation but the counting of
working time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.escalation.rules.working_time import count
from shared.event import CaseEvent
from shared.events.dispatch import CaseHandled, CaseReturned, CoHandlerAsked
from shared.events.escalation import (
    CaseEscalated,
    CaseParked,
    CaseUnparked,
    Deadline,
    DeadlineExtended,
    DeadlineMissed,
    DeadlinesCleared,
    DeadlinesSet,
    EscalationVoided,
    ReturnRuled,
    SupervisionOrdered,
)
from shared.events.intake import CaseAmended, CaseMerged, CaseRegistered, CaseReopened, CaseUnmerged
from shared.things import Policy
from shared.vocabulary import DeadlineKind, Level, PartRole, Ruling, SetBecause, UnparkReason
from tests.escalation.story import WORKING


@dataclass
class Oracle:
    """Reads the story event by event; `dues` says when a clock that is set now has to end."""

    policy: Policy
    registered_at: datetime
    policy_before: Policy | None = None
    """What was due before an amendment is said after it was heard, by the policy it was due under."""
    entered: dict[tuple[Level, int], datetime] = field(default_factory=dict)
    begun: dict[UUID, datetime] = field(default_factory=dict)
    """When each return, order and raise was made; when each review and task is due."""
    of_the_owner: set[UUID] = field(default_factory=set)
    """The returns that were made by whoever held the owner's part."""
    raised: list[CaseEscalated] = field(default_factory=list)
    handled_at: datetime | None = None
    merged: bool = False
    round: int = 1
    taken_from: dict[tuple[Level, int], datetime] = field(default_factory=dict)
    """When the owner's part of a level was ruled to be another unit's: it has its own time to take it."""
    at_least: datetime | None = None
    handle_due_at: datetime | None = None
    left: timedelta | None = None

    @classmethod
    def of(cls, event: CaseRegistered) -> Oracle:
        return cls(event.policy, event.at)

    def read(self, event: CaseEvent) -> None:
        if event.source != "escalation":
            self.policy_before = None
        match event:
            case CaseAmended():
                self.policy_before = self.policy
                self.at_least = self.at_least if event.policy.urgency is self.policy.urgency else None
                self.policy = event.policy
            case CaseEscalated():
                self.raised.append(event)
                self.begun[event.id] = event.at
                self.entered[event.to_level, event.round] = event.counts_from
                self.at_least = None
            case EscalationVoided():
                for one in self.raised:
                    if one.id in event.voids:
                        self.entered.pop((one.to_level, one.round), None)
            case CaseMerged():
                self.handled_at = None
                self.merged = True
            case CaseUnmerged():
                self.merged = False
            case CaseReopened():
                self.round, self.handled_at, self.merged = event.round, None, False
            case CaseHandled() if event.round == self.round and not self.merged:
                self.handled_at = self.handled_at or event.at  # said again, it is no later
            case CaseReturned():
                self.begun[event.return_id] = event.at
                self.of_the_owner |= {event.return_id} if event.part_role is PartRole.OWNER else set()
            case ReturnRuled(ruling=Ruling.REDISPATCH) if event.return_id in self.of_the_owner:
                self.taken_from[event.level, event.round] = event.at
            case SupervisionOrdered():
                self.begun[event.order_id] = event.at
            case CoHandlerAsked() if event.due_at is not None:
                self.begun[event.part_id] = event.due_at
            case CaseParked():
                self.begun[event.park_id] = event.review_at
                self.left = self.handle_due_at - event.at if self.handle_due_at else None
            case CaseUnparked(because=UnparkReason.RESUMED | UnparkReason.REVIEWED):
                self.at_least = event.at + self.left if self.left is not None else self.at_least
            case DeadlineExtended():
                self.at_least = self.handle_due_at = event.due_at
            case DeadlineMissed(kind=DeadlineKind.HANDLE):
                self.handle_due_at = None  # nothing is left of it that a parking could keep
            case DeadlinesCleared():
                if any(one.kind is DeadlineKind.HANDLE for one in event.cleared):
                    self.handle_due_at = None
            case DeadlinesSet():
                found = [one.due_at for one in event.deadlines if one.kind is DeadlineKind.HANDLE]
                self.handle_due_at = found[0] if found else self.handle_due_at

    def dues(self, one: Deadline, event: DeadlinesSet) -> set[datetime]:
        """One time; two where what was due before an amendment is told with it."""
        early = self.policy_before if event.because is SetBecause.LEVEL else None
        return {self._due(one, event, policy) for policy in (self.policy, early) if policy is not None}

    def _due(self, one: Deadline, event: DeadlinesSet, policy: Policy) -> datetime:
        if one.kind in (DeadlineKind.REVIEW, DeadlineKind.CO_HANDLE):
            assert one.about is not None
            return self.begun[one.about]
        if event.because is SetBecause.UNPARKED:
            assert self.at_least is not None
            return self.at_least
        limits = policy.limits(event.level)
        limit = getattr(limits, one.kind.value, None) or getattr(policy, one.kind.value, None)
        if limit is None:
            return self.registered_at  # no clock without a limit
        due_at = count(limit, self._start(one, event), WORKING).due_at
        if one.kind is DeadlineKind.HANDLE and self.at_least is not None:
            return max(due_at, self.at_least)
        return due_at

    def _start(self, one: Deadline, event: DeadlinesSet) -> datetime:
        if one.about is not None:
            return self.begun[one.about]
        if one.kind is DeadlineKind.FOLLOW_UP:
            assert self.handled_at is not None
            return self.handled_at
        if one.kind in (DeadlineKind.ARRIVE, DeadlineKind.CONTACT):
            return self.registered_at
        entered = self.entered.get((event.level, event.round), self.registered_at)
        if one.kind is DeadlineKind.ACKNOWLEDGE:
            return max(entered, self.taken_from.get((event.level, event.round), entered))
        return entered
