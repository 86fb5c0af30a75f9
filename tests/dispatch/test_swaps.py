"""改派: somebody on the way to an emergency is asked to take another that nobody else reaches in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

import pytest

from services.dispatch.commands import Position
from services.dispatch.handlers.search import Matching
from services.dispatch.queries.batches import Lately, lately
from services.dispatch.rules.facts import Offer, OfferState, PartState
from shared.database import Database
from shared.directory import Directory
from shared.events.dispatch import CaseAccepted, CaseReassigned, OfferWithdrawn
from shared.events.intake import Place
from shared.going import ReassignReason, TravelMode, WithdrawReason
from shared.problems import Problem
from shared.things import Point
from tests.dispatch.world import (
    SEALER,
    START,
    A,
    Scene,
    a_closing,
    a_merge,
    a_registration,
    directory,
    doer,
)

HERE = Point(lon=113.59, lat=24.81)
METRE = 1 / 111_195
"""Of latitude, in degrees."""
NEIGHBOUR = "p-grid-a2-a"
ON_HAND = """
    SELECT person_id, count(*) FILTER (WHERE swap_of IS NULL OR state <> 'offered') AS ways, count(*) AS all
    FROM offers WHERE emergency AND goes AND state IN ('offered', 'accepted', 'arrived') GROUP BY person_id
"""


def north(metres: float) -> Point:
    return Point(lon=HERE.lon, lat=HERE.lat + metres * METRE)


def at(point: Point) -> Place:
    return Place(lon=point.lon, lat=point.lat, label="北街")


@pytest.fixture
def town() -> Directory:
    """Two people who walk: A here, the neighbour 450 m further than where A is called to."""
    made = directory(only=[A, NEIGHBOUR])
    for person_id, base in ((A, HERE), (NEIGHBOUR, north(850))):
        person = made.people[person_id]
        made.people[person_id] = person.model_copy(update={"base": base, "mode": TravelMode.WALK})
    return made


async def on_the_way(scene: Scene) -> tuple[UUID, Offer]:
    """A goes to a case 400 m off, which takes about seven minutes; the neighbour could do that as well."""
    first = await scene.registered(place=at(north(400)))
    trip = await scene.offer(first)
    assert trip.person_id == A
    await scene.accept(trip, position=Position(lon=HERE.lon, lat=HERE.lat))
    return first, trip


async def asked_to_swap(scene: Scene) -> tuple[UUID, Offer, UUID, Offer]:
    """Two minutes before it is late, a case is heard of next to A: only A can be there in time."""
    first, trip = await on_the_way(scene)
    pressing = a_registration("grid-a3", place=at(north(5)), at=START - timedelta(minutes=13))
    await scene.hear(pressing)
    await scene.until(5)
    swap = await scene.offer(pressing.case_id)
    assert (swap.person_id, swap.chosen_because, swap.swap_of) == (A, "swap", trip.id)
    return first, trip, pressing.case_id, swap


async def sound(scene: Scene, *cases: UUID) -> None:
    for case in cases:
        await scene.check_books(case)
    async with scene.database.transaction() as tx:
        for row in await tx.rows(ON_HAND):
            assert row["ways"] <= 1
            assert row["all"] <= 2


async def test_accepting_a_swap_frees_the_old_way_and_somebody_else_goes_there(scene: Scene) -> None:
    first, trip, second, swap = await asked_to_swap(scene)
    assert (await scene.state(first)).offer(trip.id).state is OfferState.ACCEPTED
    await scene.accept(swap)
    [told] = await scene.events(first, CaseReassigned)
    assert (told.from_person_id, told.to_person_id, told.reason) == (A, None, ReassignReason.SWAPPED)
    assert told.actor.person_id == A
    assert (await scene.state(second)).offer(swap.id).state is OfferState.ACCEPTED
    await scene.until(15)
    assert (await scene.offer(first)).person_id == NEIGHBOUR
    await sound(scene, first, second)


async def test_declining_or_letting_it_lapse_changes_nothing_on_the_old_way_and_is_asked_once(
    scene: Scene,
) -> None:
    first, trip, second, swap = await asked_to_swap(scene)
    await scene.decline(swap)
    await scene.until(20)
    assert (await scene.offer(second)).person_id == NEIGHBOUR
    await scene.until(100)
    assert (await scene.state(first)).offer(trip.id).state is OfferState.ACCEPTED
    asked = [offer for offer in (await scene.state(second)).offers if offer.person_id == A]
    assert [offer.id for offer in asked] == [swap.id]
    await sound(scene, first, second)


async def test_whoever_has_arrived_is_not_called_off_any_more(scene: Scene) -> None:
    first, trip, second, swap = await asked_to_swap(scene)
    await scene.arrive(trip.part_id, A)
    with pytest.raises(Problem) as refused:
        await scene.accept(swap)
    assert refused.value.code == "swap-over"
    await scene.settle()
    [taken_back] = await scene.events(second, OfferWithdrawn)
    assert taken_back.reason is WithdrawReason.SWAP_OVER
    assert not (await _lately(scene)).lost_swap
    await sound(scene, first, second)


async def test_a_swap_that_is_taken_back_counts_for_the_next_case(scene: Scene) -> None:
    first, _, second, _ = await asked_to_swap(scene)
    await scene.hear(a_merge(second, scene.now))
    await scene.settle()
    [taken_back] = await scene.events(second, OfferWithdrawn)
    assert taken_back.reason is WithdrawReason.CASE_MERGED
    assert (await _lately(scene)).lost_swap
    await sound(scene, first, second)


async def test_when_the_old_case_ends_first_it_is_an_offer_like_any_other(scene: Scene) -> None:
    first, _, second, swap = await asked_to_swap(scene)
    await scene.hear(a_closing(first, at=scene.now))
    await scene.settle()
    await scene.accept(swap)
    assert await scene.events(first, CaseReassigned) == []
    assert (await scene.state(second)).offer(swap.id).state is OfferState.ACCEPTED
    await sound(scene, first, second)


async def test_after_a_swap_nobody_is_called_off_again(scene: Scene) -> None:
    """At most one per trip: where a third case would be worth it as well, the neighbour is asked."""
    first, _, second, swap = await asked_to_swap(scene)
    await scene.accept(swap)
    third = a_registration("grid-a4", place=at(north(8)), at=scene.now - timedelta(minutes=13))
    await scene.hear(third)
    await scene.until(60)
    assert A not in {offer.person_id for offer in (await scene.state(third.case_id)).offers}
    await sound(scene, first, second, third.case_id)


async def _lately(scene: Scene) -> Lately:
    async with scene.database.transaction() as tx:
        return (await lately(tx, {A: START - timedelta(hours=1)}, START - timedelta(days=30)))[A]


# ── at the same moment ────────────────────────────────────────────────────────────────────────────────────────────


async def says(doing: Awaitable[object]) -> str:
    try:
        await doing
    except Problem as refused:
        return refused.code
    return "done"


@pytest.mark.parametrize("n", range(2))
async def test_accepting_a_swap_in_the_second_of_arriving_has_one_end(scene: Scene, n: int) -> None:
    first, trip, second, swap = await asked_to_swap(scene)
    answers = await asyncio.gather(
        says(scene.accept(swap)), says(scene.arrive(trip.part_id, A)), says(scene.accept(swap))
    )
    old, new = (await scene.state(first)).offer(trip.id), (await scene.state(second)).offer(swap.id)
    if answers[1] == "done":
        assert old.state is OfferState.ARRIVED
        assert {answers[0], answers[2]} <= {"swap-over", "offer-gone"}
        assert new.state in (OfferState.OFFERED, OfferState.WITHDRAWN)
    else:
        assert (old.state, new.state) == (OfferState.ENDED, OfferState.ACCEPTED)
        assert (answers[0], answers[2]) == ("done", "done")
        assert len(await scene.events(second, CaseAccepted)) == 1
    await scene.settle()
    await sound(scene, first, second)


@pytest.mark.parametrize("old", [True, False])
async def test_a_merge_of_either_case_in_the_second_of_the_swap(scene: Scene, old: bool) -> None:
    first, trip, second, swap = await asked_to_swap(scene)
    merged = first if old else second
    answer, _, _ = await asyncio.gather(
        says(scene.accept(swap)),
        scene.hear(a_merge(merged, scene.now)),
        Matching(SEALER).turn(scene.database),
    )
    await scene.settle()
    state = await scene.state(second)
    if old:
        assert answer == "done"
        assert state.offer(swap.id).state is OfferState.ACCEPTED
    else:
        assert answer in ("done", "case-merged", "offer-gone")
        assert state.offer(swap.id).state in (OfferState.ENDED, OfferState.WITHDRAWN)
        part = (await scene.state(first)).part(trip.part_id)
        assert part.state in (PartState.ACCEPTED, PartState.WAITING, PartState.OFFERED)
    await sound(scene, first, second)


async def test_two_replicas_ask_for_one_swap(scene: Scene, database: Database) -> None:
    first, trip = await on_the_way(scene)
    pressing = [
        a_registration(f"grid-a{n}", place=at(north(n)), at=START - timedelta(minutes=13)) for n in (3, 4)
    ]
    await scene.hear(*pressing)
    other = Database(database.url, source="dispatch", directory=database.directory)
    try:
        for _ in range(4):
            await asyncio.gather(*(Matching(SEALER).turn(one) for one in (database, other, database, other)))
    finally:
        await other.close()
    states = [await scene.state(event.case_id) for event in pressing]
    asked = [offer for state in states for offer in state.offers]
    assert len({offer.person_id for offer in asked}) == len(asked)
    assert [offer.swap_of for offer in asked if offer.person_id == A] == [trip.id]
    await sound(scene, first, *(event.case_id for event in pressing))


async def test_a_queued_acceptance_locks_both_cases_in_one_order(scene: Scene, database: Database) -> None:
    """Whoever hears of both cases in one batch locks them by id; an acceptance that took its own first would wait for
    it while it waits."""
    from services.dispatch.handlers.records import cases_of

    first, _, second, swap = await asked_to_swap(scene)
    async with database.transaction() as tx:
        assert await cases_of(tx, offer_id=swap.id) == [second, first]
        assert await cases_of(tx, part_id=swap.part_id) == [second]
    assert doer(A).person_id == A
