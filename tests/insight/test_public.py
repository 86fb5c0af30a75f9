"""What everybody may read: months that are over, published once, with nothing small in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from services.insight.figures.definition import Form
from services.insight.figures.public import PUBLIC
from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts
from services.insight.queries.counts import Scope
from services.insight.rules import months
from services.insight.rules.months import due
from services.insight.rules.suppression import SMALL
from services.insight.upkeep import Publishing
from shared.database import Database
from shared.health import Beat
from shared.vocabulary import Role, Urgency
from tests.insight.matters_of_intake import merged
from tests.insight.stories import dissatisfied, manhole_at_night, nobody_answers, satisfied
from tests.insight.story import CALLED, Story
from tests.people import an_issuer
from tests.shared.plumbing.conftest import running, until

FoldStories = Callable[..., Awaitable[None]]
ZONE = ZoneInfo("Asia/Shanghai")
MARCH = date(2026, 3, 1)


def test_public_figures_are_whole_numbers_of_cases() -> None:
    names = [name for population in PUBLIC for name in population.figures]
    assert len(set(names)) == len(names)
    for name in names:
        assert not DEFINITIONS[name].weights
        assert DEFINITIONS[name].form is not Form.PER_CASE


@pytest.mark.parametrize(
    ("first", "published", "now", "expected"),
    [
        (None, [], datetime(2026, 5, 1, tzinfo=UTC), []),
        (CALLED, [], datetime(2026, 4, 3, 15, 59, tzinfo=UTC), []),
        (CALLED, [], datetime(2026, 4, 3, 16, 0, tzinfo=UTC), [MARCH]),  # three local days later
        (CALLED, [MARCH], datetime(2026, 4, 30, tzinfo=UTC), []),
        (CALLED, [MARCH], datetime(2026, 6, 10, tzinfo=UTC), [date(2026, 4, 1), date(2026, 5, 1)]),
        # 31 March, 17:00 UTC is April in Shanghai.
        (datetime(2026, 3, 31, 17, tzinfo=UTC), [], datetime(2026, 4, 30, tzinfo=UTC), []),
        (
            datetime(2025, 11, 30, tzinfo=UTC),
            [],
            datetime(2026, 1, 5, tzinfo=UTC),
            [date(2025, 11, 1), date(2025, 12, 1)],
        ),
    ],
)
def test_a_month_is_due_once_it_is_over(
    first: datetime | None, published: list[date], now: datetime, expected: list[date]
) -> None:
    assert due(first, published, now, ZONE, after_days=3) == expected


def in_community(story: Story, community: str, grid: str) -> Story:
    first = story.told[0]
    path = ("civil-affairs", "street", community, grid)
    first.event = first.event.model_copy(update={"unit_path": path, "grid_id": grid})
    return story


def a_month() -> list[Story]:
    """Forty emergencies in one community (six late, two dissatisfied), thirty in the other (all but six late)."""
    stories = [satisfied(manhole_at_night(arrives=17 if n < 6 else 12)) for n in range(38)]
    stories += [dissatisfied(manhole_at_night()) for _ in range(2)]
    stories += [
        in_community(satisfied(manhole_at_night(arrives=12 if n < 6 else 18)), "community-b", "grid-b1")
        for n in range(30)
    ]
    return stories


async def stand_at(database: Database, moment: datetime) -> None:
    async with database.transaction() as tx:
        await tx.rows(
            "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :at, 0)",
            at=moment,
        )


def cells(figures: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for figure in figures:
        yield figure["name"], figure["total"]
        for table in figure["tables"]:
            for group in table["groups"]:
                yield figure["name"], group


async def test_a_month_is_published_once_and_for_everybody(
    client: httpx.AsyncClient, database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(*a_month())
    await stand_at(database, CALLED + timedelta(days=40))
    async with running(Publishing(after_days=3).run(database, Beat("publishing"))):

        async def published() -> bool:
            async with database.transaction() as tx:
                return bool(await tx.rows("SELECT FROM publications"))

        await until(published, within_seconds=60)
    answer = await client.get("/public/figures")  # nobody is signed in
    body = answer.json()
    assert (body["month"], body["months"]) == ("2026-03", ["2026-03"])
    assert [figure["name"] for figure in body["figures"]] == [
        name for population in PUBLIC for name in population.figures
    ]
    by_name = {figure["name"]: figure for figure in body["figures"]}
    on_time = by_name["on_time_arrival"]
    assert on_time["total"] == {"n": 40, "d": 70, "rate": "57.1"}
    by_unit = {group["key"]: group for group in on_time["tables"][0]["groups"]}
    assert (by_unit["community-a"]["n"], by_unit["community-b"]["n"]) == (34, 6)
    assert by_unit["community-a"]["label"]["en"] == "Unit community-a"
    # Two of seventy reopened: too few to say, and so is everything that would tell.
    reopened = by_name["reopened_within_30_days"]
    assert reopened["total"] == {"n": None, "d": 72, "rate": None}
    assert {group["n"] for table in reopened["tables"] for group in table["groups"]} == {None}
    for name, cell in cells(body["figures"]):
        plain = DEFINITIONS[name].form is Form.COUNT
        assert cell["d"] is None or cell["d"] >= SMALL
        assert cell["n"] is None or plain or min(cell["n"], cell["d"] - cell["n"]) >= SMALL
        assert (cell["rate"] is None) == (plain or cell["n"] is None)


async def test_no_case_is_of_two_months(database: Database, fold_stories: FoldStories) -> None:
    """In one and the same figure: what a month hides cannot be had from its neighbours."""
    midnight = months.begins(date(2026, 4, 1), ZONE)
    begins = [midnight + timedelta(minutes=minutes) for minutes in (-60, -15, -14, -1, 0, 1)]
    stories = [satisfied(manhole_at_night(called=called)) for called in begins]
    stories += [dissatisfied(manhole_at_night(called=begins[0])), nobody_answers()]
    await fold_stories(*stories)
    edges = [months.begins(date(2026, month, 1), ZONE) for month in (2, 3, 4, 5, 6)]
    now = edges[-1] + timedelta(days=60)
    async with database.transaction() as tx:
        for name in (name for population in PUBLIC for name in population.figures):
            seen: list[tuple[Any, int]] = []
            for starts, ends in pairwise(edges):
                scope = Scope(("civil-affairs",), starts, ends, now)
                found = await counts.members(tx, DEFINITIONS[name], scope, "d", None, 100)
                seen += [(row["case_id"], row["part"]) for row in found]
            whole = Scope(("civil-affairs",), edges[0], edges[-1], now)
            assert len(set(seen)) == len(seen) == (await counts.value(tx, DEFINITIONS[name], whole)).d > 0


async def test_a_month_is_published_from_one_picture(
    client: httpx.AsyncClient, database: Database, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is folded between two of its counts is in none of them."""
    await fold_stories(*a_month())
    await stand_at(database, CALLED + timedelta(days=40))
    groups = counts.groups

    async def and_more_comes(*asked: Any) -> Any:
        found = await groups(*asked)
        await fold_stories(satisfied(manhole_at_night()))
        return found

    monkeypatch.setattr(counts, "groups", and_more_comes)
    await Publishing(after_days=3).turn(database)
    figures = (await client.get("/public/figures")).json()["figures"]
    by_name = {figure["name"]: figure for figure in figures}
    assert by_name["on_time_arrival"]["total"]["d"] == by_name["registered"]["total"]["d"] == 70


async def test_a_figure_and_its_groups_are_of_one_picture(
    client: httpx.AsyncClient, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is folded while they are counted is in none of them."""
    await fold_stories(satisfied(manhole_at_night()))
    value = counts.value

    async def and_more_comes(*asked: Any) -> Any:
        found = await value(*asked)
        await fold_stories(satisfied(manhole_at_night()))
        return found

    monkeypatch.setattr(counts, "value", and_more_comes)
    headers = an_issuer().headers("p-somebody", (Role.READER, "street"))
    params = {"from": "2026-03-01", "to": "2026-04-01", "by": "channel"}
    for path in ("/figures", "/figures/on_time_arrival"):
        answer = (await client.get(path, headers=headers, params=params)).json()
        figures = answer if isinstance(answer, list) else [answer, *answer["beside"]]
        for figure in figures:
            assert sum(group["d"] for group in figure["groups"]) == figure["d"]
        assert len({figure["d"] for figure in figures if "on_time" in figure["name"]}) == 1


async def test_merged_emergencies_are_not_told_by_what_was_registered(
    client: httpx.AsyncClient, database: Database, fold_stories: FoldStories
) -> None:
    """Two of seventy-two were merged. How many were registered in each community and urgency would tell."""
    parent = satisfied(manhole_at_night(number="1000-0001"))
    children = [merged(Story(number=f"1000-1{n}"), parent) for n in range(2)]
    routine = [satisfied(manhole_at_night(urgency=Urgency.ROUTINE)) for _ in range(6)]
    await fold_stories(*a_month(), *children, *routine)
    await stand_at(database, CALLED + timedelta(days=40))
    await Publishing(after_days=3).turn(database)
    by_name = {f["name"]: f for f in (await client.get("/public/figures")).json()["figures"]}
    tables = {
        name: {
            (table["by"], group["key"]): group["d"] for table in figure["tables"] for group in table["groups"]
        }
        for name, figure in by_name.items()
    }
    registered, on_time = tables["registered"], tables["on_time_arrival"]
    assert on_time["urgency", "emergency"] == by_name["on_time_arrival"]["total"]["d"] == 70
    assert registered["urgency", "emergency"] is None
    assert by_name["registered"]["total"]["d"] == 78
    for at, d in on_time.items():
        assert d is None or registered[at] is None or registered[at] - d not in range(1, SMALL)


async def test_what_was_published_stays_and_is_answered_from_memory(
    client: httpx.AsyncClient, database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(*a_month())
    await stand_at(database, CALLED + timedelta(days=40))
    publishing = Publishing(after_days=3)
    assert await publishing.turn(database) is False
    first = await client.get("/public/figures", params={"month": "2026-03"})
    await fold_stories(satisfied(manhole_at_night()))
    await publishing.turn(database)
    again = await client.get("/public/figures")
    assert again.content == first.content
    assert again.headers["cache-control"] == "public, max-age=60"
    known = await client.get("/public/figures", headers={"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_a_young_city_has_published_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/public/figures")).json() == {
        "month": None,
        "published_at": None,
        "months": [],
        "figures": [],
    }
    assert (await client.get("/public/figures", params={"month": "2026-02"})).status_code == 404
    for wrong in ("2026-13", "march", "2026-3", "2٠26-03"):
        answer = await client.get("/public/figures", params={"month": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "no-such-month")
