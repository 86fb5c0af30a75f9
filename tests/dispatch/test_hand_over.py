"""交接: all that somebody holds goes to somebody else, and at no moment to nobody or to two."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.commands import HandOver
from services.dispatch.handlers.hand_over import HandedOver, hand_over
from services.dispatch.handlers.search import Matching
from services.dispatch.matching.chain import HELPING_POSTS, OWNING_POSTS, Search, post_by_hand
from services.dispatch.rules.facts import OfferState
from shared.directory import Directory
from shared.events.dispatch import CaseOffered, CaseReassigned, OfferDeclined, OfferLapsed, OfferWithdrawn
from shared.going import DeclineReason, ReassignReason, WithdrawReason
from shared.problems import Problem
from shared.service import Service
from shared.things import PostHeld
from shared.vocabulary import Post, Role
from tests.dispatch.phones import Phone
from tests.dispatch.world import LEADER, SEALER, START, A, B, Scene, directory, doer

ROUTINE, EMERGENCY = "road-damage", "manhole-cover"


async def taken(scene: Scene, category: str = ROUTINE, grid: str = "grid-a1") -> UUID:
    case = await scene.registered(grid, category)
    await scene.accept(await scene.offer(case))
    return case


async def give(
    scene: Scene, reason: ReassignReason, to: str | None = None, person: str = A, by: str = LEADER
) -> HandedOver:
    async with scene.database.transaction() as tx:
        return await hand_over(tx, person, HandOver(reason=reason, to_person_id=to), doer(by))


async def holder(scene: Scene, case: UUID) -> str | None:
    state = await scene.state(case)
    live = [offer.person_id for offer in state.offers if offer.held]
    assert len(live) <= 1
    return live[0] if live else None


async def test_at_the_end_of_a_shift_routine_cases_go_and_the_emergency_stays(scene: Scene) -> None:
    routine, emergency = await taken(scene), await taken(scene, EMERGENCY)
    done = await give(scene, ReassignReason.SHIFT_ENDED, B)
    assert (await holder(scene, routine), await holder(scene, emergency)) == (B, A)
    state = await scene.state(emergency)
    assert done.kept_part_ids == (state.parts[0].id,)
    [told] = await scene.events(routine, CaseReassigned)
    assert (told.from_person_id, told.to_person_id, told.reason) == (A, B, ReassignReason.SHIFT_ENDED)
    assert told.actor.person_id == LEADER
    await scene.handle(done.part_ids[0], B)
    with pytest.raises(Problem) as nothing:
        await give(scene, ReassignReason.SHIFT_ENDED)
    assert nothing.value.code == "nothing-to-hand-over"
    for case in (routine, emergency):
        await scene.check_books(case)


async def test_with_a_lost_phone_everything_is_searched_anew_and_not_from_the_same_person(
    scene: Scene,
) -> None:
    held, asked = await taken(scene, EMERGENCY), await scene.registered(category=ROUTINE)
    assert (await scene.offer(asked)).person_id == A
    await give(scene, ReassignReason.PHONE_LOST)
    await scene.settle()
    assert (await scene.offer(held)).person_id == B
    assert [one.reason for one in await scene.events(asked, OfferWithdrawn)] == [WithdrawReason.REASSIGNED]
    for case in (held, asked):
        await scene.check_books(case)


async def test_nobody_gets_a_second_emergency_by_hand(scene: Scene) -> None:
    first, second = await taken(scene, EMERGENCY), await taken(scene, EMERGENCY, "grid-a2")
    assert (await holder(scene, first), await holder(scene, second)) == (A, "p-grid-a2-a")
    with pytest.raises(Problem) as busy:
        await give(scene, ReassignReason.BY_SUPERVISOR, "p-grid-a2-a")
    assert busy.value.code == "person-busy"
    assert await holder(scene, first) == A, "a refusal leaves everything where it was"
    await give(scene, ReassignReason.LEAVE, B)
    offer = await scene.offer(first)
    assert (offer.person_id, offer.state) == (B, OfferState.OFFERED)


async def test_an_emergency_is_offered_to_whoever_is_named_and_a_lapse_goes_on(scene: Scene) -> None:
    """Whoever gets it may be asleep: only an offer rings, and only an offer lapses."""
    case = await taken(scene, EMERGENCY)
    await scene.until(30)
    await give(scene, ReassignReason.BY_SUPERVISOR, LEADER)
    told, asked = (await scene.events(case, CaseReassigned))[0], (await scene.events(case, CaseOffered))[-1]
    assert (told.from_person_id, told.to_person_id) == (A, None)
    assert (asked.person_id, asked.post, asked.chosen_because) == (LEADER, Post.LEADER, "reassigned")
    assert (asked.emergency, asked.goes, asked.expires_at) == (True, True, scene.now + timedelta(seconds=60))
    assert await holder(scene, case) is None
    await scene.until(90)
    [lapsed] = await scene.events(case, OfferLapsed)
    assert lapsed.person_id == LEADER
    assert (await scene.offer(case)).person_id == B, "and not A, who gave it away"
    await scene.check_books(case)


async def test_who_is_there_hands_an_emergency_over_on_the_spot(scene: Scene) -> None:
    case = await taken(scene, EMERGENCY)
    part = (await scene.state(case)).parts[0].id
    await scene.arrive(part, A)
    await give(scene, ReassignReason.BY_SUPERVISOR, LEADER)
    [told] = await scene.events(case, CaseReassigned)
    assert (told.to_person_id, told.to_post, told.to_unit_id) == (LEADER, Post.LEADER, "grid-a1")
    offer = (await scene.state(case)).taken_by(part)
    assert offer is not None
    assert (offer.person_id, offer.post, offer.unit_id) == (LEADER, Post.LEADER, "grid-a1"), (
        "not A's own post"
    )
    await scene.check_books(case)


def a_search(goes: bool = True, own_people: tuple[Post, ...] = ()) -> Search:
    return Search(
        unit_id="grid-a1",
        emergency=False,
        goes=goes,
        place=None,
        started_at=START,
        expires_after=timedelta(minutes=30),
        own_people=own_people,
    )


@pytest.mark.parametrize(
    ("search", "owns", "held", "found"),
    [
        (a_search(), True, ["b grid-a1"], "b grid-a1"),
        (a_search(), True, ["worker grid-a2", "leader grid-a1"], "leader grid-a1"),
        (a_search(), True, ["a grid-a2"], "a grid-a2"),
        (a_search(), True, ["volunteer grid-a1"], None),
        (a_search(), False, ["volunteer grid-a1"], "volunteer grid-a1"),
        (a_search(), True, ["duty_officer grid-a1", "staff grid-a1"], None),
        (a_search(), True, [], None),
        (a_search(goes=False), True, ["a grid-a1", "worker grid-a1"], None),
        (a_search(goes=False), True, ["duty_officer grid-a1"], "duty_officer grid-a1"),
        (a_search(goes=False), True, ["duty_officer grid-a2"], None),
        (a_search(own_people=OWNING_POSTS), True, ["a grid-a2"], None),
        (a_search(own_people=OWNING_POSTS), True, ["volunteer grid-a1", "a grid-a1"], "a grid-a1"),
        (a_search(own_people=HELPING_POSTS), False, ["staff grid-a1"], "staff grid-a1"),
    ],
)
def test_by_which_post_a_part_is_given(
    search: Search, owns: bool, held: list[str], found: str | None
) -> None:
    posts = [PostHeld(post=Post(post), unit_id=unit) for post, unit in map(str.split, held)]
    given = post_by_hand(search, posts, owns=owns)
    assert (f"{given.post} {given.unit_id}" if given else None) == found


@pytest.mark.parametrize("town", [directory(off_duty=[B])])
async def test_nobody_gets_what_is_not_theirs_to_hold(scene: Scene, town: Directory) -> None:
    case = await taken(scene)
    for to, code in (
        (B, "not-on-duty"),
        ("p-grid-a1-v", "post-may-not"),
        ("p-community-a-o1", "post-may-not"),
        ("p-nobody", "not-on-duty"),
    ):
        with pytest.raises(Problem) as refused:
            await give(scene, ReassignReason.BY_SUPERVISOR, to)
        assert refused.value.code == code, to
        assert " / " in (refused.value.detail or "")
    assert await holder(scene, case) == A

    await scene.raised(case)
    officer = await scene.offer(case)
    await scene.accept(officer)
    others = sorted({"p-community-a-o1", "p-community-a-o2", "p-community-a-o3"} - {officer.person_id})
    for to in ("p-grid-a1-l", "p-community-b-o1", "p-street-o1"):
        with pytest.raises(Problem) as refused:
            await give(scene, ReassignReason.LEAVE, to, person=officer.person_id)
        assert refused.value.code == "post-may-not", to
    await give(scene, ReassignReason.LEAVE, others[0], person=officer.person_id)
    owner = (await scene.state(case)).owner
    assert owner is not None
    held = (await scene.state(case)).taken_by(owner.id)
    assert held is not None
    assert (held.person_id, held.post) == (others[0], Post.DUTY_OFFICER)
    await scene.check_books(case)


@pytest.mark.parametrize("town", [directory(only=[A, B, LEADER])])
async def test_a_conflict_of_interest_found_later_is_for_good(
    service: Service, scene: Scene, town: Directory
) -> None:
    case = await taken(scene, EMERGENCY)
    part, phone = (await scene.state(case)).parts[0].id, Phone(service, A)
    path, conflict = f"/people/{A}/hand-over", {"reason": "conflict_of_interest"}
    assert (await phone.post(path, headers=None, **conflict)).status_code == 422, "of which case?"
    said = await phone.post(path, headers=None, part_ids=[str(part)], **conflict)
    assert said.status_code == 200
    await scene.until(630)
    asked = [person for person, at in await scene.offered_to(case) if at > 0]
    assert (set(asked), len(asked) > 6) == ({B, LEADER}, True), "turn after turn"
    await scene.accept(await scene.offer(case))
    held = await holder(scene, case)
    assert held is not None
    with pytest.raises(Problem) as refused:
        await give(scene, ReassignReason.BY_SUPERVISOR, A, person=held)
    assert refused.value.code == "may-not-be-given"
    await scene.check_books(case)


async def test_a_conflict_of_interest_in_what_is_only_offered_is_a_decline(scene: Scene) -> None:
    case = await scene.registered(category=ROUTINE)
    part = (await scene.offer(case)).part_id
    command = HandOver(reason=ReassignReason.CONFLICT_OF_INTEREST, part_ids=[part])
    async with scene.database.transaction() as tx:
        await hand_over(tx, A, command, doer(A))
    await scene.settle()
    [declined] = await scene.events(case, OfferDeclined)
    assert (declined.person_id, declined.reason) == (A, DeclineReason.CONFLICT_OF_INTEREST)
    assert (await scene.offer(case)).person_id == B
    await scene.check_books(case)


async def test_handing_over_while_everything_happens_leaves_one_holder_each(scene: Scene) -> None:
    """Three leaders give A's cases to three people, A handles, and the search runs, all in the same second."""
    cases = [await taken(scene) for _ in range(4)]
    urgent = await taken(scene, EMERGENCY)
    parts = {case: (await scene.state(case)).parts[0].id for case in cases}

    async def attempt(to: str | None) -> str:
        try:
            await give(scene, ReassignReason.BY_SUPERVISOR, to)
        except Problem as refused:
            return refused.code
        return "given"

    async def handle(case: UUID) -> str:
        try:
            await scene.handle(parts[case], A)
        except Problem as refused:
            return refused.code
        return "handled"

    async def watch() -> Counter[UUID]:
        worst: Counter[UUID] = Counter()
        for _ in range(40):
            async with scene.database.transaction() as tx:
                live = await tx.rows(
                    "SELECT part_id, count(*) AS n FROM offers"
                    " WHERE state IN ('offered', 'accepted', 'arrived') GROUP BY part_id"
                )
            for row in live:
                worst[row["part_id"]] = max(worst[row["part_id"]], row["n"])
            await asyncio.sleep(0.005)
        return worst

    searches = [Matching(SEALER).turn(scene.database) for _ in range(3)]
    watching = asyncio.ensure_future(watch())
    attempts = [attempt(to) for to in (B, LEADER, None)]
    results: list[Any] = await asyncio.gather(*attempts, handle(cases[0]), *searches)
    assert set((await watching).values()) == {1}
    assert results[:3].count("given") == 1
    assert set(results[:3]) <= {"given", "nothing-to-hand-over"}
    await scene.settle()
    emergencies = Counter[str]()
    for case in (*cases, urgent):
        state = await scene.state(case)
        live = [offer for offer in state.offers if offer.live]
        assert len(live) <= 1
        emergencies.update(offer.person_id for offer in live if offer.emergency and offer.goes)
        assert not [one for one in live if one.person_id == A and one.state is not OfferState.OFFERED]
        await scene.check_books(case)
    assert set(emergencies.values()) <= {1}


async def test_who_may_hand_over_and_to_whom(service: Service, scene: Scene) -> None:
    case = await taken(scene)
    body: dict[str, Any] = {"reason": "by_supervisor", "to_person_id": B}
    path = f"/people/{A}/hand-over"
    for person, role, unit in (
        ("p-grid-b1-l", Role.GRID_LEADER, "grid-b1"),
        (B, Role.GRID_WORKER, "grid-a1"),
        ("p-community-b-s1", Role.SUPERVISOR, "community-b"),
    ):
        refused = await Phone(service, person, role, unit).post(path, **body)
        assert refused.status_code == 403, person
    leader = Phone(service, LEADER, Role.GRID_LEADER, "grid-a1")
    away = await leader.post(path, reason="by_supervisor", to_person_id="p-grid-b1-a")
    assert (away.status_code, away.json()["code"]) == (409, "may-not-be-given")
    assert (await leader.post("/people/p-nobody/hand-over", **body)).status_code == 404
    own = await Phone(service, A).post(path, reason="shift_ended", to_person_id="p-grid-a2-a")
    assert own.json()["code"] == "may-not-be-given"

    key = {"Idempotency-Key": "give-1"}
    given = [await leader.post(path, headers=key, **body) for _ in range(2)]
    assert given[0].json() == given[1].json()
    assert len(given[0].json()["part_ids"]) == 1
    assert await holder(scene, case) == B
    mine = await Phone(service, B).post(f"/people/{B}/hand-over", reason="shift_ended")
    assert mine.status_code == 200
    await scene.settle()
    assert (await scene.offer(case)).person_id == LEADER, "neither B nor, within a shift's length, A"
    await scene.check_books(case)
