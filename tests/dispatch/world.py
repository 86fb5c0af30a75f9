"""The demo's street for dispatch's tests, a clock that is moved by hand, and short words for what happens to a case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from services.dispatch.commands import AcceptOffer, Arrive, DeclineOffer, HandlePart, Position, WriteNote
from services.dispatch.handlers import offers, work
from services.dispatch.handlers.search import Matching
from services.dispatch.handlers.task_duty import TaskDuty
from services.dispatch.queries.cases import load
from services.dispatch.queries.search import waiting
from services.dispatch.rules.arrival_proof import code_of
from services.dispatch.rules.facts import Case, Offer, OfferState, State
from services.dispatch.rules.story import fold
from services.dispatch.rules.work import Doer, ReceivedFile, add_evidence
from services.dispatch.subscriptions import SUBSCRIPTIONS
from services.dispatch.timers import timers_of
from services.registry import defaults
from services.registry.demo.people import people
from services.registry.demo.units import units
from shared.database import Database
from shared.directory import Directory
from shared.event import Actor, CaseEvent, Event
from shared.events.dispatch import CaseOffered
from shared.events.escalation import CaseEscalated, EscalationVoided, ReturnRuled
from shared.events.intake import (
    CaseAmended,
    CaseClosed,
    CaseMerged,
    CaseRegistered,
    CaseReopened,
    CaseUnmerged,
    Place,
)
from shared.going import ArrivalMethod, DeclineReason, LateCause
from shared.ids import uuid7
from shared.journal import story, verify
from shared.keys import Secret
from shared.sealing import Sealer
from shared.things import Category, Person, Policy, Shift, Unit
from shared.timers import TimerLoop
from shared.vocabulary import (
    ActorKind,
    ClosedBy,
    EscalationCause,
    Level,
    NoteKind,
    Outcome,
    ReopenReason,
    Ruling,
)

START = datetime(2026, 3, 1, 18, 10, tzinfo=UTC)
"""Ten past two at night in China: a manhole cover is gone."""

SEALER = Sealer([Secret(id="test", value=b"k" * 32)])
A, B, LEADER = "p-grid-a1-a", "p-grid-a1-b", "p-grid-a1-l"
LADDER = (Level.GRID, Level.COMMUNITY, Level.STREET, Level.CIVIL_AFFAIRS)
UNIT_AT = {
    Level.GRID: "grid-a1",
    Level.COMMUNITY: "community-a",
    Level.STREET: "street",
    Level.CIVIL_AFFAIRS: "civil-affairs",
}


@cache
def ground() -> tuple[Sequence[Unit], Sequence[Person], Sequence[Any]]:
    """Drawn once: lives by the thousand ask for it."""
    places = units(1)
    return places, people(places, 1), defaults.things()


@cache
def nobody_on_duty() -> Directory:
    return directory(only=())


def directory(*, off_duty: Iterable[str] = (), only: Iterable[str] | None = None) -> Directory:
    """The demo's units and people, all of them on duty but for those named."""
    places, everybody, things = ground()
    there = {person.id for person in everybody} if only is None else set(only)
    shifts = [
        Shift(
            id=f"s-{person.id}",
            person_id=person.id,
            unit_id=person.posts[0].unit_id if person.posts else "street",
            starts_at=START - timedelta(days=30),
            ends_at=START + timedelta(days=60),
        )
        for person in everybody
        if person.id in there - set(off_duty)
    ]
    return Directory.of(
        units=places,
        people=everybody,
        shifts=shifts,
        categories=[thing for thing in things if isinstance(thing, Category)],
        policies=[thing for thing in things if isinstance(thing, Policy)],
        revision=7,
    )


def a_registration(
    grid: str | None = "grid-a1", category: str = "manhole-cover", **more: Any
) -> CaseRegistered:
    world = nobody_on_duty()
    lowest = grid or "community-a"
    centre = world.units[lowest].centre
    assert centre is not None
    known = world.categories[category]
    given: dict[str, Any] = {
        "at": START,
        "case_id": uuid7(),
        "number": "481-2093-5574",
        "category_code": category,
        "urgency": known.urgency,
        "headline": "井盖缺失",
        "place": Place(lon=centre.lon, lat=centre.lat, label="西门口") if grid else Place(label="不知道在哪"),
        "grid_id": grid,
        "unit_path": tuple(unit.id for unit in world.path(lowest)),
        "ladder": world.ladder(lowest),
        "policy": world.policies[known.policy_id],
        "requester_can_be_asked": True,
        "registry_revision": 7,
    }
    return CaseRegistered(**given | more)


def a_raise(
    case_id: UUID,
    to: Level = Level.COMMUNITY,
    cause: EscalationCause = EscalationCause.ACKNOWLEDGE_MISSED,
    at: datetime = START,
    round: int = 1,
    from_level: Level | None = None,
) -> CaseEscalated:
    below = from_level or LADDER[LADDER.index(to) - 1]
    return CaseEscalated(
        at=at,
        case_id=case_id,
        cause=cause,
        from_level=below,
        from_unit_id=UNIT_AT[below],
        to_level=to,
        to_unit_id=UNIT_AT[to],
        counts_from=at,
        round=round,
    )


def a_void(raised: CaseEscalated, to: Level) -> EscalationVoided:
    """Escalation takes the raise back: it crossed something in flight."""
    return EscalationVoided(
        at=raised.at,
        case_id=raised.case_id,
        voids=(raised.id,),
        level=to,
        unit_id=UNIT_AT[to],
        round=raised.round,
    )


def a_reopening(
    case_id: UUID, round: int = 2, at: datetime = START, because: ReopenReason = ReopenReason.NOT_SOLVED
) -> CaseReopened:
    return CaseReopened(at=at, case_id=case_id, follow_up_id=uuid7(), round=round, because=because)


def a_closing(case_id: UUID, round: int = 1, at: datetime = START) -> CaseClosed:
    return CaseClosed(
        at=at, case_id=case_id, outcome=Outcome.SOLVED, closed_by=ClosedBy.FOLLOW_UP, round=round
    )


def a_ruling(
    case_id: UUID, return_id: UUID, part_id: UUID, ruling: Ruling, to: str, at: datetime = START
) -> ReturnRuled:
    return ReturnRuled(
        at=at,
        case_id=case_id,
        return_id=return_id,
        part_id=part_id,
        ruling=ruling,
        to_unit_id=to if ruling is Ruling.REDISPATCH else None,
        level=Level.GRID,
        round=1,
    )


def a_merge(case_id: UUID, at: datetime = START) -> CaseMerged:
    return CaseMerged(at=at, case_id=case_id, parent_id=uuid7(), parent_number="481-2093-0001")


def an_unmerge(case_id: UUID, at: datetime = START) -> CaseUnmerged:
    return CaseUnmerged(at=at, case_id=case_id, parent_id=uuid7())


def an_amendment(
    case: Case, grid: str | None, category: str, at: datetime = START, **more: Any
) -> CaseAmended:
    """The same case, in another grid or of another category."""
    new = a_registration(grid, category)
    fields_of = ("category_code", "urgency", "headline", "place", "grid_id", "unit_path", "ladder", "policy")
    given: dict[str, Any] = {name: getattr(new, name) for name in fields_of}
    changed = tuple(name for name in fields_of if getattr(case, name) != given[name])
    return CaseAmended(
        **{"at": at, "case_id": case.id, "changed": changed, "registry_revision": 7} | given | more
    )


def doer(person_id: str) -> Doer:
    return Doer(Actor(kind=ActorKind.STAFF, person_id=person_id))


Asked = TypeVar("Asked", bound=Event)


class Scene:
    """Dispatch on a real database: events are heard as the inbox hears them, time stands still until it is moved."""

    def __init__(self, database: Database, sealer: Sealer = SEALER) -> None:
        self.database, self.sealer = database, sealer
        self.matching = Matching(sealer)
        self.duty = TaskDuty()
        self.timers = TimerLoop(database, timers_of(self.matching, self.duty), lambda _: None)
        self.now = START

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        await self._set(START)

    async def _set(self, moment: datetime) -> None:
        self.now = moment
        async with self.database.transaction() as tx:
            await tx.rows(
                "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :moment, 0)",
                moment=moment,
            )

    async def settle(self) -> None:
        """Everything that can happen now, happens."""
        while True:
            fired = await self.timers.fire()
            for task_id in self.duty.due():
                await self.duty.split(self.database, task_id)
            looked = await self.matching.turn(self.database)
            async with self.database.transaction() as tx:
                hopeful = await self.matching.hopeful(tx, await waiting(tx))
            if not fired and not hopeful and not looked.offered and not looked.crossed:
                return

    async def until(self, seconds: float) -> None:
        """Fast-forward to so many seconds after the registration; what is due on the way fires at its own time."""
        goal = START + timedelta(seconds=seconds)
        await self.settle()
        while (due := await self._next_due()) is not None and due <= goal:
            await self._set(max(due, self.now))
            await self.settle()
        await self._set(goal)
        await self.settle()

    async def _next_due(self) -> datetime | None:
        async with self.database.transaction() as tx:
            due: datetime | None = (await tx.rows("SELECT min(due_at) AS due_at FROM timers"))[0]["due_at"]
        return min((at for at in (due, self.matching.next_at) if at is not None), default=None)

    # ── what others tell ──────────────────────────────────────────────────────────────────────────────────────────

    async def hear(self, *events: CaseEvent) -> None:
        for event in events:
            async with self.database.transaction() as tx:
                now = await tx.lock(event.case_id)
                tx.note(event)
                await SUBSCRIPTIONS[type(event)](tx, event, now)

    async def registered(
        self, grid: str | None = "grid-a1", category: str = "manhole-cover", **more: Any
    ) -> UUID:
        event = a_registration(grid, category, **{"at": self.now} | more)
        await self.hear(event)
        await self.settle()
        return event.case_id

    async def raised(
        self, case_id: UUID, to: Level = Level.COMMUNITY, cause: EscalationCause | None = None, round: int = 1
    ) -> None:
        cause = cause or EscalationCause.ACKNOWLEDGE_MISSED
        await self.hear(a_raise(case_id, to, cause, self.now, round))
        await self.settle()

    # ── what people do ────────────────────────────────────────────────────────────────────────────────────────────

    async def accept(
        self, offer: Offer, person_id: str | None = None, position: Position | None = None
    ) -> None:
        async with self.database.transaction() as tx:
            command = AcceptOffer(position=position)
            await offers.accept_offer(tx, offer.id, command, doer(person_id or offer.person_id), self.sealer)
        await self.settle()

    async def decline(self, offer: Offer, reason: DeclineReason = DeclineReason.BUSY) -> None:
        async with self.database.transaction() as tx:
            await offers.decline_offer(tx, offer.id, DeclineOffer(reason=reason), doer(offer.person_id))
        await self.settle()

    async def arrive(self, part_id: UUID, person_id: str, **more: Any) -> None:
        command = Arrive(**({"method": ArrivalMethod.SELF_DECLARED, "reason": "没有信号"} | more))
        async with self.database.transaction() as tx:
            await work.arrive(tx, part_id, command, doer(person_id), self.sealer)

    def code(self, unit_id: str = "grid-a1") -> str:
        """The arrival code that hangs there."""
        return code_of(unit_id, self.sealer)

    async def photograph(self, part_id: UUID, person_id: str) -> None:
        """A photo, without its file: the files have tests of their own."""
        from services.dispatch.handlers.records import agreed, case_of, known_case, record

        async with self.database.transaction() as tx:
            case_id = await case_of(tx, part_id=part_id)
            now = await tx.lock(case_id)
            state = await known_case(tx, case_id)
            file = ReceivedFile(uuid7(), "image/jpeg", "0" * 64, 1000, None, 12)
            decision = add_evidence(state, state.part(part_id), doer(person_id), now, file)
            await record(tx, state, agreed(decision))

    async def note(self, part_id: UUID, person_id: str, note: NoteKind, text: str = "已处理") -> None:
        async with self.database.transaction() as tx:
            await work.write_note(tx, part_id, WriteNote(note=note, text=text), doer(person_id), self.sealer)

    async def do_the_musts(self, part_id: UUID, person_id: str) -> None:
        await self.photograph(part_id, person_id)
        await self.note(part_id, person_id, NoteKind.ACCOUNT)
        await self.note(part_id, person_id, NoteKind.MEASURE)

    async def handle(self, part_id: UUID, person_id: str, late_cause: LateCause | None = None) -> None:
        command = HandlePart(outcome=Outcome.SOLVED, late_cause=late_cause)
        async with self.database.transaction() as tx:
            await work.handle_part(tx, part_id, command, doer(person_id), self.sealer)
        await self.settle()

    # ── what is seen ──────────────────────────────────────────────────────────────────────────────────────────────

    async def state(self, case_id: UUID) -> State:
        async with self.database.transaction() as tx:
            state = await load(tx, case_id)
        assert state is not None
        return state

    async def offer(self, case_id: UUID, part_id: UUID | None = None) -> Offer:
        """The one open offer (of the part)."""
        state = await self.state(case_id)
        [found] = [
            offer
            for offer in state.offers
            if offer.state is OfferState.OFFERED and part_id in (None, offer.part_id)
        ]
        return found

    async def events(self, case_id: UUID, kind: type[Asked]) -> list[Asked]:
        async with self.database.transaction() as tx:
            return [event for event in await story(tx, case_id) if isinstance(event, kind)]

    async def offered_to(self, case_id: UUID) -> list[tuple[str, float]]:
        """Who was asked, and how many seconds after the registration."""
        told = await self.events(case_id, CaseOffered)
        return [(event.person_id, (event.at - START).total_seconds()) for event in told]

    async def check_books(self, case_id: UUID) -> None:
        """The chain of hashes holds, and folding the story gives the rows again."""
        async with self.database.transaction() as tx:
            await verify(tx, case_id)
            folded = fold(await story(tx, case_id))
        assert folded is not None
        stored = await self.state(case_id)
        assert _comparable(folded) == _comparable(stored)


def _comparable(state: State) -> dict[str, Any]:
    """Order within a kind is the reader's; candidates are stored with the offer but not loaded to decide."""
    by_id: Callable[[Any], str] = lambda thing: str(getattr(thing, "id", (getattr(thing, "part_id", ""))))  # noqa: E731
    found: dict[str, Any] = {"case": state.case}
    for field in fields(state):
        if field.name != "case":
            things = sorted(getattr(state, field.name), key=by_id)
            found[field.name] = [
                {one.name: getattr(thing, one.name) for one in fields(thing) if one.name != "candidates"}
                for thing in things
            ]
    return found
