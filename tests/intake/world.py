"""The demo's world for intake's tests, and short words for what happens to a case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from services.intake.subscriptions import SUBSCRIPTIONS
from services.intake.timers import TIMERS
from services.registry import defaults
from services.registry.demo.units import units
from shared.database import Database
from shared.directory import Directory
from shared.event import CaseEvent, Event
from shared.events.dispatch import CaseAccepted, CaseHandled, CaseOffered, ProgressNoted, WorkerArrived
from shared.events.escalation import CaseEscalated, EscalationVoided
from shared.events.intake import CaseRegistered, Place
from shared.going import ArrivalMethod
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.journal import story, verify
from shared.things import Calendar, Category, Grant, Policy
from shared.timers import TimerLoop
from shared.vocabulary import Channel, EscalationCause, Level, NoteKind, Outcome, PartRole, Post, Role
from tests.people import an_issuer

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday, nine in the morning in China."""

WORKER, OFFICER, CALLER = "p-grid-a1-a", "p-community-a-o1", "p-caller-1"
UNITS = {unit.id: unit for unit in units(1)}
HOURS = timedelta(hours=1)


def the_directory() -> Directory:
    things = defaults.things()
    return Directory.of(
        units=UNITS.values(),
        categories=[thing for thing in things if isinstance(thing, Category)],
        policies=[thing for thing in things if isinstance(thing, Policy)],
        calendars=[thing for thing in things if isinstance(thing, Calendar)],
        revision=7,
    )


def inside(unit_id: str) -> dict[str, float]:
    """A point within the unit."""
    centre = UNITS[unit_id].centre
    assert centre is not None
    return {"lon": centre.lon, "lat": centre.lat}


def signed_in(person_id: str, role: Role, unit_id: str) -> SignedIn:
    return SignedIn(person_id, grants=(Grant(role=role, unit_id=unit_id),))


def headers(person_id: str, role: Role, unit_id: str) -> dict[str, str]:
    return an_issuer().headers(person_id, (role, unit_id))


OPERATOR = ("p-operator-1", Role.OPERATOR, "civil-affairs")
FOLLOW_UP_CALLER = (CALLER, Role.FOLLOW_UP_CALLER, "civil-affairs")
SUPERVISOR = ("p-community-a-s1", Role.SUPERVISOR, "community-a")


def a_call(**more: Any) -> dict[str, Any]:
    """What an operator sends for a missing manhole cover in the first grid."""
    return {
        "channel": "hotline",
        "category_code": "manhole-cover",
        "description": "门口的井盖不见了，我叫王小明",
        "place": {**inside("grid-a1"), "label": "春和路 12 号"},
        "requester": {"name": "王小明", "phone": "138 1234-5678"},
    } | more


def a_registration(case_id: UUID | None = None, **more: Any) -> CaseRegistered:
    directory = the_directory()
    given: dict[str, Any] = {
        "at": START,
        "case_id": case_id or uuid7(),
        "channel": Channel.HOTLINE,
        "number": "481-2093-5574",
        "category_code": "manhole-cover",
        "urgency": directory.categories["manhole-cover"].urgency,
        "headline": "井盖缺失",
        "place": Place(label="春和路 12 号"),
        "grid_id": "grid-a1",
        "unit_path": ("civil-affairs", "street", "community-a", "grid-a1"),
        "ladder": directory.ladder("grid-a1"),
        "policy": directory.policies[directory.categories["manhole-cover"].policy_id],
        "requester_can_be_asked": True,
        "registry_revision": 7,
    }
    return CaseRegistered(**given | more)


class Others:
    """What dispatch and escalation tell of one case."""

    def __init__(self, case_id: UUID, at: datetime = START, round: int = 1) -> None:
        self.case_id, self.at, self.round = case_id, at, round
        self._part: dict[str, Any] = {"part_id": uuid7(), "part_role": PartRole.OWNER, "level": Level.GRID}

    def _given(self, more: dict[str, Any]) -> dict[str, Any]:
        return {"at": self.at, "case_id": self.case_id, "round": self.round} | self._part | more

    def offered(self, person_id: str = WORKER, **more: Any) -> CaseOffered:
        return CaseOffered(
            **self._given(more),
            offer_id=uuid7(),
            person_id=person_id,
            unit_id="grid-a1",
            post=Post.A,
            emergency=True,
            goes=True,
            expires_at=self.at + timedelta(seconds=60),
            chosen_because="own_grid_a",
        )

    def accepted(self, person_id: str = WORKER, **more: Any) -> CaseAccepted:
        return CaseAccepted(
            **self._given(more),
            offer_id=uuid7(),
            person_id=person_id,
            unit_id="grid-a1",
            goes=True,
            told_at=self.at,
        )

    def arrived(self, person_id: str = WORKER, **more: Any) -> WorkerArrived:
        return WorkerArrived(
            **self._given(more), person_id=person_id, method=ArrivalMethod.POSITION, told_at=self.at
        )

    def noted(self, person_id: str = WORKER, **more: Any) -> ProgressNoted:
        return ProgressNoted(**self._given(more), note_id=uuid7(), person_id=person_id, note=NoteKind.MEASURE)

    def handled(self, person_id: str = WORKER, outcome: Outcome = Outcome.SOLVED, **more: Any) -> CaseHandled:
        return CaseHandled(**self._given(more), person_id=person_id, outcome=outcome, musts_met=())

    def raised(self, to_level: Level = Level.COMMUNITY) -> CaseEscalated:
        return CaseEscalated(
            at=self.at,
            case_id=self.case_id,
            round=self.round,
            cause=EscalationCause.ACKNOWLEDGE_MISSED,
            from_level=Level.GRID,
            from_unit_id="grid-a1",
            to_level=to_level,
            to_unit_id="community-a",
            counts_from=self.at,
        )

    def voided(self) -> EscalationVoided:
        return EscalationVoided(
            at=self.at,
            case_id=self.case_id,
            round=self.round,
            voids=(uuid7(),),
            level=Level.GRID,
            unit_id="grid-a1",
        )

    def work(self, person_id: str = WORKER, outcome: Outcome = Outcome.SOLVED) -> list[CaseEvent]:
        """All of it, from the offer to `handled`."""
        return [
            self.offered(person_id),
            self.accepted(person_id),
            self.arrived(person_id),
            self.noted(person_id),
            self.handled(person_id, outcome),
        ]


async def search(
    client: httpx.AsyncClient, searcher: tuple[str, Role, str] = OPERATOR, /, **asked: Any
) -> httpx.Response:
    """What is asked for, by a POST; a single state, category or urgency need not be a list."""
    several = {
        name: [asked[name]] for name in ("state", "category", "urgency") if isinstance(asked.get(name), str)
    }
    return await client.post("/cases/search", json=asked | several, headers=headers(*searcher))


async def hear(database: Database, *events: CaseEvent) -> None:
    """What the inbox does with events, each in a transaction of its own."""
    for event in events:
        async with database.transaction() as tx:
            now = await tx.lock(event.case_id)
            tx.note(event)
            await SUBSCRIPTIONS[type(event)](tx, event, now)


async def set_clock(database: Database, now: datetime) -> None:
    """Business time stands still at `now`."""
    async with database.transaction() as tx:
        await tx.rows(
            "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :now, 0)",
            now=now,
        )


async def fire_timers(database: Database) -> int:
    return await TimerLoop(database, TIMERS, observe=lambda due: None).fire()


async def journal_of(database: Database, case_id: UUID) -> list[Event]:
    async with database.transaction() as tx:
        await verify(tx, case_id)
        return await story(tx, case_id)


async def count(database: Database, what: str) -> int:
    async with database.transaction() as tx:
        return int((await tx.rows(f"SELECT count(*) AS n FROM {what}"))[0]["n"])
