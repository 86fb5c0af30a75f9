"""The figures the field prints, made by cases and not by rows: every case is called in, gone to and handled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from deploy.demo.api import Refused
from deploy.demo.system import SimulatedSystem
from tests.journeys.conftest import Phones, a_system
from tests.journeys.town import SATISFIED, Case, Somebody, Town

pytestmark = [pytest.mark.stack, pytest.mark.cluster]

GRIDS = [f"grid-a{number}" for number in range(1, 8)]
EMERGENCIES, IN_TIME = 721, 687
AT_ONCE = 14
"""Emergencies at a time: the A and the B holder of each grid have one."""
ENDS = {"grid": 11, "community": 18, "street": 29, "civil_affairs": 20}


@pytest.fixture
def system(phones: Phones) -> Iterator[SimulatedSystem]:
    """Of its own: these journeys count what is in a whole community."""
    yield from a_system(phones)


async def test_4_seven_hundred_and_twenty_one_emergencies_are_printed_as_n_of_d(town: Town) -> None:
    """Two at a time in each grid; somebody is there at once, and for the last 34 after sixteen minutes."""
    first = town.now
    for begun in range(0, IN_TIME, AT_ONCE):
        await together(town, range(begun, min(begun + AT_ONCE, IN_TIME)), timedelta())
    for begun in range(IN_TIME, EMERGENCIES, AT_ONCE):
        await together(town, range(begun, min(begun + AT_ONCE, EMERGENCIES)), timedelta(minutes=16))
    await town.settle()

    assert await town.figure("on_time_arrival", "community-a", first) == "687/721"
    by_grid = [await town.figure("on_time_arrival", grid, first) for grid in GRIDS]
    in_time, all_of_them = zip(*(map(int, figure.split("/")) for figure in by_grid), strict=True)
    assert (sum(in_time), sum(all_of_them)) == (IN_TIME, EMERGENCIES)


async def together(town: Town, numbers: range, late: timedelta) -> None:
    """The same minute brings all of them; who is asked says yes and is there after `late`."""
    calls = (
        town.register("flooding", GRIDS[number % len(GRIDS)], phone=f"1000001{number:04}")
        for number in numbers
    )
    cases = list(await asyncio.gather(*calls))
    await town.settle()
    parts = await asyncio.gather(*(accepted(town, case) for case in cases))
    if late:
        await town.pass_(seconds=late.total_seconds())
    await asyncio.gather(
        *(worked(who, case, part, bool(late)) for case, (who, part) in zip(cases, parts, strict=True))
    )


async def accepted(town: Town, case: Case) -> tuple[Somebody, str]:
    who = await town.somebody(str(await town.holder(case)).removeprefix("p-"))
    offer = (await who.on_hand(case))["offer"]
    part = await who.api.post(f"/api/dispatch/offers/{offer['offer_id']}/accept")
    assert not isinstance(part, Refused), part
    return who, part["part_id"]


async def worked(who: Somebody, case: Case, part: str, late: bool) -> None:
    """Everything at the place, as the phone sends it, without waiting for anybody else to hear of it."""
    own = {"at": who.town.now.isoformat(), "part_id": part}
    arrival = {"method": "self_declared", "reason": "定位不可用"}
    there = await who.queued({"type": "arrive", **own, "body": arrival})
    photograph = await who.photograph(case, part)
    account = {"note": "account", "text": "水管爆裂，已关阀。"}
    measure = {"note": "measure", "text": "换上新管。", "measure": "repair"}
    end = {"outcome": "solved"} | ({"late_cause": "traffic"} if late else {})
    done = await who.queued(
        {"type": "note", **own, "body": account},
        {"type": "note", **own, "body": measure},
        {"type": "handle", **own, "body": end},
    )
    assert {result["status"] for result in there + done} == {"done"}, (there, photograph, done)


async def test_5_seventy_eight_cases_end_at_four_levels(town: Town) -> None:
    """What the grid cannot solve its holder raises to where it can be solved, and an officer there handles it."""
    await town.wait_for("09:00")  # residents are written to by day unless it is urgent
    first = town.now
    levels = [level for level, count in ENDS.items() for _ in range(count)]
    calls = (
        town.register("parking", GRIDS[place % len(GRIDS)], phone=f"1000002{place:04}")
        for place in range(len(levels))
    )
    cases = list(zip(await asyncio.gather(*calls), levels, strict=True))
    await town.settle()
    await asyncio.gather(*(taken_up(town, case) for case, _ in cases))
    await town.settle()
    await asyncio.gather(*(raised(town, case, level) for case, level in cases if level != "grid"))
    await town.settle()
    await asyncio.gather(*(taken_up(town, case) for case, level in cases if level != "grid"))
    await town.settle()
    await asyncio.gather(*(solved(town, case) for case, _ in cases))
    await town.settle()
    answers = await asyncio.gather(*(town.tap(case, SATISFIED) for case, _ in cases))
    assert not any(isinstance(answer, Refused) for answer in answers), answers
    await town.settle()

    supervisor = await town.somebody("civil-affairs-s1")
    asked = {"from": first.isoformat(), "to": (town.now + timedelta(hours=1)).isoformat()}
    resolved = await supervisor.api.get(
        "/api/insight/figures/resolved", unit="civil-affairs", by="resolved_level", **asked
    )
    assert {group["key"]: int(group["n"]) for group in resolved["groups"]} == ENDS
    assert resolved["printed"] == "78/78"
    behind = await supervisor.api.get(
        "/api/insight/figures/resolved/cases",
        unit="civil-affairs",
        resolved_level="street",
        side="n",
        **asked,
    )
    assert {row["case_id"] for row in behind["cases"]} == {
        case.id for case, level in cases if level == "street"
    }


async def who_is_asked(town: Town, case: Case) -> Somebody:
    """Who has the newest offer of the case."""
    offered = await town.happened(case, "case.offered")
    return await town.somebody(offered[-1]["data"]["person_id"].removeprefix("p-"))


async def taken_up(town: Town, case: Case) -> None:
    who = await who_is_asked(town, case)
    offer = (await who.on_hand(case))["offer"]
    part = await who.api.post(f"/api/dispatch/offers/{offer['offer_id']}/accept")
    assert not isinstance(part, Refused), part


async def raised(town: Town, case: Case, level: str) -> None:
    who = await who_is_asked(town, case)
    body = {"reason": "needs_another_department", "to_level": level}
    answer = await who.api.post(f"/api/escalation/cases/{case.id}/escalate", body)
    assert not isinstance(answer, Refused), answer


async def solved(town: Town, case: Case) -> None:
    who = await who_is_asked(town, case)
    part = await who.part(case)
    body = {"outcome": "solved", "text": "已处置。"}
    answer = await who.api.post(f"/api/dispatch/parts/{part}/handle", body)
    assert not isinstance(answer, Refused), answer
