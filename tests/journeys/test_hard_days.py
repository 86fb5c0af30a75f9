"""The scenarios of the harder days: many callers about one thing, a case that is not theirs, a phone without signal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deploy.demo.api import Refused
from tests.journeys.town import NOT_SOLVED, SATISFIED, Case, Town

pytestmark = [pytest.mark.stack, pytest.mark.cluster]

CALLERS = 40


async def test_6_a_burst_pipe_forty_callers_one_parent_each_told_and_each_asked(town: Town) -> None:
    operator = await town.somebody("operator-1")
    parent = await town.call("flooding", "grid-a6", phone="10000000600")
    children: list[Case] = []
    for caller in range(1, CALLERS):
        await town.pass_(seconds=15)
        child = await town.call("flooding", "grid-a6", phone=f"100000006{caller:02}")
        found = await operator.api.get(f"/api/intake/cases/{child.id}/duplicates")
        assert parent.id in [candidate["case_id"] for candidate in found["items"]]
        merged = await operator.act(f"/api/intake/cases/{child.id}/merge", {"with_case_id": parent.id})
        assert not isinstance(merged, Refused), merged
        children.append(child)
    assert len((await town.row(parent))["children"]) == CALLERS - 1
    for child in children:
        assert "case_merged" in [message["type"] for message in town.texts(child)], "each caller is told"
        assert await town.holder(child) is None, "nobody is sent twice"

    going = await town.somebody(str(await town.holder(parent)).removeprefix("p-"))
    await going.accept(parent)
    await going.arrive(parent)
    await going.do_the_musts(parent)
    handled = await going.handle(parent)
    assert not isinstance(handled, Refused), handled
    for case in (parent, *children):
        await town.answer(case, SATISFIED)

    assert (await town.row(parent))["outcome"] == "solved"
    ends = [await town.row(child) for child in children]
    assert {(end["outcome"], end["closed_by"]) for end in ends} == {("merged", "follow_up")}


async def test_7_a_return_is_refused_cannot_be_made_again_and_the_residents_clock_never_stopped(
    town: Town,
) -> None:
    await town.wait_for("09:00")  # residents are written to by day unless it is urgent
    case = await town.call("street-stall", "grid-a7", phone="10000000007")
    before = await town.clocks(case)
    a = await town.somebody(str(await town.holder(case)).removeprefix("p-"))
    await a.accept(case)
    returned = await a.return_(case, to="market-regulation")
    assert not isinstance(returned, Refused), returned
    [asked] = await town.happened(case, "case.returned")

    officer = await town.somebody("community-a-s1")
    ruling = f"/api/escalation/cases/{case.id}/returns/{asked['data']['return_id']}/ruling"
    ruled = await officer.act(ruling, {"ruling": "refuse", "text": "占道经营由网格先劝导。"})
    assert not isinstance(ruled, Refused), ruled
    assert "return_ruled" in await a.told(case)

    again = await a.return_(case, to="market-regulation")
    assert isinstance(again, Refused)
    assert again.kind == "return-refused-before"
    assert (await town.clocks(case))["handle"] == before["handle"], "the resident's clock never stopped"
    handled = await a.handle(case)
    assert not isinstance(handled, Refused), handled
    await town.answer(case, SATISFIED)
    assert (await town.row(case))["outcome"] == "solved"


async def test_8_again_a_merged_caller_is_not_satisfied_and_the_parent_goes_on_once(town: Town) -> None:
    operator = await town.somebody("operator-1")
    parent = await town.call("flooding", "grid-a2", phone="10000000801")
    child = await town.call("flooding", "grid-a2", phone="10000000802")
    await operator.act(f"/api/intake/cases/{child.id}/merge", {"with_case_id": parent.id})
    going = await town.somebody(str(await town.holder(parent)).removeprefix("p-"))
    await going.accept(parent)
    await going.arrive(parent)
    await going.do_the_musts(parent)
    await going.handle(parent)
    await town.answer(child, NOT_SOLVED)
    assert (await town.row(parent))["reopened_count"] == 1
    await town.answer(parent, NOT_SOLVED)
    assert (await town.row(parent))["reopened_count"] == 1, "once for all who asked"


async def test_9_in_a_basement_the_phone_queues_everything_and_both_times_are_kept(town: Town) -> None:
    case = await town.call("lift-trapped", "grid-a1", phone="10000000009")
    a = await town.somebody(str(await town.holder(case)).removeprefix("p-"))
    on_hand = await a.on_hand(case)
    offer, done_at = on_hand["offer"], town.now
    await town.pass_(seconds=20)
    [accepted] = await a.sync({"type": "accept", "at": done_at.isoformat(), "offer_id": offer["offer_id"]})
    assert accepted["status"] == "done", accepted

    part = await a.part(case)
    at = [(done_at + timedelta(minutes=minute)).isoformat() for minute in (5, 6, 20)]
    await town.pass_(minutes=60)
    before_the_photo = await a.sync(
        {"type": "arrive", "at": at[0], "part_id": part}
        | {"body": {"method": "self_declared", "reason": "地下室无信号"}},
        {"type": "note", "at": at[1], "part_id": part}
        | {"body": {"note": "account", "text": "被困一人，已安抚。"}},
    )
    assert [result["status"] for result in before_the_photo] == ["done", "done"], before_the_photo
    await a.photograph(case)
    after_it = await a.sync(
        {"type": "note", "at": at[2], "part_id": part}
        | {"body": {"note": "measure", "text": "维保到场放人。", "measure": "rescue"}},
        {"type": "handle", "at": at[2], "part_id": part}
        | {"body": {"outcome": "solved", "late_cause": "other"}},
    )
    assert [result["status"] for result in after_it] == ["done", "done"], after_it

    [arrived] = await town.happened(case, "worker.arrived")
    assert arrived["after"] >= timedelta(minutes=60), "the server's time decides"
    assert arrived["data"]["device_at"] is not None, "and the phone's own stands beside it"
    assert await town.figure("on_time_arrival", "grid-a1", case.registered_at) == "0/1"
    await town.answer(case, SATISFIED)
    assert (await town.row(case))["outcome"] == "solved"
