"""Why somebody was asked and why nobody is: in words, and who may read how much of it."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.matching.chain import ChosenBecause, RemovedBy
from services.dispatch.matching.explaining import Because, Removed
from services.dispatch.rules.explaining import BECAUSE, BY_POLICY, POSTS, REMOVED, why_chosen, why_nobody
from services.dispatch.rules.facts import Offer, OfferState
from services.notify.channels.wording import source_of
from shared.events.dispatch import Candidate
from shared.going import DeclineReason, MatchingPolicy
from shared.ids import uuid7
from shared.service import Service
from shared.things import Name
from shared.vocabulary import Language, Post, Role
from tests.dispatch.phones import Phone
from tests.dispatch.world import START, A, B, Scene, directory

SUPERVISOR = ("p-street-s1", Role.SUPERVISOR, "street")


def an_offer(**more: Any) -> Offer:
    given: dict[str, Any] = {
        "id": uuid7(),
        "part_id": uuid7(),
        "person_id": A,
        "unit_id": "grid-a1",
        "post": Post.A,
        "turn": 1,
        "state": OfferState.OFFERED,
        "emergency": True,
        "goes": True,
        "offered_at": START,
        "expires_at": START,
        "eta_seconds": 361,
        "chosen_because": "a_holder",
    }
    return Offer(**given | more)


def weighed(person_id: str, post: Post = Post.WORKER, **more: Any) -> Candidate:
    return Candidate(person_id=person_id, post=post, **more)


ME = weighed(A, Post.A, eta_seconds=361, p_late=0.034)
NEXT = weighed(B, Post.B, eta_seconds=540, p_late=0.11)
OTHERS = (weighed("p-1", removed_by="off_duty"), weighed("p-2", removed_by="off_duty"))
BUSY = weighed("p-3", removed_by="on_emergency")


@pytest.mark.parametrize(
    ("offer", "candidates", "who", "zh", "en"),
    [
        (
            an_offer(policy="engine"),
            (ME, NEXT, *OTHERS, BUSY),
            None,
            "派给您（A岗）：本网格A岗；预计7分钟到场，迟到可能性约3%；其次是B岗，预计9分钟到场，迟到可能性约11%；"
            "另有3人不能去：2人不在岗、1人正在处理应急工单。",
            "You (A holder) were asked: the grid's own A holder; about 7 min to get there, about 3 % chance of being "
            "late; next best a B holder, about 9 min to get there, about 11 % chance of being late; 3 others could not "
            "go: 2 off duty, 1 on an emergency.",
        ),
        (
            an_offer(post=Post.WORKER, chosen_because="fastest", policy="nearest_free", eta_seconds=30),
            (weighed(A, p_late=0.0001),),
            Name(zh="王敏", en="Wang Min"),
            "派给王敏（网格员）：离得最近；预计1分钟到场，迟到可能性不到1%。",
            "Wang Min (worker) was asked: the nearest; about 1 min to get there, under 1 % chance of being late.",
        ),
        (
            an_offer(chosen_because="swap", swap_of=uuid7(), policy="engine"),
            (weighed(A, p_late=0.999),),
            None,
            "派给您（A岗）：途中改派，合计更多人能按时等到；预计7分钟到场，迟到可能性超过99%；"
            "您正赶往另一张工单，接单即改派，不接则照常前往。",
            "You (A holder) were asked: a swap, because more people are reached in time so; about 7 min to get there, "
            "over 99 % chance of being late; you are on the way to another case: accepting changes over to this one, "
            "anything else changes nothing.",
        ),
        (
            an_offer(post=Post.DUTY_OFFICER, chosen_because="duty_officer", eta_seconds=None),
            (),
            None,
            "派给您（值班干部）：单位值班。",
            "You (duty officer) were asked: on duty for the unit.",
        ),
        (
            an_offer(chosen_because="a code of tomorrow", eta_seconds=None),
            (weighed("p-4", removed_by="a filter of tomorrow"),),
            None,
            "派给您（A岗）：最合适；另有1人不能去：1人因其他原因不能去。",
            "You (A holder) were asked: the fittest; 1 other could not go: 1 unable for another reason.",
        ),
    ],
)
def test_one_sentence_says_why(
    offer: Offer, candidates: tuple[Candidate, ...], who: Name | None, zh: str, en: str
) -> None:
    assert why_chosen(offer, candidates, who) == Name(zh=zh, en=en)


def test_every_word_of_the_search_can_be_said() -> None:
    assert {*RemovedBy, *Removed} <= set(REMOVED)
    assert {*ChosenBecause, *Because} <= set(BECAUSE)
    assert {*MatchingPolicy} - {MatchingPolicy.ENGINE} == set(BY_POLICY)
    assert set(POSTS) == set(Post)
    for language in Language:
        assert {*ChosenBecause, *Because, "reassigned"} <= set(source_of(language)["terms"]["why"])


@pytest.mark.parametrize(
    ("candidates", "zh"),
    [
        ((), "暂无人可派：没有岗位合适的人。"),
        ((*OTHERS, BUSY), "暂无人可派：考虑了3人，2人不在岗、1人正在处理应急工单。"),
    ],
)
def test_why_nobody(candidates: tuple[Candidate, ...], zh: str) -> None:
    assert why_nobody(candidates).zh == zh


async def test_whoever_is_chosen_reads_why_without_the_others_names(service: Service, scene: Scene) -> None:
    await scene.registered()
    phone = Phone(service, A)
    [asked] = (await phone.get("/me")).json()["offers"]

    told = (await phone.get(f"/offers/{asked['offer']['offer_id']}/explanation")).json()

    assert told["sentence"] == asked["why"]
    assert told["sentence"]["zh"].startswith("派给您（A岗）：")
    first, *others = told["candidates"]
    assert (first["you"], first["chosen"], first["person_id"], first["post"]) == (True, True, A, "a")
    assert len(others) >= 3
    assert not any(one["person_id"] or one["name"] for one in others)
    assert all(one["eta_seconds"] is not None for one in others)
    assert not re.search(r"p-grid-a1-[blwv]", str(told)), "nobody else is named by any field"


async def test_a_supervisor_reads_who_they_were(service: Service, scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    supervisor = Phone(service, *SUPERVISOR)

    told = (await supervisor.get(f"/offers/{offer.id}/explanation")).json()

    names = {one["person_id"]: one["name"]["zh"] for one in told["candidates"]}
    assert {A, B} <= set(names)
    assert told["sentence"]["zh"].startswith(f"派给{names[A]}（A岗）：")
    assert (told["state"], told["case_id"]) == ("offered", str(case))


async def test_no_other_screen_says_more(service: Service, scene: Scene) -> None:
    """Who was weighed, how far off they were and why they could not go stands nowhere but for those who may read it."""
    case = await scene.registered()
    await scene.decline(await scene.offer(case), DeclineReason.BUSY)
    offer = await scene.offer(case)

    async def weighed(phone: Phone) -> list[dict[str, Any]]:
        page = (await phone.get(f"/cases/{case}")).json()
        assert len(page["offers"]) == 2
        return [one for told in page["offers"] for one in told["candidates"]]

    for outsider in (
        Phone(service, "p-operator-1", Role.OPERATOR, "civil-affairs"),
        Phone(service, "p-caller-1", Role.FOLLOW_UP_CALLER, "civil-affairs"),
        Phone(service, "p-grid-a1-l", Role.GRID_LEADER),
    ):
        assert await weighed(outsider) == []
    chosen = Phone(service, offer.person_id)
    [asked] = (await chosen.get("/me")).json()["offers"]
    for told in (await weighed(chosen), asked["offer"]["candidates"]):
        assert {one["person_id"] for one in told} == {None, offer.person_id}
        assert {one["post"] for one in told} > {"a", "b"}
    assert A in {one["person_id"] for one in await weighed(Phone(service, *SUPERVISOR))}


async def test_nobody_else_reads_it(service: Service, scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    path = f"/offers/{offer.id}/explanation"

    for stranger in (
        Phone(service, B),
        Phone(service, "p-grid-a1-l", Role.GRID_LEADER),
        Phone(service, "p-operator-1", Role.OPERATOR, "civil-affairs"),
        Phone(service, "p-elsewhere", Role.SUPERVISOR, "community-b"),
        Phone(service, "p-reader", Role.READER, "civil-affairs"),
    ):
        assert (await stranger.get(path)).status_code == 403
    assert (await Phone(service, *SUPERVISOR).get(f"/offers/{uuid7()}/explanation")).status_code == 404


async def test_who_was_asked_before_and_said_no_reads_their_own(service: Service, scene: Scene) -> None:
    case = await scene.registered()
    first = await scene.offer(case)
    await scene.decline(first, DeclineReason.BUSY)
    second = await scene.offer(case)

    own = await Phone(service, A).get(f"/offers/{first.id}/explanation")
    theirs = await Phone(service, A).get(f"/offers/{second.id}/explanation")

    assert (own.status_code, own.json()["state"]) == (200, "declined")
    assert theirs.status_code == 403


async def test_a_holder_reads_why_a_colleague_was_asked_to_help(service: Service, scene: Scene) -> None:
    case = await scene.registered()
    first = await scene.offer(case)
    await scene.accept(first)
    await scene.raised(case)
    officer = await scene.offer(case)

    told = (await Phone(service, A).get(f"/offers/{officer.id}/explanation")).json()

    assert told["sentence"]["zh"].startswith("派给同事（值班干部）")
    assert told["candidates"][0]["person_id"] is None


class TestNobody:
    @pytest.fixture
    def town(self) -> Any:
        return directory(only=())

    async def test_why_nobody_is_asked_is_counted_by_filter(self, service: Service, scene: Scene) -> None:
        part_id = await self.starving(scene)
        supervisor = Phone(service, *SUPERVISOR)

        told = (await supervisor.get(f"/parts/{part_id}/explanation")).json()

        assert set(told["removed"]) == {"off_duty"}
        assert told["removed"]["off_duty"] == len(told["candidates"]) > 0
        assert "人不在岗" in told["sentence"]["zh"]
        assert "off duty" in told["sentence"]["en"]

    async def test_only_supervisors_and_those_on_the_case_read_it(
        self, service: Service, scene: Scene
    ) -> None:
        part_id = await self.starving(scene)
        for stranger in (Phone(service, A), Phone(service, "p-x", Role.SUPERVISOR, "community-b")):
            assert (await stranger.get(f"/parts/{part_id}/explanation")).status_code == 403

    async def starving(self, scene: Scene) -> UUID:
        case = await scene.registered()
        [part] = (await scene.state(case)).parts
        assert part.nobody_since is not None
        return part.id


async def test_where_somebody_is_asked_there_is_nothing_to_explain(service: Service, scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)

    refused = await Phone(service, *SUPERVISOR).get(f"/parts/{offer.part_id}/explanation")

    assert (refused.status_code, refused.json()["code"]) == (409, "somebody-asked")
