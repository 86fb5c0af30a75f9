"""What the books ask at the end of a day: is every figure as long as the list behind it?"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from os import environ
from typing import Any

import httpx
import pytest

from services.insight.check import count
from services.insight.check.count import Disagreement, check, told
from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts
from services.insight.rules.naming import Dimension
from shared.database import Database
from shared.vocabulary import Role
from tests.insight.stories import manhole_at_night, nobody_answers, satisfied
from tests.insight.story import Story
from tests.insight.test_figures_of_cases import everything_that_happens
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
# The one answer told once more: what a follow-up opened twice would leave behind.
A_SECOND_ANSWER = """
    INSERT INTO follow_ups SELECT made.* FROM follow_ups AS f,
    LATERAL jsonb_populate_record(f, jsonb_build_object('follow_up_id', gen_random_uuid())) AS made
"""
EVERYBODY_S = ("civil-affairs", "community-a", "grid-a1", "street")


async def test_every_figure_agrees_with_the_list_behind_it(
    database: Database, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that can happen to a case, in every unit and group, page after page."""
    monkeypatch.setattr(count, "PAGE_ROWS", 3)
    await fold_stories(*everything_that_happens())
    found = await check(database)
    assert told(found) == "every figure is as long as its drill-down"


async def test_a_city_without_cases_agrees(database: Database) -> None:
    assert await check(database) == []


async def test_an_answer_told_twice_is_found(database: Database, fold_stories: FoldStories) -> None:
    await fold_stories(satisfied(manhole_at_night()))
    async with database.transaction() as tx:
        await tx.rows(A_SECOND_ANSWER)
    found = await check(database)
    assert {wrong.figure for wrong in found} == {
        *("solution_rate", "satisfaction_rate", "response_rate"),
        *("follow_ups_reached", "follow_ups_coached"),
    }
    whole = [wrong for wrong in found if wrong.figure == "solution_rate" and not wrong.by]
    assert whole == [
        Disagreement("solution_rate", unit, "", "", side, Decimal(2), Decimal(1))
        for unit in EVERYBODY_S
        for side in ("n", "d")
    ]
    assert ("unit", "grid-a1") in {(wrong.by, wrong.key) for wrong in found if wrong.unit_id == "community-a"}


async def test_a_list_that_forgets_somebody_is_found(
    database: Database, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drill-down whose query leaves out what the figure counts: here the last of every full page."""
    await fold_stories(*(manhole_at_night(number=f"1000-{n}") for n in range(3)))
    counted_by = DEFINITIONS["registered"].counts
    cut = counts.PAGES[counted_by].replace("LIMIT :most", "LIMIT :most - 1")
    monkeypatch.setitem(counts.PAGES, counted_by, cut)
    monkeypatch.setattr(count, "PAGE_ROWS", 2)
    found = await check(database)
    assert {(wrong.figure, wrong.counted, wrong.listed) for wrong in found} == {
        ("registered", Decimal(3), Decimal(2))
    }
    assert {wrong.side for wrong in found} == {"n", "d"}


async def test_a_split_that_loses_somebody_is_found(
    database: Database, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fold_stories(manhole_at_night(), nobody_answers())
    of = (DEFINITIONS["registered"].counts, Dimension.CATEGORY)
    monkeypatch.setitem(counts.GROUPED, of, counts.GROUPED[of] + " OFFSET 1")
    found = await check(database)
    assert {(wrong.by, wrong.key, wrong.listed) for wrong in found} == {("category", "", Decimal(0))}


async def run(database: Database) -> tuple[int | None, str]:
    """The command, as the books run it."""
    environment = {
        **environ,
        "DATABASE_URL": database.url,
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "YIKE_ENV": "test",
    }
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.insight.check"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    return running.returncode, said.decode()


async def test_the_command_prints_what_does_not_agree(database: Database, fold_stories: FoldStories) -> None:
    await fold_stories(satisfied(manhole_at_night()))
    assert await run(database) == (0, "every figure is as long as its drill-down\n")
    async with database.transaction() as tx:
        await tx.rows(A_SECOND_ANSWER)
    code, said = await run(database)
    lines = [line.split() for line in said.splitlines()]
    assert code == 1
    assert lines[0] == ["figure", "unit", "by", "group", "side", "figure", "says", "drill-down", "lists"]
    assert ["solution_rate", "community-a", "unit", "grid-a1", "d", "2", "1"] in lines
    assert said.endswith(f"{len(lines) - 2} do not agree\n")


# ── the groups' own drill-downs over HTTP ─────────────────────────────────────────────────────────────────────────


async def numbers(client: httpx.AsyncClient, figure: str, **narrowed: Any) -> list[str]:
    headers = an_issuer().headers("p-somebody", (Role.SUPERVISOR, "street"))
    params = {"from": "2026-03-01", "to": "2026-03-31", "unit": "community-a", **narrowed}
    answer = await client.get(f"/figures/{figure}/cases", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return [case["number"] for case in answer.json()["cases"]]


async def test_cases_at_the_unit_itself_have_a_drill_down(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    """A place in no grid: the group is named after the community, whose own drill-down would list its grids' too."""
    of_nobody = Story(number="4200-1")
    of_nobody.registered(grid_id=None, unit_path=("civil-affairs", "street", "community-a"))
    await fold_stories(of_nobody, satisfied(manhole_at_night(number="4200-2")))
    assert await numbers(client, "registered", below="community-a") == ["4200-1"]
    assert await numbers(client, "registered", below="grid-a1") == ["4200-2"]
    assert sorted(await numbers(client, "registered")) == ["4200-1", "4200-2"]


async def test_cases_that_no_level_resolved_have_a_drill_down(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(manhole_at_night(number="4300-1"), satisfied(manhole_at_night(number="4300-2")))
    assert await numbers(client, "registered", resolved_level="") == ["4300-1"]
    assert await numbers(client, "registered", source="") == ["4300-1", "4300-2"]
    assert await numbers(client, "registered", resolved_level="grid") == ["4300-2"]
