"""A ladder, a calendar, and short words for what happens to a case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from services.escalation.rules.case import Case, CaseDeadline
from services.escalation.rules.clocks import By, Decision, Telling
from services.escalation.rules.ladder import ByHand, caught_up, decide, raise_by_hand, time_passed
from services.escalation.rules.limits import Station
from services.escalation.rules.working_time import WorkingTime
from services.registry.defaults.policies import APPOINTMENT, EMERGENCY, ROUTINE
from shared.event import Actor, CaseEvent
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandedDown,
    CaseHandled,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    PartEnded,
    PartHandled,
    ResidentContacted,
    WorkerArrived,
)
from shared.events.intake import (
    AppointmentAgreed,
    CaseAmended,
    CaseClosed,
    CaseMerged,
    CaseRegistered,
    CaseReopened,
    CaseUnmerged,
    CaseWithdrawn,
    FollowUpOpened,
    FollowUpRecorded,
    Place,
    Rung,
    Window,
)
from shared.going import ArrivalMethod, ReassignReason
from shared.ids import uuid7
from shared.things import Calendar, OpeningHours, Policy
from shared.vocabulary import (
    ActorKind,
    Channel,
    ClosedBy,
    DeadlineKind,
    EscalationReason,
    Level,
    Outcome,
    PartRole,
    ReturnBasis,
    Urgency,
)

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday, nine in the morning in China."""

LADDER = (
    Rung(level=Level.GRID, unit_id="grid-a1"),
    Rung(level=Level.COMMUNITY, unit_id="community-a"),
    Rung(level=Level.STREET, unit_id="street"),
    Rung(level=Level.CIVIL_AFFAIRS, unit_id="civil-affairs"),
)

CALENDAR = Calendar(
    id="cn",
    time_zone="Asia/Shanghai",
    holidays=(date(2026, 2, 16), *(date(2026, 2, day) for day in range(17, 24)), date(2026, 10, 1)),
    workdays=(date(2026, 2, 14), date(2026, 2, 28)),
    known_until=date(2026, 12, 31),
)
"""Spring Festival of 2026: off 16–23 February, worked on the Saturdays 14 and 28."""

OFFICE = tuple(
    OpeningHours(weekday=weekday, opens=opens, closes=closes)
    for weekday in range(1, 6)
    for opens, closes in ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))
)
WORKING = WorkingTime(OFFICE, CALENDAR)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def everybody_there(
    count: int = 4, empty: Sequence[int] = (), because: str = "nobody_rostered"
) -> tuple[Station, ...]:
    """Stations of a ladder; `empty` are the rungs with nobody."""
    return tuple(Station(WORKING, because if place in empty else None) for place in range(count))


POLICIES = {Urgency.EMERGENCY: EMERGENCY, Urgency.ROUTINE: ROUTINE, Urgency.APPOINTMENT: APPOINTMENT}
OFFICER = By(Actor(kind=ActorKind.STAFF, person_id="p-community-a-o1"), Channel.DESK)


class Story:
    """One case told event by event to the pure rules; keeps the state and everything that was announced."""

    def __init__(
        self,
        urgency: Urgency = Urgency.EMERGENCY,
        ladder: tuple[Rung, ...] = LADDER,
        policy: Policy | None = None,
        stations: tuple[Station, ...] | None = None,
        **more: Any,
    ) -> None:
        self.case_id = uuid7()
        self.ladder = ladder
        self.stations = stations or everybody_there(len(ladder))
        self.told: list[CaseEvent] = []
        self.journal: list[CaseEvent] = []
        self._case: Case | None = None
        self.part_id = uuid7()
        self.registered = registered(
            self.case_id,
            urgency=urgency,
            ladder=ladder,
            policy=policy or POLICIES[urgency],
            **more,
        )
        self.hear(self.registered)

    @property
    def case(self) -> Case:
        assert self._case is not None
        return self._case

    @property
    def level(self) -> Level:
        return self.case.level

    def hear(self, event: CaseEvent, late_by: float = 0) -> list[CaseEvent]:
        """What is announced on hearing `event`, `late_by` minutes after it happened."""
        self.journal.append(event)
        ladder = getattr(event, "ladder", self.ladder)
        later = self.stations if len(ladder) == len(self.stations) else everybody_there(len(ladder))
        now = event.at + timedelta(minutes=late_by)
        told = self._keep(decide(self._case, event, self.stations, now, later))
        self.stations, self.ladder = later, ladder
        return told

    def at(self, minutes: float) -> list[CaseEvent]:
        """What is announced when the clocks are looked at then."""
        return self._keep(time_passed(self.case, self.stations, after(minutes)))

    def by_hand(self, minutes: float, act: Callable[[Telling], object]) -> list[CaseEvent]:
        """What is announced when somebody does something then, once time has caught up."""
        telling = caught_up(self.case, self.stations, after(minutes))
        act(telling)
        return self._keep(telling.decision)

    def raised(self, minutes: float, to_level: Level | None = None) -> list[CaseEvent]:
        before, by_hand = self.case, ByHand(OFFICER, EscalationReason.BEYOND_OUR_POWERS, "d", to_level)
        return self.by_hand(minutes, lambda telling: raise_by_hand(telling, before, by_hand))

    def _keep(self, decision: Decision | None) -> list[CaseEvent]:
        if decision is None:
            return []
        self._case = decision.case
        self.told += decision.events
        self.journal += decision.events
        return list(decision.events)

    def open(self, kind: DeadlineKind) -> CaseDeadline | None:
        return next(iter(self.case.open(kind)), None)

    def due(self, kind: DeadlineKind) -> float | None:
        """Minutes from registration to the open deadline of this kind."""
        found = self.open(kind)
        return None if found is None else (found.due_at - START) / timedelta(minutes=1)

    def _part(self, minutes: float, **more: Any) -> dict[str, Any]:
        part = {
            "part_id": self.part_id,
            "part_role": PartRole.OWNER,
            "level": self.level,
            "round": self.case.round,
        }
        return {"case_id": self.case_id, "at": after(minutes), "person_id": "p-grid-a1-a"} | part | more

    def accepted(self, minutes: float, **more: Any) -> CaseAccepted:
        part = self._part(minutes, offer_id=uuid7(), unit_id="grid-a1", goes=True, told_at=after(minutes))
        return CaseAccepted(**part | more)

    def arrived(self, minutes: float, **more: Any) -> WorkerArrived:
        part = self._part(minutes, method=ArrivalMethod.POSITION, told_at=after(0))
        return WorkerArrived(**part | more)

    def contacted(self, minutes: float, **more: Any) -> ResidentContacted:
        return ResidentContacted(**self._part(minutes) | more)

    def handled(self, minutes: float, **more: Any) -> CaseHandled:
        return CaseHandled(**self._part(minutes, outcome=Outcome.SOLVED, musts_met=()) | more)

    def _plain(self, minutes: float, **more: Any) -> dict[str, Any]:
        return {"case_id": self.case_id, "at": after(minutes), "round": self.case.round} | more

    def answered(self, minutes: float, reached: bool = True, **more: Any) -> FollowUpRecorded:
        return FollowUpRecorded(
            **self._plain(minutes, follow_up_id=uuid7(), attempt=1, reached=reached) | more
        )

    def reopened(self, minutes: float, **more: Any) -> CaseReopened:
        return CaseReopened(
            **self._plain(minutes, follow_up_id=uuid7()) | {"round": self.case.round + 1} | more
        )

    def amended(self, minutes: float, **more: Any) -> CaseAmended:
        same = {
            name: getattr(self.registered, name)
            for name in (
                "category_code",
                "urgency",
                "headline",
                "place",
                "grid_id",
                "unit_path",
                "ladder",
                "policy",
            )
        }
        about = {
            "case_id": self.case_id,
            "at": after(minutes),
            "changed": ("category_code",),
            "registry_revision": 8,
        }
        return CaseAmended(**same | about | more)

    def merged(self, minutes: float) -> CaseMerged:
        return CaseMerged(case_id=self.case_id, at=after(minutes), parent_id=uuid7(), parent_number="1")

    def unmerged(self, minutes: float) -> CaseUnmerged:
        return CaseUnmerged(case_id=self.case_id, at=after(minutes), parent_id=uuid7())

    def withdrawn(self, minutes: float) -> CaseWithdrawn:
        return CaseWithdrawn(case_id=self.case_id, at=after(minutes))

    def agreed(self, minutes: float, starts: float, ends: float) -> AppointmentAgreed:
        window = Window(starts_at=after(starts), ends_at=after(ends))
        return AppointmentAgreed(case_id=self.case_id, at=after(minutes), appointment=window)

    def asked_after(self, minutes: float) -> FollowUpOpened:
        return FollowUpOpened(**self._plain(minutes, follow_up_id=uuid7(), link_can_be_sent=True))

    def returned(self, minutes: float, **more: Any) -> CaseReturned:
        about = {"basis": ReturnBasis.DUTY_LIST, "rightful_unit_id": "market-regulation", "digest": "d"}
        return CaseReturned(**self._part(minutes, return_id=uuid7()) | about | more)

    def reassigned(self, minutes: float, to: str | None) -> CaseReassigned:
        about = self._part(minutes, to_person_id=to, from_person_id="p-grid-a1-a")
        return CaseReassigned(**about, reason=ReassignReason.SHIFT_ENDED)

    def handed_down(self, minutes: float) -> CaseHandedDown:
        return CaseHandedDown(**self._part(minutes, to_unit_id="grid-a2", note_id=uuid7(), digest="d"))

    def asked_to_help(self, minutes: float, due: float | None, **more: Any) -> CoHandlerAsked:
        about = {
            "part_id": uuid7(),
            "part_role": PartRole.CO_HANDLER,
            "asked_by": "p-1",
            "unit_id": "water-works",
        }
        about |= {"note_id": uuid7(), "digest": "d", "due_at": None if due is None else after(due)}
        return CoHandlerAsked(**self._part(minutes, **about) | more)

    def part_handled(self, minutes: float, part_id: UUID) -> PartHandled:
        return PartHandled(**self._part(minutes, part_id=part_id, part_role=PartRole.CO_HANDLER))

    def part_ended(self, minutes: float, part_id: UUID) -> PartEnded:
        return PartEnded(**self._part(minutes, part_id=part_id, because="reopened"))

    def closed(self, minutes: float, **more: Any) -> CaseClosed:
        return CaseClosed(**self._plain(minutes, outcome=Outcome.SOLVED, closed_by=ClosedBy.FOLLOW_UP) | more)


def registered(case_id: UUID, **more: Any) -> CaseRegistered:
    given: dict[str, Any] = {
        "at": START,
        "case_id": case_id,
        "channel": Channel.HOTLINE,
        "number": "481-2093-5574",
        "category_code": "manhole-cover",
        "urgency": Urgency.EMERGENCY,
        "headline": "井盖缺失",
        "place": Place(label="春和路 12 号"),
        "grid_id": "grid-a1",
        "unit_path": ("civil-affairs", "street", "community-a", "grid-a1"),
        "ladder": LADDER,
        "policy": EMERGENCY,
        "requester_can_be_asked": True,
        "registry_revision": 7,
    }
    return CaseRegistered(**given | more)
