"""The scenarios of a case's life, from the call to the resident's answer, on the whole system."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from deploy.demo.api import Refused
from tests.journeys.town import NOT_SOLVED, SATISFIED, Town

pytestmark = [pytest.mark.stack, pytest.mark.cluster]

MINUTE = timedelta(minutes=1)


async def test_1_at_night_the_a_holder_sleeps_and_the_b_holder_is_there_in_time(town: Town) -> None:
    await town.wait_for("02:10")
    case = await town.call("manhole-cover", "grid-a1", phone="10000000001")
    assert await town.holder(case) == "p-grid-a1-a"

    await town.until(case.registered_at + MINUTE)
    assert await town.holder(case) == "p-grid-a1-b"
    b = await town.somebody("grid-a1-b")
    await b.accept(case)
    await town.until(case.registered_at + 14 * MINUTE)
    await b.arrive(case)
    await b.do_the_musts(case)
    await town.pass_(minutes=20)
    await b.handle(case)
    assert (await town.row(case))["closed_at"] is None, "handled is not closed"
    await town.answer(case, SATISFIED)

    row = await town.row(case)
    assert (row["outcome"], row["resolved_level"], row["lapses"]) == ("solved", "grid", 1)
    [arrived] = await town.happened(case, "worker.arrived")
    assert arrived["after"] == 14 * MINUTE
    assert await town.figure("on_time_arrival", "grid-a1", case.registered_at) == "1/1"
    assert [message["type"] for message in town.texts(case)] == [
        "registered",
        "worker_coming",
        "please_answer",
    ]


async def test_2_a_late_arrival_is_recorded_with_its_cause_and_counted_late(town: Town) -> None:
    case = await town.call("street-lamp", "grid-a2", phone="10000000002")
    a = await town.somebody("grid-a2-a")
    await a.accept(case)
    await town.until(case.registered_at + 17 * MINUTE)
    await a.arrive(case)
    await a.do_the_musts(case)
    unexplained = await a.handle(case)
    assert isinstance(unexplained, Refused)
    assert unexplained.kind == "late-cause-needed"
    await a.handle(case, late_cause="traffic")
    await town.answer(case, SATISFIED)

    row = await town.row(case)
    assert (row["outcome"], row["late_cause"]) == ("solved", "traffic")
    [missed] = await town.happened(case, "deadline.missed")
    assert (missed["after"], missed["data"]["kind"]) == (15 * MINUTE, "arrive")
    assert await town.figure("on_time_arrival", "grid-a2", case.registered_at) == "0/1"


async def test_3_nobody_answers_and_every_step_comes_at_its_absolute_time(town: Town) -> None:
    await town.wait_for("02:10")
    case = await town.call("gas-leak", "grid-a3", phone="10000000003")
    await town.until(case.registered_at + 32 * MINUTE)

    asked = [
        (line["data"]["person_id"].removeprefix("p-grid-a3-"), line["after"])
        for line in await town.happened(case, "case.offered")
        if line["data"]["goes"]
    ]
    assert asked[:2] == [("a", timedelta(0)), ("b", MINUTE)], asked
    assert ("l", 3 * MINUTE) in asked, asked
    raises = [
        (line["after"], line["data"]["to_level"]) for line in await town.happened(case, "case.escalated")
    ]
    assert raises == [(6 * MINUTE, "community"), (16 * MINUTE, "street"), (31 * MINUTE, "civil_affairs")]
    for account in ("community-a-s1", "street-s1", "civil-affairs-s1"):
        assert "case_raised" in await (await town.somebody(account)).told(case)
    searching = await town.holder(case)
    assert searching is not None, "the search for somebody to go goes on"

    going = await town.somebody(searching.removeprefix("p-"))
    await going.accept(case)
    await going.arrive(case)
    await going.do_the_musts(case)
    handled = await going.handle(case, late_cause="offered_late")
    assert not isinstance(handled, Refused), handled
    await town.answer(case, SATISFIED)
    row = await town.row(case)
    assert (row["outcome"], row["resolved_level"]) == ("solved", "civil_affairs")


async def test_8_a_dissatisfied_resident_reopens_the_case_one_level_up_and_its_first_clock_goes_on(
    town: Town,
) -> None:
    case = await town.call("flooding", "grid-a4", phone="10000000008")
    a = await town.somebody("grid-a4-a")
    await a.accept(case)
    await town.pass_(minutes=5)
    await a.arrive(case)
    await a.do_the_musts(case)
    await a.handle(case)
    await town.pass_(hours=1)
    await town.answer(case, NOT_SOLVED)

    row = await town.row(case)
    assert (row["round"], row["level"], row["closed_at"]) == (2, "community", None)
    assert row["supervisions"][0]["kind"] == "ordinary"
    assert "case_reopened" in await a.told(case)
    assert await town.figure("solution_rate", "grid-a4", case.registered_at) == "0/1"
    [reopened] = await town.happened(case, "case.reopened")
    assert reopened["after"] > timedelta(hours=1), "counted from the first registration, not anew"

    officers = [line["data"]["person_id"] for line in await town.happened(case, "case.offered")]
    officer = await town.somebody(officers[-1].removeprefix("p-"))
    await officer.accept(case)
    handled = await officer.handle(case)
    assert not isinstance(handled, Refused), handled
    await town.answer(case, SATISFIED)
    row = await town.row(case)
    assert (row["outcome"], row["resolved_level"], row["reopened_count"]) == ("solved", "community", 1)
    figure = await town.figure("solution_rate", "grid-a4", case.registered_at)
    assert figure == "1/2", "the first answer stays counted as not solved"


async def test_10_in_the_same_second_one_wins_and_the_others_are_told_what_to_do(town: Town) -> None:
    case = await town.call("fire", "grid-a5", phone="10000000010")
    a, b = await town.somebody("grid-a5-a"), await town.somebody("grid-a5-b")
    supervisor = await town.somebody("community-a-s1")
    offer = (await a.on_hand(case))["offer"]
    accept = f"/api/dispatch/offers/{offer['offer_id']}/accept"
    decline = f"/api/dispatch/offers/{offer['offer_id']}/decline"

    accepted, stolen, declined, raised = await asyncio.gather(
        a.api.post(accept),
        b.api.post(accept),
        a.api.post(decline, {"reason": "busy"}),
        supervisor.api.post(f"/api/escalation/cases/{case.id}/escalate", {"reason": "danger_grows"}),
    )
    await town.settle()
    assert isinstance(stolen, Refused)
    assert stolen.status in (403, 404, 409)
    assert stolen.problem["title"]
    assert isinstance(accepted, Refused) != isinstance(declined, Refused), (
        "either it was accepted or it was declined"
    )
    loser = accepted if isinstance(accepted, Refused) else declined
    assert loser.status == 409
    assert loser.problem["detail"], "says what to do"
    assert not isinstance(raised, Refused), "a raise by hand stands beside an acceptance"

    row = await town.row(case)
    live = [part for part in row["parts"] if part["state"] in ("offered", "accepted", "arrived")]
    assert len({part["part_id"] for part in live}) == len(live) == 2, "who goes, and the community's officer"
    assert row["level"] == "community"
    going = await town.somebody(str(await town.holder(case)).removeprefix("p-"))
    if (await going.on_hand(case))["offer"] is not None:
        await going.accept(case)
    await going.arrive(case)
    await going.do_the_musts(case)
    await going.handle(case)
    await town.answer(case, SATISFIED)
    assert (await town.row(case))["outcome"] == "solved"
