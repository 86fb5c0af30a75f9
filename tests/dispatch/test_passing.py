"""A case goes from one to another: returned, handed down, shared, helped with, owned beside a volunteer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.handlers import passing
from services.dispatch.rules.facts import CaseState, OfferState, PartState
from shared.directory import Directory
from shared.event import Event
from shared.events.dispatch import (
    CaseHandedDown,
    CaseHandled,
    CaseOffered,
    CaseReturned,
    CoHandlerAsked,
    HelpAnswered,
    HelpRequested,
    PartEnded,
    PartHandled,
)
from shared.going import DeclineReason
from shared.problems import Problem
from shared.service import Service
from shared.things import Name, Person, PostHeld, Shift, Unit
from shared.vocabulary import Level, NoteKind, PartRole, Post, ReturnBasis, Role, Ruling
from tests.dispatch.phones import Phone
from tests.dispatch.world import START, A, B, Scene, a_closing, a_ruling, directory, doer

OFFICER, MARKET = "p-community-a-o1", "p-trade-1"


@pytest.fixture
def town() -> Directory:
    """With a department under the street that is no rung of any ladder, and one officer in it."""
    world = directory()
    name = Name(zh="市场监管所", en="Market regulation")
    world.units["trade-office"] = Unit(id="trade-office", kind="department", name=name, parent_id="street")
    world.people[MARKET] = Person(
        id=MARKET,
        name=name,
        posts=(PostHeld(post=Post.DUTY_OFFICER, unit_id="trade-office"),),
        badge="041",
    )
    world.shifts["s-trade"] = Shift(
        id="s-trade",
        person_id=MARKET,
        unit_id="trade-office",
        starts_at=START - timedelta(days=1),
        ends_at=START + timedelta(days=60),
    )
    world.pass_by(world.revision)
    return world


async def do(scene: Scene, act: Any, part_id: UUID, person_id: str, **body: Any) -> Any:
    """One of the handlers, with the command it takes, as the phone would send it."""
    from services.dispatch import commands

    command = {
        passing.return_part: commands.ReturnPart,
        passing.hand_down: commands.HandDown,
        passing.ask_co_handler: commands.AskCoHandler,
        passing.ask_for_help: commands.AskForHelp,
        passing.finish_task: commands.FinishTask,
    }[act]
    async with scene.database.transaction() as tx:
        done = await act(tx, part_id, command(**body), doer(person_id), scene.sealer)
    await scene.settle()
    return done


async def taken(scene: Scene, grid: str = "grid-a1", category: str = "road-damage", **more: Any) -> Any:
    case = await scene.registered(grid, category, **more)
    offer = await scene.offer(case)
    await scene.accept(offer)
    return case, offer


async def code_of(attempt: Any) -> str:
    with pytest.raises(Problem) as refused:
        await attempt
    assert refused.value.status == 409
    assert " / " in (refused.value.detail or "")
    return refused.value.code


async def only(scene: Scene, case: UUID, kind: type[Event]) -> Any:
    [event] = await scene.events(case, kind)
    return event


async def a_return(scene: Scene, part_id: UUID, person_id: str = A) -> Any:
    return await do(
        scene,
        passing.return_part,
        part_id,
        person_id,
        basis=ReturnBasis.DUTY_LIST,
        rightful_unit_id="trade-office",
        text="占道经营，归市场监管",
    )


async def test_7_a_refused_return_cannot_be_made_again_and_the_holder_goes_on(scene: Scene) -> None:
    case, offer = await taken(scene)
    await a_return(scene, offer.part_id)
    told = await only(scene, case, CaseReturned)
    assert (told.basis, told.rightful_unit_id) == (ReturnBasis.DUTY_LIST, "trade-office")
    assert len(told.digest) == 64
    assert await code_of(a_return(scene, offer.part_id)) == "return-pending"

    ruling = a_ruling(case, told.return_id, offer.part_id, Ruling.REFUSE, "", scene.now)
    await scene.hear(ruling)
    await scene.settle()
    state = await scene.state(case)
    assert state.live_offer(offer.part_id).person_id == A  # type: ignore[union-attr]
    assert await code_of(a_return(scene, offer.part_id)) == "return-refused-before"
    assert len(await scene.events(case, CaseOffered)) == 1
    await scene.check_books(case)


async def test_a_return_that_is_right_goes_to_the_rightful_unit(scene: Scene) -> None:
    case, offer = await taken(scene)
    await a_return(scene, offer.part_id)
    told = await only(scene, case, CaseReturned)
    await scene.hear(
        a_ruling(case, told.return_id, offer.part_id, Ruling.REDISPATCH, "trade-office", scene.now)
    )
    await scene.settle()
    given = await scene.offer(case)
    assert (given.person_id, given.part_id, given.chosen_because) == (MARKET, offer.part_id, "duty_officer")
    assert await code_of(scene.note(offer.part_id, A, NoteKind.PROGRESS)) == "offer-gone"
    await scene.accept(given)
    await scene.handle(offer.part_id, MARKET)
    assert (await only(scene, case, CaseHandled)).level is Level.GRID
    await scene.check_books(case)


async def test_an_officer_hands_a_case_down_with_instructions(scene: Scene) -> None:
    case, offer = await taken(scene)
    await scene.raised(case)
    above = await scene.offer(case)
    await scene.accept(above)
    body = {"to_unit_id": "grid-a2", "instructions": "请二网格先围挡"}
    assert await code_of(do(scene, passing.hand_down, offer.part_id, A, **body)) == "owner-only"
    for unit, code in (("grid-b1", "not-below"), ("community-a", "not-below")):
        wrong = body | {"to_unit_id": unit}
        officer = above.person_id
        assert await code_of(do(scene, passing.hand_down, above.part_id, officer, **wrong)) == code

    await do(scene, passing.hand_down, above.part_id, above.person_id, **body)
    told = await only(scene, case, CaseHandedDown)
    assert (told.to_unit_id, told.goes, told.level) == ("grid-a2", True, Level.COMMUNITY)
    below = await scene.offer(case)
    assert (below.person_id, below.part_id) == ("p-grid-a2-a", above.part_id)
    state = await scene.state(case)
    assert (state.case.level, state.owner.level) == (Level.COMMUNITY, Level.COMMUNITY)  # type: ignore[union-attr]
    await scene.accept(below)
    await scene.handle(below.part_id, below.person_id)
    await scene.check_books(case)


async def test_a_co_handler_has_a_task_and_is_told_the_end(scene: Scene) -> None:
    case, offer = await taken(scene)
    for unit, due in (("trade-office", scene.now + timedelta(days=1)), ("community-a", None)):
        await do(scene, passing.ask_co_handler, offer.part_id, A, unit_id=unit, task="请到场核查", due_at=due)
    first, second = await scene.events(case, CoHandlerAsked)
    assert (first.due_at, first.asked_by, first.part_role) == (
        scene.now + timedelta(days=1),
        A,
        PartRole.CO_HANDLER,
    )
    helper = await scene.offer(case, first.part_id)
    assert helper.person_id == MARKET
    await scene.decline(helper)
    await scene.until(3600)
    await scene.accept(await scene.offer(case, first.part_id))
    assert await code_of(scene.handle(first.part_id, MARKET)) == "task-only"
    assert await code_of(do(scene, passing.finish_task, offer.part_id, A)) == "owner-finishes"
    await do(scene, passing.finish_task, first.part_id, MARKET, text="已核查")
    assert (await only(scene, case, PartHandled)).part_id == first.part_id

    await scene.accept(await scene.offer(case, second.part_id))
    await scene.handle(offer.part_id, A)
    await scene.hear(a_closing(case, at=scene.now))
    ended = {one.person_id for one in await scene.events(case, PartEnded)}
    assert ended == {A, MARKET, (await scene.state(case)).offers[-1].person_id}
    await scene.check_books(case)


async def test_a_call_for_help_names_who_came(scene: Scene) -> None:
    case, offer = await taken(scene, category="manhole-cover")
    _, help_id = await do(scene, passing.ask_for_help, offer.part_id, A, text="一个人围不住")
    call = await only(scene, case, HelpRequested)
    assert (call.help_id, call.unit_ids) == (help_id, ("grid-a1", "community-a"))
    asked = {one.unit_id: one for one in await scene.events(case, CoHandlerAsked)}
    beside = await scene.offer(case, asked["grid-a1"].part_id)
    assert (beside.person_id, beside.goes, beside.emergency) == (B, True, True)
    await scene.accept(beside)
    came = await only(scene, case, HelpAnswered)
    assert (came.help_id, came.person_id, came.part_id) == (help_id, B, beside.part_id)
    assert await code_of(do(scene, passing.finish_task, beside.part_id, B)) == "arrive-first"
    await scene.arrive(beside.part_id, B)
    await do(scene, passing.finish_task, beside.part_id, B)
    other = await scene.registered()
    assert (await scene.offer(other)).person_id == B, "done with the task, B is free for the next emergency"
    await scene.check_books(case)


async def test_who_came_stays_on_the_page_when_the_case_is_closed(service: Service, scene: Scene) -> None:
    case, offer = await taken(scene)
    await do(scene, passing.ask_for_help, offer.part_id, A, text="请来人", unit_ids=["grid-a1"])
    beside = await scene.offer(case)
    await scene.accept(beside)
    await scene.arrive(beside.part_id, beside.person_id)
    await scene.handle(offer.part_id, A)

    phone = Phone(service, A)
    handled = (await phone.get(f"/cases/{case}")).json()
    await scene.hear(a_closing(case, at=scene.now))
    closed = (await phone.get(f"/cases/{case}")).json()

    [came] = closed["help"][0]["came"]
    assert (came["person_id"], came["arrived_at"] is not None) == (beside.person_id, True)
    assert closed["help"] == handled["help"]
    for field in ("holder", "accepted_at", "arrived_at", "contacted_at"):
        assert [part[field] for part in closed["parts"]] == [part[field] for part in handled["parts"]], field
    assert [part["holder"] for part in closed["parts"]] == [A, beside.person_id]
    await scene.check_books(case)


async def test_when_a_volunteer_goes_the_grids_holder_stays_owner(scene: Scene) -> None:
    case = await scene.registered()
    for _ in range(2):
        await scene.decline(await scene.offer(case), DeclineReason.UNFIT)
    while (offer := await scene.offer(case)).post is not Post.VOLUNTEER:
        await scene.decline(offer, DeclineReason.UNFIT)
    await scene.accept(offer)
    state = await scene.state(case)
    assert (state.part(offer.part_id).role, state.part(offer.part_id).goes) == (PartRole.CO_HANDLER, True)
    owner = state.owner
    assert owner is not None
    assert (owner.level, owner.unit_id, owner.goes) == (Level.GRID, "grid-a1", False)

    held = await scene.offer(case, owner.id)
    assert held.post is Post.LEADER, "A and B said that they are unfit for this case"
    await scene.arrive(offer.part_id, offer.person_id)
    await scene.do_the_musts(offer.part_id, offer.person_id)
    assert await code_of(scene.handle(offer.part_id, offer.person_id)) == "volunteer-helps"
    await scene.accept(held)
    await do(scene, passing.finish_task, offer.part_id, offer.person_id)
    await scene.handle(owner.id, held.person_id)
    assert (await scene.state(case)).case.state is CaseState.HANDLED
    await scene.check_books(case)


async def test_help_and_tasks_end_with_the_case(scene: Scene) -> None:
    """Also where nobody has come yet: nothing is searched for a case that is handled."""
    case, offer = await taken(scene)
    await do(scene, passing.ask_for_help, offer.part_id, A, text="请来人", unit_ids=["community-a"])
    await scene.handle(offer.part_id, A)
    state = await scene.state(case)
    assert not [part for part in state.parts if part.state is PartState.WAITING]
    assert not [one for one in state.offers if one.state is OfferState.OFFERED]
    await scene.check_books(case)


async def test_the_routes_of_passing_on(service: Service, scene: Scene) -> None:
    """By whom, on which version, under one key, and with words in both languages."""
    case, phone, stranger = (
        await scene.registered(category="road-damage"),
        Phone(service, A),
        Phone(service, "p-x"),
    )
    offer = await scene.offer(case)
    part = f"/parts/{offer.part_id}"
    first = await phone.post(f"/offers/{offer.id}/accept")
    version = first.headers["etag"]
    page = await phone.get(f"/cases/{case}")
    assert page.headers["etag"] == version

    task: dict[str, Any] = {"unit_id": "trade-office", "task": "请核查证照"}
    assert (await stranger.post(f"{part}/co-handlers", **task)).json()["code"] == "not-yours"
    stale = await phone.post(f"{part}/co-handlers", headers={"If-Match": '"1"'}, **task)
    assert (stale.status_code, stale.json()["code"]) == (412, "changed-meanwhile")
    assert stale.headers["etag"] == version
    asked = [
        await phone.post(
            f"{part}/co-handlers", headers={"If-Match": version, "Idempotency-Key": "once"}, **task
        )
        for _ in range(2)
    ]
    assert [one.status_code for one in asked] == [201, 201]
    assert asked[0].json() == asked[1].json()
    assert asked[0].json()["role"] == "co_handler"
    await scene.settle()

    wrong = await phone.post(f"{part}/co-handlers", unit_id="nowhere", task="x")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "unknown-unit")
    late = await phone.post(f"{part}/co-handlers", due_at=(START - timedelta(hours=1)).isoformat(), **task)
    assert late.json()["code"] == "due-already"
    down: dict[str, Any] = {"to_unit_id": "grid-a2", "instructions": "x"}
    assert (await phone.post(f"{part}/hand-down", **down)).status_code == 403
    officer = Phone(service, "p-community-a-o1", Role.UNIT_OFFICER, "community-a")
    assert (await officer.post(f"{part}/hand-down", **down)).json()["code"] == "not-yours"
    assert (await phone.post(f"{part}/done")).json()["code"] == "owner-finishes"

    helped = await phone.post(f"{part}/help", text="请来人")
    assert helped.status_code == 201
    returned = await phone.post(
        f"{part}/return", basis="law", rightful_unit_id="trade-office", text="依法归市场监管"
    )
    assert returned.json()["return_pending"] is True
    page = (await phone.get(f"/cases/{case}")).json()
    assert page["help"][0]["unit_ids"] == ["grid-a1", "community-a"]
    assert {one["kind"]: one["text"] for one in page["statements"]}["return"] == "依法归市场监管"
    assert [one["task"] for one in page["parts"][1:]] == ["请核查证照", "请来人", "请来人"]
    market = Phone(service, MARKET, Role.UNIT_OFFICER, "trade-office")
    [asked_for] = (await market.get("/me")).json()["offers"]
    assert asked_for["task"] == "请核查证照"
    assert (await stranger.get(f"/cases/{case}")).status_code == 403
    await scene.check_books(case)
