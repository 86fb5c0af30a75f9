"""接替: whoever becomes free much nearer is asked to take over the way of somebody who is still far off."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from services.dispatch.commands import HandOver, Position, ReturnPart
from services.dispatch.handlers import hand_over, passing
from services.dispatch.handlers.search import Matching
from services.dispatch.queries.batches import Lately, lately
from services.dispatch.queries.reads import explanations
from services.dispatch.rules.coming import who_comes
from services.dispatch.rules.explaining import why_chosen
from services.dispatch.rules.facts import Offer, OfferState, PartState
from shared.database import Database
from shared.directory import Directory
from shared.events.dispatch import CaseAccepted, CaseOffered, CaseReassigned, NobodyAvailable, OfferWithdrawn
from shared.going import ReassignReason, TravelMode, WithdrawReason
from shared.problems import Problem
from shared.service import Service
from shared.vocabulary import Level, ReturnBasis, Role
from tests.dispatch.phones import Phone
from tests.dispatch.test_swaps import HERE, NEIGHBOUR, at, north, says
from tests.dispatch.world import SEALER, START, A, Scene, a_closing, a_merge, a_registration, directory, doer

ON_HAND = """
    SELECT person_id, count(*) AS ways FROM offers
    WHERE emergency AND goes AND state IN ('offered', 'accepted', 'arrived') GROUP BY person_id
"""


@pytest.fixture
def town() -> Directory:
    """Two people who walk: A here, the neighbour a quarter of an hour further north."""
    made = directory(only=[A, NEIGHBOUR])
    for person_id, base in ((A, HERE), (NEIGHBOUR, north(950))):
        person = made.people[person_id]
        made.people[person_id] = person.model_copy(update={"base": base, "mode": TravelMode.WALK})
    return made


async def on_the_way(scene: Scene) -> tuple[UUID, Offer, UUID]:
    """A goes to a case 900 m off, because the neighbour, who is next to it, is on another one."""
    other = await scene.registered("grid-a2", place=at(north(1000)))
    theirs = await scene.offer(other)
    assert theirs.person_id == NEIGHBOUR
    await scene.accept(theirs)
    await scene.until(5)
    far = await scene.registered(place=at(north(900)))
    trip = await scene.offer(far)
    assert trip.person_id == A
    await scene.accept(trip, position=Position(lon=HERE.lon, lat=HERE.lat))
    assert len((await scene.state(far)).offers) == 1
    return far, trip, other


async def asked(scene: Scene) -> tuple[UUID, Offer, Offer]:
    """The neighbour's case turns out to be a duplicate a minute later: they are free, and asked."""
    far, trip, other = await on_the_way(scene)
    await scene.until(60)
    await scene.hear(a_merge(other, scene.now))
    await scene.settle()
    ask = await scene.offer(far)
    assert (ask.person_id, ask.takes_over, ask.chosen_because) == (NEIGHBOUR, trip.id, "takeover")
    return far, trip, ask


async def sound(scene: Scene, *cases: UUID) -> None:
    for case in cases:
        await scene.check_books(case)
        state = await scene.state(case)
        for part in state.parts:
            assert sum(one.held for one in state.offers if one.part_id == part.id) <= 1
    async with scene.database.transaction() as tx:
        assert all(row["ways"] <= 1 for row in await tx.rows(ON_HAND))


async def still_going(scene: Scene, far: UUID, trip: Offer, ask: Offer, ended: OfferState) -> None:
    """As if nobody had been asked."""
    state = await scene.state(far)
    assert state.offer(trip.id).state is OfferState.ACCEPTED
    assert (state.part(trip.part_id).state, state.part(trip.part_id).turn) == (PartState.ACCEPTED, 1)
    assert state.offer(ask.id).state is ended
    assert await scene.events(far, CaseReassigned) == []
    assert await scene.events(far, NobodyAvailable) == []
    await sound(scene, far)


async def _lately(scene: Scene, person_id: str) -> Lately:
    async with scene.database.transaction() as tx:
        since = {person_id: START - timedelta(hours=1)}
        return (await lately(tx, since, START - timedelta(days=30)))[person_id]


async def test_whoever_accepts_has_the_case_and_the_other_is_free_for_the_next(scene: Scene) -> None:
    far, trip, ask = await asked(scene)
    before = await scene.state(far)
    assert who_comes(before) == before.offer(trip.id)
    await scene.accept(ask)
    state = await scene.state(far)
    assert (state.offer(trip.id).state, state.offer(trip.id).passed_on) == (OfferState.ENDED, "taken_over")
    assert (state.offer(ask.id).state, state.part(ask.part_id).state) == (
        OfferState.ACCEPTED,
        PartState.ACCEPTED,
    )
    assert who_comes(state) == state.offer(ask.id)
    [told] = await scene.events(far, CaseReassigned)
    assert (told.from_person_id, told.to_person_id, told.to_offer_id) == (A, NEIGHBOUR, ask.id)
    assert (told.reason, told.actor.person_id) == (ReassignReason.TAKEN_OVER, NEIGHBOUR)
    assert [one.person_id for one in await scene.events(far, CaseAccepted)] == [A, NEIGHBOUR]
    relieved = await _lately(scene, A)
    assert (relieved.lost_swap, relieved.done_at, relieved.done_urgent) == (True, scene.now, False)
    await scene.accept(ask)
    assert len(await scene.events(far, CaseReassigned)) == 1
    await scene.until(70)
    following = await scene.registered(place=at(north(400)))
    assert (await scene.offer(following)).person_id == A
    assert not (await _lately(scene, A)).lost_swap
    await sound(scene, far, following)


async def test_the_explanation_shows_both_ways_and_why(scene: Scene) -> None:
    far, trip, ask = await asked(scene)
    async with scene.database.transaction() as tx:
        weighed = (await explanations(tx, far))[ask.id]
    assert [(one.person_id, one.removed_by) for one in weighed[:2]] == [
        (NEIGHBOUR, None),
        (A, "on_the_way"),
    ]
    assert weighed[0].eta_seconds is not None
    assert weighed[1].eta_seconds is not None
    assert weighed[1].eta_seconds - weighed[0].eta_seconds > 240
    assert weighed[0].p_late is not None
    assert weighed[1].p_late is not None
    assert weighed[0].p_late < weighed[1].p_late
    said = why_chosen(ask, weighed)
    assert "接替，比正在赶去的人近得多" in said.zh
    assert "正在赶去的A岗还需约15分钟，您接单即接替，不接则对方照常前往" in said.zh
    assert (
        "the A holder on the way there still needs about 15 min: once you accept, that way is over" in said.en
    )
    assert await scene.offered_to(far) == [(A, 5.0), (NEIGHBOUR, 60.0)]
    await sound(scene, far)
    assert trip.eta_seconds is not None


async def test_the_phone_shows_what_is_asked_and_a_supervisor_sees_both(
    service: Service, scene: Scene
) -> None:
    far, trip, ask = await asked(scene)
    mine = (await Phone(service, NEIGHBOUR, unit="grid-a2").get("/me")).json()
    [shown] = mine["offers"]
    assert (shown["offer"]["offer_id"], shown["offer"]["takes_over"]) == (str(ask.id), str(trip.id))
    assert "接替" in shown["why"]["zh"]
    theirs = (await Phone(service, A).get("/me")).json()
    assert [(part["holder"], part["offer_id"]) for part in theirs["parts"]] == [(A, str(trip.id))]
    supervisor = Phone(service, "p-street-s1", Role.SUPERVISOR, "street")
    why = (await supervisor.get(f"/offers/{ask.id}/explanation")).json()
    assert (why["chosen_because"], why["takes_over"]) == ("takeover", str(trip.id))
    assert why["candidates"][1]["person_id"] == A
    assert why["candidates"][1]["removed_by"] == "on_the_way"
    assert (await Phone(service, NEIGHBOUR, unit="grid-a2").post(f"/offers/{ask.id}/accept")).json()[
        "holder"
    ] == NEIGHBOUR
    refused = await Phone(service, A).post(f"/parts/{trip.part_id}/contact")
    assert (refused.status_code, refused.json()["code"]) == (409, "taken-over")
    assert (await Phone(service, A).get("/me")).json()["parts"] == []
    history = (await Phone(service, A).get("/me/history?limit=1")).json()["items"]
    assert (history[0]["case_id"], history[0]["passed_on"]) == (str(far), "taken_over")


@pytest.mark.parametrize("lapses", [True, False])
async def test_declining_or_letting_it_lapse_changes_nothing_and_nobody_is_asked_twice(
    scene: Scene, lapses: bool
) -> None:
    far, trip, ask = await asked(scene)
    if not lapses:
        await scene.decline(ask)
    await scene.until(125)
    await still_going(scene, far, trip, ask, OfferState.LAPSED if lapses else OfferState.DECLINED)
    await scene.until(200)
    assert [one.person_id for one in await scene.events(far, CaseOffered)] == [A, NEIGHBOUR]


async def test_whoever_arrives_first_keeps_the_case(scene: Scene) -> None:
    far, trip, ask = await asked(scene)
    await scene.arrive(trip.part_id, A)
    [taken_back] = await scene.events(far, OfferWithdrawn)
    assert (taken_back.offer_id, taken_back.reason) == (ask.id, WithdrawReason.SWAP_OVER)
    with pytest.raises(Problem) as refused:
        await scene.accept(ask)
    assert refused.value.code == "offer-gone"
    assert refused.value.extra["holder"] == A
    assert (await scene.state(far)).part(trip.part_id).state is PartState.ARRIVED
    await sound(scene, far)


async def test_a_case_that_ends_or_a_person_who_gives_it_away_takes_the_question_back(scene: Scene) -> None:
    """Whoever is asked anew is asked by an offer of their own, that nobody else has with them."""
    far, trip, ask = await asked(scene)
    async with scene.database.transaction() as tx:
        await hand_over.hand_over(tx, A, HandOver(reason=ReassignReason.PHONE_LOST), doer("p-grid-a1-l"))
    await scene.settle()
    state = await scene.state(far)
    assert (state.offer(trip.id).state, state.offer(ask.id).state) == (
        OfferState.ENDED,
        OfferState.WITHDRAWN,
    )
    anew = await scene.offer(far)
    assert (anew.person_id, anew.takes_over) == (NEIGHBOUR, None)
    await scene.until(70)
    await scene.hear(a_closing(far, at=scene.now))
    assert not [one for one in (await scene.state(far)).offers if one.live]
    await sound(scene, far)


@pytest.mark.parametrize("what", ["returned", "raised", "merged"])
async def test_nobody_is_relieved_of_what_is_no_simple_way_any_more(scene: Scene, what: str) -> None:
    far, trip, ask = await asked(scene)
    if what == "returned":
        command = ReturnPart(basis=ReturnBasis.DUTY_LIST, rightful_unit_id="city-management", text="属于城管")
        async with scene.database.transaction() as tx:
            await passing.return_part(tx, trip.part_id, command, doer(A), SEALER)
    elif what == "raised":
        await scene.raised(far, Level.COMMUNITY)
    else:
        await scene.hear(a_merge(far, scene.now))
    await scene.settle()
    state = await scene.state(far)
    assert state.offer(ask.id).state is OfferState.WITHDRAWN
    goes_on = OfferState.ENDED if what == "merged" else OfferState.ACCEPTED
    assert state.offer(trip.id).state is goes_on
    await scene.until(90)
    assert len([one for one in (await scene.state(far)).offers if one.takes_over]) == 1
    await sound(scene, far)


async def test_whoever_is_called_to_a_more_pressing_case_meanwhile_is_not_asked_to_turn_round(
    scene: Scene,
) -> None:
    """While somebody is asked to relieve them they are not called off: relieved, they are free for it."""
    far, trip, ask = await asked(scene)
    pressing = a_registration("grid-a3", place=at(north(5)), at=START - timedelta(minutes=12))
    await scene.hear(pressing)
    await scene.until(70)
    assert (await scene.state(pressing.case_id)).offers == ()
    await scene.accept(ask)
    assert (await scene.offer(pressing.case_id)).person_id == A
    await sound(scene, far, pressing.case_id)
    assert trip.person_id == A


# ── at the same moment ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("n", range(2))
async def test_accepting_in_the_second_of_arriving_has_one_end(scene: Scene, n: int) -> None:
    far, trip, ask = await asked(scene)
    answers = await asyncio.gather(
        says(scene.accept(ask)), says(scene.arrive(trip.part_id, A)), says(scene.accept(ask))
    )
    state = await scene.state(far)
    if answers[1] == "done":
        assert (state.offer(trip.id).state, state.offer(ask.id).state) == (
            OfferState.ARRIVED,
            OfferState.WITHDRAWN,
        )
        assert answers[0] == answers[2] == "offer-gone"
    else:
        assert (state.offer(trip.id).state, state.offer(ask.id).state) == (
            OfferState.ENDED,
            OfferState.ACCEPTED,
        )
        assert tuple(answers) == ("done", "taken-over", "done")
    await sound(scene, far)


async def test_two_replicas_ask_one_person_once(scene: Scene, database: Database) -> None:
    far, trip, other = await on_the_way(scene)
    await scene.hear(a_merge(other, scene.now))
    second = Database(database.url, source="dispatch", directory=database.directory)
    try:
        for _ in range(3):
            await asyncio.gather(
                *(Matching(SEALER).turn(one) for one in (database, second, database, second))
            )
    finally:
        await second.close()
    offers = (await scene.state(far)).offers
    assert [(one.person_id, one.takes_over) for one in offers] == [(A, None), (NEIGHBOUR, trip.id)]
    await sound(scene, far)
