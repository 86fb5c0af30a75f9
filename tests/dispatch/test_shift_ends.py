"""下班交接 by itself: what somebody holds when their shift ends is offered to the next who is there, once, and never
to nobody."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.handlers import shift_ends as handlers
from services.dispatch.handlers.search import Matching
from services.dispatch.handlers.sending import Turn
from services.dispatch.handlers.shift_ends import ShiftEnds
from services.dispatch.queries import search as queries
from services.dispatch.rules import heard, shift_ends
from services.dispatch.rules.facts import CaseState, Offer, OfferState, PartState, State
from services.dispatch.rules.offers import about
from services.dispatch.rules.story import follow
from shared.database import Database
from shared.directory import Directory
from shared.events.dispatch import CaseAccepted, CaseOffered, CaseReassigned, WorkerArrived
from shared.going import ArrivalMethod, ReassignReason
from shared.health import Beat
from shared.ids import uuid7
from shared.problems import Problem
from shared.service import Service
from shared.simulation import Pending
from shared.things import Shift
from shared.vocabulary import Level, PartRole, Post, ShiftKind
from tests.dispatch.world import LEADER, SEALER, START, A, B, Scene, a_registration

ROUTINE, EMERGENCY = "road-damage", "manhole-cover"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
GRACE = 30 * MINUTE
NOW = START + 10 * HOUR
OFFICERS = tuple(f"p-community-a-o{number}" for number in (1, 2, 3))


# ── whose shift is over ───────────────────────────────────────────────────────────────────────────────────────────


def a_shift(
    starts: float, ends: float, retired: float | None = None, kind: ShiftKind = ShiftKind.ON_DUTY
) -> Shift:
    """In hours after START; it is ten hours after START now."""
    return Shift(
        id=f"s-{starts}",
        person_id=A,
        unit_id="grid-a1",
        starts_at=START + starts * HOUR,
        ends_at=START + ends * HOUR,
        retired_at=None if retired is None else START + retired * HOUR,
        kind=kind,
    )


ON_CALL = ShiftKind.ON_CALL
EVENING = a_shift(2, 9)


@pytest.mark.parametrize(
    ("what", "shifts", "ended"),
    [
        ("nobody without a roster goes home", [], None),
        ("somebody at work", [a_shift(2, 11)], None),
        ("it ends in this moment", [a_shift(2, 10)], 10),
        ("it ended an hour ago", [EVENING], 9),
        ("the next one is far", [EVENING, a_shift(10.6, 18)], 9),
        ("the next one begins within the grace", [EVENING, a_shift(10.5, 18)], None),
        ("the next one within the grace was cancelled", [EVENING, a_shift(10.5, 18, retired=8)], 9),
        ("the last of several counts", [a_shift(0, 4), EVENING, a_shift(3, 8)], 9),
        ("an absence took the running one away", [a_shift(2, 18, retired=9.5)], 9.5),
        ("cancelled after it was over", [a_shift(2, 9, retired=9.5)], 9),
        ("cancelled before it began: there was none", [a_shift(9, 18, retired=8)], None),
        ("only shifts to come", [a_shift(20, 28)], None),
        ("being on call is neither work nor the end of it", [a_shift(2, 9, kind=ON_CALL)], None),
        ("on call after work", [EVENING, a_shift(9, 18, kind=ON_CALL)], 9),
    ],
)
def test_whose_shift_is_over(what: str, shifts: list[Shift], ended: float | None) -> None:
    expected = None if ended is None else START + ended * HOUR
    assert shift_ends.ended_at(shifts, NOW, GRACE) == expected, what


@pytest.mark.parametrize(
    ("shifts", "ends"),
    [
        ([], None),
        ([EVENING], None),
        ([a_shift(2, 10)], None),
        ([a_shift(2, 11), a_shift(20, 28)], 11),
        ([a_shift(20, 28)], 28),
        ([a_shift(2, 11, retired=9), a_shift(2, 11, kind=ON_CALL)], None),
    ],
)
def test_when_the_next_shift_ends(shifts: list[Shift], ends: float | None) -> None:
    assert shift_ends.next_end(shifts, NOW) == (None if ends is None else START + ends * HOUR)


# ── what goes on ──────────────────────────────────────────────────────────────────────────────────────────────────


def held(category: str, *, arrived: bool = False, goes: bool = True, **of_case: Any) -> tuple[State, Offer]:
    """A's case, accepted in its first minute."""
    state = heard.registered(a_registration(category=category))
    [part] = state.parts
    offer_id, common = uuid7(), about(state, part.id, START)
    offered = CaseOffered(
        **common,
        offer_id=offer_id,
        person_id=A,
        unit_id="grid-a1",
        post=Post.A,
        emergency=state.case.urgent,
        goes=goes,
        expires_at=START + MINUTE,
        chosen_because="a_holder",
    )
    accepted = CaseAccepted(
        **common, offer_id=offer_id, person_id=A, unit_id="grid-a1", goes=goes, told_at=START
    )
    state = follow(state, [offered, accepted])
    if arrived:
        there = WorkerArrived(
            **common, person_id=A, method=ArrivalMethod.QR_CODE, told_at=START, distance_m=None
        )
        state = follow(state, [there])
    return replace(state, case=replace(state.case, **of_case)), state.offer(offer_id)


@pytest.mark.parametrize(
    ("what", "state", "minutes", "goes_on"),
    [
        ("routine, not there yet", held(ROUTINE), 5, True),
        ("routine, there", held(ROUTINE, arrived=True), 5, True),
        ("routine, by somebody who does not go", held(ROUTINE, goes=False), 5, True),
        ("on the way to an emergency, in time", held(EMERGENCY), 14, False),
        ("on the way to an emergency, too late", held(EMERGENCY), 15, True),
        ("at an emergency", held(EMERGENCY, arrived=True), 300, False),
        ("answers for an emergency without going", held(EMERGENCY, goes=False), 5, True),
        ("somebody in urgent need, in time", held(ROUTINE, care=True), 14, False),
        ("somebody in urgent need, there", held(ROUTINE, care=True, arrived=True), 300, False),
        ("parked", held(ROUTINE, review_at=START + 90 * HOUR), 5, False),
        ("handled by somebody else", held(ROUTINE, state=CaseState.HANDLED), 5, False),
    ],
)
def test_what_goes_to_the_next(what: str, state: tuple[State, Offer], minutes: int, goes_on: bool) -> None:
    now = START + minutes * MINUTE
    assert shift_ends.goes_on(*state, now, now) is goes_on, what


def test_what_was_taken_after_the_shift_stays() -> None:
    state, offer = held(ROUTINE)
    assert not shift_ends.goes_on(state, offer, START - MINUTE, NOW)


def test_a_place_beside_the_officer_that_nobody_is_searched_for_stays() -> None:
    state, offer = held(ROUTINE, goes=False)
    [part] = state.parts
    beside = replace(state, parts=(replace(part, role=PartRole.CO_HANDLER, goes=False),))
    assert not shift_ends.goes_on(beside, offer, NOW, NOW)


# ── in the database ───────────────────────────────────────────────────────────────────────────────────────────────


def roster(scene: Scene, person: str, ends_at: datetime | None, **more: Any) -> None:
    """The registry says when this shift ends; or that there is none."""
    directory = scene.database.directory
    shift = directory.shifts.pop(f"s-{person}", None)
    if shift is not None and ends_at is not None:
        directory.shifts[shift.id] = shift.model_copy(update={"ends_at": ends_at} | more)
    directory.pass_by(directory.revision + 1)


def off_duty(scene: Scene, *people: str) -> None:
    for person in people:
        roster(scene, person, scene.now)


async def look(scene: Scene) -> list[Turn]:
    """As another replica that has just started would."""
    done = await ShiftEnds(Matching(SEALER), GRACE).look(scene.database)
    await scene.settle()
    return done


async def taken(scene: Scene, category: str = ROUTINE) -> tuple[UUID, UUID]:
    """A's case, and its part; a minute later."""
    case = await scene.registered(category=category)
    offer = await scene.offer(case)
    assert offer.person_id == A
    await scene.accept(offer)
    await scene.until((scene.now - START).total_seconds() + 60)
    return case, offer.part_id


async def holds(scene: Scene, case: UUID) -> list[tuple[str, OfferState]]:
    return [(offer.person_id, offer.state) for offer in (await scene.state(case)).offers if offer.live]


async def test_b_is_asked_when_as_shift_ends_and_no_clock_moves(scene: Scene) -> None:
    case, part = await taken(scene)
    off_duty(scene, A)
    before = (await scene.state(case)).case
    assert await look(scene) == [Turn.OFFERED]
    assert await holds(scene, case) == [(B, OfferState.OFFERED)]
    [told] = await scene.events(case, CaseReassigned)
    assert (told.from_person_id, told.to_person_id, told.reason) == (A, None, ReassignReason.SHIFT_ENDED)
    assert told.actor.person_id is None
    with pytest.raises(Problem) as gone:
        await scene.handle(part, A)
    assert gone.value.status == 409
    assert await look(scene) == [], "it happens once"
    await scene.accept(await scene.offer(case))
    assert await look(scene) == [], "B is on duty"
    await scene.handle(part, B)
    after = (await scene.state(case)).case
    assert (after.registered_at, after.policy, after.level) == (
        before.registered_at,
        before.policy,
        before.level,
    )
    await scene.check_books(case)


async def test_without_b_it_is_the_leaders_turn_and_a_lapse_goes_on(scene: Scene) -> None:
    case, _ = await taken(scene)
    off_duty(scene, A, B)
    await look(scene)
    first = await scene.offer(case)
    assert first.person_id == LEADER
    await scene.until((first.expires_at - START).total_seconds() + 1)
    state = await scene.state(case)
    assert state.live_offer(first.part_id) or state.part(first.part_id).state is PartState.WAITING
    await scene.check_books(case)


async def test_with_nobody_there_it_stays_until_somebody_is(scene: Scene) -> None:
    case, part = await taken(scene)
    off_duty(scene, A, B, LEADER)
    assert await look(scene) == []
    assert await holds(scene, case) == [(A, OfferState.ACCEPTED)]
    assert await scene.events(case, CaseReassigned) == []
    await scene.arrive(part, A)
    roster(scene, B, START + 9 * HOUR)
    assert await look(scene) == [Turn.OFFERED]
    assert await holds(scene, case) == [(B, OfferState.OFFERED)]
    await scene.check_books(case)


async def test_the_next_look_of_the_same_loop_follows_the_roster(scene: Scene) -> None:
    """What rests because nobody was there is looked at again when the registry tells something new."""
    case, _ = await taken(scene)
    loop = ShiftEnds(Matching(SEALER), GRACE)
    off_duty(scene, A, B, LEADER)
    assert await loop.look(scene.database) == []
    assert loop.resting
    roster(scene, LEADER, START + 9 * HOUR)
    assert await loop.look(scene.database) == [Turn.OFFERED]
    assert await holds(scene, case) == [(LEADER, OfferState.OFFERED)]


@pytest.mark.parametrize("how", ["absence", "shorter"])
async def test_a_roster_changed_while_somebody_holds(scene: Scene, how: str) -> None:
    case, _ = await taken(scene)
    assert await look(scene) == []
    more = {"retired_at": scene.now} if how == "absence" else {}
    roster(scene, A, START + 60 * HOUR if how == "absence" else scene.now, **more)
    assert await look(scene) == [Turn.OFFERED]
    assert await holds(scene, case) == [(B, OfferState.OFFERED)]


async def test_who_has_no_roster_keeps_it(scene: Scene) -> None:
    case, _ = await taken(scene)
    roster(scene, A, None)
    assert await look(scene) == []
    assert await holds(scene, case) == [(A, OfferState.ACCEPTED)]


async def test_who_is_on_the_way_to_an_emergency_is_let_go_when_too_late_and_who_is_there_never(
    scene: Scene,
) -> None:
    late, _ = await taken(scene, EMERGENCY)
    there = await scene.registered(category=EMERGENCY)
    offer = await scene.offer(there)
    await scene.accept(offer)
    await scene.arrive(offer.part_id, offer.person_id)
    off_duty(scene, A, offer.person_id)
    assert await look(scene) == []
    await scene.until(15 * 60)
    assert await look(scene) == [Turn.OFFERED]
    [(asked, state)] = await holds(scene, late)
    assert (asked not in {A, offer.person_id}, state) == (True, OfferState.OFFERED)
    assert await holds(scene, there) == [(offer.person_id, OfferState.ARRIVED)]
    for case in (late, there):
        await scene.check_books(case)


async def test_an_officers_part_goes_to_the_next_officer_on_shift_and_else_stays(scene: Scene) -> None:
    case = await scene.registered(category=ROUTINE)
    await scene.raised(case, Level.COMMUNITY)
    owner = (await scene.state(case)).owner
    assert owner is not None
    offer = await scene.offer(case, owner.id)
    await scene.accept(offer)
    await scene.until(60)
    others = [officer for officer in OFFICERS if officer != offer.person_id]
    assert len(others) == 2
    off_duty(scene, offer.person_id, *others)
    assert await look(scene) == []
    roster(scene, others[1], START + 9 * HOUR)
    assert await look(scene) == [Turn.OFFERED]
    assert (await scene.offer(case, owner.id)).person_id == others[1]
    await scene.check_books(case)


# ── in the same second ────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_replicas_hand_over_once(scene: Scene) -> None:
    cases = [(await taken(scene))[0] for _ in range(5)]
    off_duty(scene, A)
    replicas = [ShiftEnds(Matching(SEALER), GRACE) for _ in range(3)]
    while sum([len(turns) for turns in await asyncio.gather(*(r.look(scene.database) for r in replicas))]):
        pass
    for case in cases:
        assert len(await scene.events(case, CaseReassigned)) == 1
        assert await holds(scene, case) == [(B, OfferState.OFFERED)]
        await scene.check_books(case)


@pytest.mark.parametrize("deed", ["arrive", "handle"])
async def test_a_shift_ends_in_the_second_of_arriving_or_handling(scene: Scene, deed: str) -> None:
    """Whoever comes first has it. Never two holders, never none."""
    late = deed == "arrive"
    held_parts = [await taken(scene, EMERGENCY if late else ROUTINE) for _ in range(1 if late else 6)]
    await scene.until(16 * 60)
    off_duty(scene, A)

    async def act(part: UUID) -> bool:
        try:
            await (scene.arrive(part, A) if late else scene.handle(part, A))
        except Problem:
            return False
        return True

    replicas = [ShiftEnds(Matching(SEALER), GRACE) for _ in range(2)]
    done = await asyncio.gather(
        *(act(part) for _, part in held_parts), *(replica.look(scene.database) for replica in replicas)
    )
    await look(scene)
    for (case, part), won in zip(held_parts, done, strict=False):
        state, given = await scene.state(case), await scene.events(case, CaseReassigned)
        assert len(given) == (0 if won else 1)
        of_a = [offer.state for offer in state.offers if offer.person_id == A and offer.part_id == part]
        assert of_a == [(OfferState.ARRIVED if late else OfferState.HANDLED) if won else OfferState.ENDED]
        if not won:
            assert len([offer for offer in state.offers if offer.part_id == part and offer.live]) == 1
        await scene.check_books(case)


@pytest.mark.parametrize("deed", ["arrive", "handle"])
async def test_who_acts_while_it_is_handed_over_waits_and_is_told(scene: Scene, deed: str) -> None:
    case, part = await taken(scene, EMERGENCY if deed == "arrive" else ROUTINE)
    await scene.until(16 * 60)
    off_duty(scene, A)
    async with scene.database.transaction() as tx:
        [given] = await queries.held_by(tx, [A])
        assert await ShiftEnds(Matching(SEALER), GRACE).hand_over(tx, given) is Turn.OFFERED
        acting = asyncio.ensure_future(scene.arrive(part, A) if deed == "arrive" else scene.handle(part, A))
        async with asyncio.timeout(30):
            while not await somebody_waits(scene):
                assert not acting.done()
    with pytest.raises(Problem) as refused:
        await acting
    assert refused.value.status == 409
    assert [state for person, state in await holds(scene, case) if person != A] == [OfferState.OFFERED]
    await scene.check_books(case)


async def somebody_waits(scene: Scene) -> bool:
    async with scene.database.transaction() as tx:
        rows = await tx.rows(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    return bool(rows)


# ── its queries, its loop ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_look_uses_an_index(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        for sql, given in ((queries.HOLDERS, {}), (queries.HELD_BY, {"people": [A, B]})):
            plan = "\n".join(row["QUERY PLAN"] for row in await tx.rows("EXPLAIN " + sql, **given))
            assert "offers_on_hand" in plan or "offers_one_live_per_part" in plan, plan
            assert "Seq Scan" not in plan, plan


async def asked(scene: Scene, loop: ShiftEnds) -> Pending:
    async with scene.database.transaction() as tx:
        return await loop.pending(tx)


async def test_a_step_clock_stops_at_the_end_of_a_holders_shift(scene: Scene) -> None:
    case, _ = await taken(scene)
    end, loop = START + 3 * HOUR, ShiftEnds(Matching(SEALER), GRACE)
    roster(scene, A, end)
    roster(scene, B, START + 30 * HOUR)
    assert (await asked(scene, loop)).in_flight, "nothing was looked at yet"
    assert await loop.look(scene.database) == []
    assert await asked(scene, loop) == Pending(0, end)

    await scene._set(end)
    assert (await asked(scene, loop)).in_flight, "the clock waits until it was looked at"
    assert await loop.look(scene.database) == [Turn.OFFERED]
    assert await holds(scene, case) == [(B, OfferState.OFFERED)]
    assert not (await asked(scene, loop)).in_flight
    await scene.accept(await scene.offer(case))
    assert await asked(scene, loop) == Pending(0, START + 30 * HOUR)
    roster(scene, B, START + 20 * HOUR)
    assert (await asked(scene, loop)).in_flight, "the registry told something new"


async def test_a_step_clock_stops_when_somebody_on_the_way_after_their_shift_is_too_late(
    scene: Scene,
) -> None:
    case, _ = await taken(scene, EMERGENCY)
    loop = ShiftEnds(Matching(SEALER), GRACE)
    off_duty(scene, A)
    assert await loop.look(scene.database) == []
    assert await asked(scene, loop) == Pending(0, START + 15 * MINUTE)
    await scene._set(START + 15 * MINUTE)
    assert (await asked(scene, loop)).in_flight
    assert await loop.look(scene.database) == [Turn.OFFERED]
    assert await holds(scene, case) == [(B, OfferState.OFFERED)]


async def test_with_nobody_there_the_clock_is_not_held_up(scene: Scene) -> None:
    await taken(scene)
    off_duty(scene, A, B, LEADER)
    loop = ShiftEnds(Matching(SEALER), GRACE)
    assert await loop.look(scene.database) == []
    assert not (await asked(scene, loop)).in_flight


async def test_a_clock_that_jumps_wakes_the_loop(
    service: Service, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the real seconds between two looks, of which there are none here."""
    monkeypatch.setattr(handlers, "LOOK_EVERY_SECONDS", 3600.0)
    case, _ = await taken(scene)
    end = START + 3 * HOUR
    roster(scene, A, end)
    [loop] = [loop for loop in service.loops if loop.name == "shift_ends"]
    assert loop.pending is not None
    running = asyncio.ensure_future(loop.run(service.database, Beat("shift_ends")))
    async with asyncio.timeout(30):
        while (await pending_of(service)).in_flight:
            await asyncio.sleep(0)
        assert (await pending_of(service)).next_due_at == end
        await scene._set(end)
        service.database.committed.set()
        while (await pending_of(service)).in_flight:
            await asyncio.sleep(0)
    running.cancel()
    assert await holds(scene, case) == [(B, OfferState.OFFERED)]


async def pending_of(service: Service) -> Pending:
    [loop] = [loop for loop in service.loops if loop.name == "shift_ends"]
    assert loop.pending is not None
    async with service.database.transaction() as tx:
        return await loop.pending(tx)


async def test_the_loop_runs_in_the_service(service: Service, scene: Scene, town: Directory) -> None:
    case, _ = await taken(scene)
    off_duty(scene, A)
    assert scene.database.directory is town
    [loop] = [loop for loop in service.loops if loop.name == "shift_ends"]
    beat = Beat("shift_ends")
    running = asyncio.ensure_future(loop.run(service.database, beat))
    async with asyncio.timeout(30):
        while not beat.turns:
            await service.database.committed.wait(0.05)
    running.cancel()
    assert await holds(scene, case) == [(B, OfferState.OFFERED)]
