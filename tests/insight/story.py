"""Stories of cases as their owners would publish them: numbered per source, each event knowing what it followed from.

`Story.order(choose)` gives any order Kafka could have delivered: per source and along causes, otherwise as it likes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from shared.event import CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    EvidenceAdded,
    OfferLapsed,
    PartEnded,
    ProgressNoted,
    WorkerArrived,
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
from shared.events.intake import (
    CaseClosed,
    CaseRegistered,
    CaseReopened,
    FollowUpOpened,
    FollowUpRecorded,
    Place,
    Rung,
)
from shared.events.notify import NoticeDelivered
from shared.going import ArrivalMethod
from shared.ids import uuid7
from shared.things import Limit, Policy
from shared.vocabulary import (
    Channel,
    ClockKind,
    ClosedBy,
    DeadlineKind,
    EscalationCause,
    Level,
    Must,
    NoteKind,
    NoticeKind,
    Outcome,
    PartRole,
    Post,
    Satisfaction,
    SetBecause,
    SupervisionKind,
    Urgency,
)

CALLED = datetime(2026, 3, 2, 2, 10, tzinfo=UTC)
POLICY = Policy(
    id="emergency",
    urgency=Urgency.EMERGENCY,
    levels=(),
    follow_up=Limit(clock=ClockKind.MINUTES, amount=24 * 60),
)
LADDER = (
    Rung(level=Level.GRID, unit_id="grid-a1"),
    Rung(level=Level.COMMUNITY, unit_id="community-a"),
    Rung(level=Level.STREET, unit_id="street"),
    Rung(level=Level.CIVIL_AFFAIRS, unit_id="civil-affairs"),
)
E = TypeVar("E", bound=CaseEvent)


@dataclass
class Told:
    """An event and the places in the story of what it followed from."""

    event: CaseEvent
    causes: set[int]


@dataclass
class Story:
    """Times are minutes after the call. Every method adds what one owner would publish, and returns it."""

    called: datetime = CALLED
    grid: str = "grid-a1"
    urgency: Urgency = Urgency.EMERGENCY
    number: str = "1000-0001"
    case_id: UUID = field(default_factory=uuid7)
    told: list[Told] = field(default_factory=list)
    round: int = 1
    level: Level = Level.GRID
    part_id: UUID = field(default_factory=uuid7)
    follow_up_id: UUID = field(default_factory=uuid7)
    _numbers: Counter[str] = field(default_factory=Counter)
    _last_of: dict[str, int] = field(default_factory=dict)

    @property
    def events(self) -> list[CaseEvent]:
        return [told.event for told in self.told]

    def add(self, shape: type[E], minute: float, /, *because: CaseEvent, **fields: Any) -> E:
        """Publish an event that followed from `because` and from what its owner published before."""
        self._numbers[shape.source] += 1
        event = shape(
            case_id=self.case_id,
            at=self.called + timedelta(minutes=minute),
            sequence=self._numbers[shape.source],
            **fields,
        )
        causes = {place for place, told in enumerate(self.told) if told.event in because}
        if self.told:  # nobody tells of a case before they heard that it was registered
            causes.add(self._last_of.get(shape.source, 0))
        self._last_of[shape.source] = len(self.told)
        self.told.append(Told(event, causes))
        return event

    def order(self, choose: Callable[[int], int]) -> list[CaseEvent]:
        """One of the orders the events could have come in; `choose(n)` picks one of n that could come next."""
        waiting, done, out = dict(enumerate(self.told)), set[int](), list[CaseEvent]()
        while waiting:
            ready = [place for place, told in waiting.items() if told.causes <= done]
            place = ready[choose(len(ready))]
            out.append(waiting.pop(place).event)
            done.add(place)
        return out

    # ── what people do ────────────────────────────────────────────────────────────────────────────────────────────

    def registered(self, **changes: Any) -> CaseRegistered:
        path = ("civil-affairs", "street", "community-a", self.grid)
        fields: dict[str, Any] = {
            "channel": Channel.HOTLINE,
            "number": self.number,
            "category_code": "manhole",
            "urgency": self.urgency,
            "headline": "井盖缺失",
            "place": Place(lon=112.6, lat=26.9, label="江北路 3 号"),
            "grid_id": self.grid,
            "unit_path": path,
            "ladder": (Rung(level=Level.GRID, unit_id=self.grid), *LADDER[1:]),
            "policy": POLICY,
            "requester_can_be_asked": True,
            "registry_revision": 1,
        }
        return self.add(CaseRegistered, 0, **(fields | changes))

    def clocks(
        self, minute: float, *causes: CaseEvent, because: SetBecause = SetBecause.LEVEL, **due: float
    ) -> DeadlinesSet:
        deadlines = tuple(
            Deadline(
                kind=DeadlineKind(kind),
                due_at=self.called + timedelta(minutes=at),
                amber_at=self.called + timedelta(minutes=minute + 0.8 * (at - minute)),
            )
            for kind, at in due.items()
        )
        return self.add(
            DeadlinesSet,
            minute,
            *causes,
            level=self.level,
            round=self.round,
            deadlines=deadlines,
            because=because,
        )

    def cleared(
        self, minute: float, *because: CaseEvent, **due: tuple[float, bool | None]
    ) -> DeadlinesCleared:
        cleared = tuple(
            ClearedDeadline(kind=DeadlineKind(kind), due_at=self.called + timedelta(minutes=at), met=met)
            for kind, (at, met) in due.items()
        )
        return self.add(
            DeadlinesCleared, minute, *because, level=self.level, round=self.round, cleared=cleared
        )

    def amber(self, minute: float, kind: str, due: float) -> DeadlineAmber:
        return self.add(DeadlineAmber, minute, **self._due(kind, due))

    def missed(self, minute: float, kind: str, due: float, late_ms: int = 12) -> DeadlineMissed:
        return self.add(DeadlineMissed, minute, late_ms=late_ms, **self._due(kind, due))

    def _due(self, kind: str, due: float) -> dict[str, Any]:
        return {
            "kind": DeadlineKind(kind),
            "level": self.level,
            "round": self.round,
            "due_at": self.called + timedelta(minutes=due),
        }

    def offered(self, minute: float, person: str, *because: CaseEvent, **changes: Any) -> CaseOffered:
        fields: dict[str, Any] = {
            **self.part(),
            "offer_id": uuid7(),
            "person_id": person,
            "unit_id": self.grid,
            "post": Post.A,
            "emergency": True,
            "goes": True,
            "expires_at": self.called + timedelta(minutes=minute + 1),
            "eta_seconds": 300,
            "chosen_because": "own_grid",
        }
        return self.add(CaseOffered, minute, *because, **(fields | changes))

    def part(self, **changes: Any) -> dict[str, Any]:
        fields = {
            "part_id": self.part_id,
            "part_role": PartRole.OWNER,
            "level": self.level,
            "round": self.round,
        }
        return fields | changes

    def lapsed(self, minute: float, offer: CaseOffered) -> OfferLapsed:
        return self.add(OfferLapsed, minute, **self._of(offer), offer_id=offer.offer_id)

    def accepted(self, minute: float, offer: CaseOffered) -> CaseAccepted:
        return self.add(
            CaseAccepted,
            minute,
            **self._of(offer),
            offer_id=offer.offer_id,
            unit_id=offer.unit_id,
            goes=offer.goes,
            told_at=offer.at,
        )

    def arrived(self, minute: float, accepted: CaseAccepted, **changes: Any) -> WorkerArrived:
        return self.add(
            WorkerArrived,
            minute,
            **self._of(accepted),
            method=ArrivalMethod.POSITION,
            told_at=accepted.told_at,
            distance_m=20,
            **changes,
        )

    def documented(self, minute: float, accepted: CaseAccepted) -> None:
        of = self._of(accepted)
        self.add(
            EvidenceAdded,
            minute,
            **of,
            evidence_id=uuid7(),
            media_type="image/jpeg",
            sha256="0" * 64,
            size_bytes=9,
        )
        self.add(ProgressNoted, minute, **of, note_id=uuid7(), note=NoteKind.ACCOUNT)
        self.add(ProgressNoted, minute, **of, note_id=uuid7(), note=NoteKind.MEASURE)

    def handled(
        self, minute: float, accepted: CaseAccepted, outcome: Outcome = Outcome.SOLVED, **changes: Any
    ) -> CaseHandled:
        musts = (Must.ARRIVE, Must.PHOTOGRAPH_AND_ACCOUNT, Must.MEASURE)
        fields: dict[str, Any] = {**self._of(accepted), "outcome": outcome, "musts_met": musts}
        return self.add(CaseHandled, minute, **(fields | changes))

    def ended(
        self, minute: float, accepted: CaseAccepted, *because: CaseEvent, why: str = "closed"
    ) -> PartEnded:
        return self.add(PartEnded, minute, *because, **self._of(accepted), because=why)

    @staticmethod
    def _of(event: CaseOffered | CaseAccepted) -> dict[str, Any]:
        return {
            name: getattr(event, name) for name in ("part_id", "part_role", "level", "round", "person_id")
        }

    def told_to(self, minute: float, person: str, kind: NoticeKind, *because: CaseEvent) -> NoticeDelivered:
        return self.add(
            NoticeDelivered, minute, *because, notice_id=uuid7(), kind=kind, person_id=person, via="feed"
        )

    def raised(
        self,
        minute: float,
        to: Level,
        *because: CaseEvent,
        cause: EscalationCause,
        counts_from: float | None = None,
    ) -> CaseEscalated:
        units = {rung.level: rung.unit_id for rung in LADDER} | {Level.GRID: self.grid}
        raised = self.add(
            CaseEscalated,
            minute,
            *because,
            cause=cause,
            from_level=self.level,
            from_unit_id=units[self.level],
            to_level=to,
            to_unit_id=units[to],
            counts_from=self.called + timedelta(minutes=minute if counts_from is None else counts_from),
            round=self.round,
        )
        self.level = to
        return raised

    def voided(
        self, minute: float, back_to: Level, *raises: CaseEscalated, because: CaseEvent
    ) -> EscalationVoided:
        self.level = back_to
        return self.add(
            EscalationVoided,
            minute,
            because,
            voids=tuple(raised.id for raised in raises),
            level=back_to,
            unit_id=self.grid,
            round=self.round,
        )

    def supervised(self, minute: float, *because: CaseEvent) -> SupervisionOrdered:
        return self.add(
            SupervisionOrdered,
            minute,
            *because,
            order_id=uuid7(),
            kind=SupervisionKind.ORDINARY,
            level=self.level,
            unit_id="community-a",
            supervising_unit_id="street",
            round=self.round,
        )

    def asked(self, minute: float, handled: CaseHandled) -> FollowUpOpened:
        self.follow_up_id = uuid7()
        return self.add(
            FollowUpOpened,
            minute,
            handled,
            follow_up_id=self.follow_up_id,
            round=self.round,
            link_can_be_sent=True,
        )

    def answered(self, minute: float, **changes: Any) -> FollowUpRecorded:
        fields: dict[str, Any] = {
            "channel": Channel.LINK,
            "follow_up_id": self.follow_up_id,
            "round": self.round,
            "attempt": 1,
            "reached": True,
            "contacted": True,
            "solved": True,
            "satisfaction": Satisfaction.SATISFIED,
        }
        return self.add(FollowUpRecorded, minute, **(fields | changes))

    def not_reached(self, minute: float, attempt: int) -> FollowUpRecorded:
        return self.answered(
            minute, attempt=attempt, reached=False, contacted=None, solved=None, satisfaction=None
        )

    def reopened(self, minute: float, **changes: Any) -> CaseReopened:
        self.round += 1
        fields: dict[str, Any] = {"follow_up_id": self.follow_up_id, "round": self.round}
        return self.add(CaseReopened, minute, **(fields | changes))

    def closed(
        self,
        minute: float,
        outcome: Outcome = Outcome.SOLVED,
        by: ClosedBy = ClosedBy.FOLLOW_UP,
        level: Level | None = Level.GRID,
    ) -> CaseClosed:
        return self.add(
            CaseClosed, minute, outcome=outcome, closed_by=by, round=self.round, resolved_level=level
        )
