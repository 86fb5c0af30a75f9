"""Everything at the same moment: one wins, the others get a clear answer, and nobody is sent twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from services.dispatch.handlers.search import Matching
from services.dispatch.queries import cases, mine, photos, reads, search
from services.dispatch.rules.facts import OfferState
from shared.database import Database, Transaction
from shared.events.dispatch import CaseAccepted, OfferLapsed
from shared.events.intake import Place
from shared.events.things import ShiftChanged
from shared.health import Beat
from shared.ids import uuid7
from shared.problems import Problem
from tests.dispatch.world import SEALER, START, A, B, Scene, a_registration


async def test_10_twenty_accept_at_once_and_one_wins(scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    people = [A, B, *(f"p-grid-a{n}-w" for n in range(1, 7))]

    async def try_it(n: int) -> str:
        try:
            await scene.accept(offer, people[n % len(people)])
        except Problem as refused:
            return f"{refused.status} {refused.code}" if refused.detail else "no word of what to do"
        return people[n % len(people)]

    answers = Counter(await asyncio.gather(*(try_it(n) for n in range(20))))
    assert answers.pop(A) == 3
    assert set(answers) == {"409 not-yours"}
    assert len(await scene.events(case, CaseAccepted)) == 1
    await scene.check_books(case)


async def test_accepting_in_the_second_it_lapses_has_one_end(scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    await scene._set(START + timedelta(seconds=60))

    async def accept() -> str:
        try:
            await scene.accept(offer)
        except Problem as refused:
            return refused.code
        return "accepted"

    answer, _ = await asyncio.gather(accept(), scene.timers.fire())
    assert answer == "offer-gone"
    assert len(await scene.events(case, OfferLapsed)) == 1
    await scene.check_books(case)


async def test_two_replicas_search_at_once_and_nobody_is_sent_twice(scene: Scene, database: Database) -> None:
    registrations = [a_registration(f"grid-a{1 + n % 7}") for n in range(15)]
    await scene.hear(*registrations)
    other = Database(database.url, source="dispatch", directory=database.directory)
    try:
        for _ in range(6):
            await asyncio.gather(*(Matching(SEALER).turn(d) for d in (database, other, database, other)))
    finally:
        await other.close()
    states = [await scene.state(event.case_id) for event in registrations]
    sent = [
        offer.person_id for state in states for offer in state.offers if offer.state is OfferState.OFFERED
    ]
    assert len(sent) == len(set(sent)) == len(registrations)
    for event in registrations:
        await scene.check_books(event.case_id)


async def test_two_streets_want_the_same_person_and_no_case_is_lost(scene: Scene) -> None:
    """Streets have locks of their own, so only the unique index stands between two of them."""
    first = a_registration()
    second = a_registration(ladder=tuple(rung for rung in first.ladder if rung.unit_id != "street"))
    await scene.hear(first, second)
    assert (await scene.state(second.case_id)).case.street_id == "civil-affairs"
    for _ in range(10):
        await asyncio.gather(*(Matching(SEALER).turn(scene.database) for _ in range(3)))
    await scene.settle()
    offers = [await scene.offer(event.case_id) for event in (first, second)]
    assert {offer.person_id for offer in offers} == {A, B}


async def test_the_search_is_idle_only_when_it_has_looked_at_the_world_as_it_is(scene: Scene) -> None:
    """The simulated clock jumps when everything is idle: after a restart, and after somebody went on duty, it must
    wait for the next look."""
    database, directory = scene.database, scene.database.directory

    async def in_flight() -> int:
        async with database.transaction() as tx:
            return (await scene.matching.pending(tx)).in_flight

    async def comes_to_rest() -> None:
        async with asyncio.timeout(20):
            while await in_flight():
                await asyncio.sleep(0.01)

    await scene.hear(a_registration())
    assert await in_flight()
    searching = asyncio.ensure_future(scene.matching.run(database, Beat("matching")))
    try:
        await comes_to_rest()
        on_duty = next(iter(directory.shifts.values()))
        directory.take(ShiftChanged(at=START, shift=on_duty, sequence=directory.revision + 1))
        assert await in_flight()
        await comes_to_rest()
    finally:
        searching.cancel()
        await asyncio.gather(searching, return_exceptions=True)


async def test_the_oldest_emergency_is_served_first(scene: Scene) -> None:
    young, old = a_registration(at=START), a_registration(at=START - timedelta(minutes=1))
    await scene.hear(young, old)
    await scene.settle()
    assert (await scene.offer(old.case_id)).person_id == A
    assert (await scene.offer(young.case_id)).person_id == B


async def test_the_last_position_counts_before_the_base(scene: Scene) -> None:
    """The neighbour who has just finished next door is asked before the one whose home is nearer."""
    from services.dispatch.commands import Position

    case = await scene.registered("grid-a2")
    offer = await scene.offer(case)
    place = (await scene.state(case)).case.place
    assert place.lon is not None
    assert place.lat is not None
    target = a_registration("grid-b9").place
    assert target.lon is not None
    assert target.lat is not None
    await scene.accept(offer, position=Position(lon=target.lon, lat=target.lat))
    await scene.arrive(offer.part_id, offer.person_id)
    await scene.do_the_musts(offer.part_id, offer.person_id)
    await scene.handle(offer.part_id, offer.person_id)

    far = await scene.registered(
        "grid-b9", at=START, place=Place(lon=target.lon, lat=target.lat, label="东门")
    )
    await scene.until(120)
    third = (await scene.offered_to(far))[2]
    assert third == (offer.person_id, 120)


async def test_the_hot_queries_use_their_indexes(database: Database) -> None:
    """With seqscan discouraged a plan that still scans has no index to use."""
    async with database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        waiting = await _plan(tx, search.WAITING)
        assert "parts_waiting" in waiting
        assert "offers_on_hand" in await _plan(tx, search.BUSY, people=["p"])
        assert "whereabouts_latest" in await _plan(tx, search.LAST_SEEN, people=["p"], since=START)
        assert "offers_on_hand" in await _plan(tx, reads.ON_HAND, person_id="p")
        page: dict[str, object] = {"before_at": START, "before_id": uuid7(), "most": 50}
        assert "offers_by_person" in await _plan(tx, mine.HISTORY, person_id="p", **page)
        alike = {"bands": photos.bands_of(7), "likeness": "0" * 64, "case_id": uuid7(), "most": 3}
        assert "photos_by_band" in await _plan(tx, photos.SEEN_BEFORE, **alike)
        for sql, index in (
            (cases.PARTS, "parts_by_case"),
            (cases.OFFERS, "offers_by_case"),
            (cases.ARRIVALS, "arrivals_by_case"),
            (cases.EVIDENCE, "evidence_by_case"),
            (cases.NOTES, "notes_by_case"),
            (cases.RETURNS, "returns_by_case"),
            (cases.HELP_CALLS, "help_calls_by_case"),
            (cases.STATEMENTS, "statements_by_case"),
            (cases.FLAGS, "flags_by_case"),
            (cases.WHICH, "flags_by_case"),
        ):
            plan = await _plan(tx, sql, ids=[uuid7()])
            assert index in plan, plan
            assert "Seq Scan" not in plan


async def _plan(tx: Transaction, sql: str, **parameters: object) -> str:
    return "\n".join(row["QUERY PLAN"] for row in await tx.rows("EXPLAIN " + sql, **parameters))
