"""The figures the field prints, made by cases and not by rows: every case is called in, gone to and handled."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from deploy.demo.api import Refused
from tests.journeys.town import Case, Town

pytestmark = [pytest.mark.stack, pytest.mark.cluster]

GRIDS = [f"grid-a{number}" for number in range(1, 8)]
EMERGENCIES, IN_TIME = 721, 687
ENDS = {"grid": 11, "community": 18, "street": 29, "civil_affairs": 20}


async def test_4_seven_hundred_and_twenty_one_emergencies_are_printed_as_n_of_d(town: Town) -> None:
    """One at a time in each grid; its A holder is there at once, and for the last 34 after sixteen minutes."""
    first = town.now
    for begun in range(0, IN_TIME, len(GRIDS)):
        await one_in_each(town, GRIDS[: IN_TIME - begun], begun, timedelta())
    for begun in range(IN_TIME, EMERGENCIES, len(GRIDS)):
        await one_in_each(town, GRIDS[: EMERGENCIES - begun], begun, timedelta(minutes=16))
    await town.pass_(minutes=16)

    assert await town.figure("on_time_arrival", "community-a", first) == "687/721"
    by_grid = [await town.figure("on_time_arrival", grid, first) for grid in GRIDS]
    assert sum(int(figure.split("/")[0]) for figure in by_grid) == IN_TIME
    assert sum(int(figure.split("/")[1]) for figure in by_grid) == EMERGENCIES


async def one_in_each(town: Town, grids: list[str], begun: int, late: timedelta) -> None:
    calls = (
        town.register("manhole-cover", grid, phone=f"1000001{begun + place:04}")
        for place, grid in enumerate(grids)
    )
    cases = list(await asyncio.gather(*calls))
    await town.settle()
    await asyncio.gather(*(accept(town, grid, case) for grid, case in zip(grids, cases, strict=True)))
    await town.pass_(seconds=late.total_seconds())
    await asyncio.gather(
        *(work(town, grid, case, bool(late)) for grid, case in zip(grids, cases, strict=True))
    )
    await town.settle()


async def accept(town: Town, grid: str, case: Case) -> None:
    a = await town.somebody(f"{grid}-a")
    offer = (await a.on_hand(case))["offer"]
    assert offer is not None, f"{a.id} is not offered {case.number}"
    accepted = await a.api.post(f"/api/dispatch/offers/{offer['offer_id']}/accept")
    assert not isinstance(accepted, Refused), accepted


async def work(town: Town, grid: str, case: Case, late: bool) -> None:
    """Everything at the place, without waiting for anybody else to hear of it."""
    a = await town.somebody(f"{grid}-a")
    part = f"/api/dispatch/parts/{await a.part(case)}"
    handled: dict[str, Any] = {"outcome": "solved"} | ({"late_cause": "traffic"} if late else {})
    done = [
        await a.api.post(f"{part}/arrive", {"method": "self_declared", "reason": "定位不可用"}),
        await a.photograph(case),
        await a.api.post(f"{part}/notes", {"note": "account", "text": "井盖不见了，已围挡。"}),
        await a.api.post(f"{part}/notes", {"note": "measure", "text": "换上新井盖。", "measure": "replace"}),
        await a.api.post(f"{part}/handle", handled),
    ]
    assert not any(isinstance(answer, Refused) for answer in done), done


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
    for case, level in cases:
        await solve(town, case, level)
    await town.settle()
    for case, _ in cases:
        answered = await town.answer(case, {"contacted": True, "solved": True, "satisfaction": "satisfied"})
        assert not isinstance(answered, Refused), answered

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


async def solve(town: Town, case: Case, level: str) -> None:
    holder = await town.somebody(str(await town.holder(case)).removeprefix("p-"))
    await holder.accept(case)
    if level != "grid":
        raised = await holder.act(
            f"/api/escalation/cases/{case.id}/escalate",
            {"reason": "needs_another_department", "to_level": level},
        )
        assert not isinstance(raised, Refused), raised
        offered = await town.happened(case, "case.offered")
        holder = await town.somebody(offered[-1]["data"]["person_id"].removeprefix("p-"))
        await holder.accept(case)
    handled = await holder.on_part(case, "handle", {"outcome": "solved", "text": "已处置。"})
    assert not isinstance(handled, Refused), handled
