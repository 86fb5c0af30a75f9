"""The figures the field prints, made by cases and not by rows: every case is called in, gone to and handled."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from deploy.demo.api import Refused
from tests.journeys.town import Case, Town

pytestmark = [pytest.mark.stack, pytest.mark.cluster]

GRIDS = [f"grid-a{number}" for number in range(1, 8)]
ENDS = {"grid": 11, "community": 18, "street": 29, "civil_affairs": 20}


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
