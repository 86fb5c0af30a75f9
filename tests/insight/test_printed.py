"""The printed figures of the articles, fed as events and read over HTTP as anybody reads them (product §10, §11)."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from services.insight.figures.printed import PRINTED
from services.insight.rules.naming import Dimension
from shared.vocabulary import EscalationCause, Level, Outcome, Role, Urgency
from tests.insight.stories import manhole_at_night, satisfied
from tests.insight.story import CALLED, Story
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
READER = an_issuer().headers("p-somebody", (Role.READER, "street"))
PERIOD = {"from": "2026-03-01", "to": "2026-04-01"}
LEVELS = ("grid", "community", "street", "civil_affairs")


async def read(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, headers=READER, params={**PERIOD, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(client: httpx.AsyncClient, figure: str, **params: Any) -> list[str]:
    """The numbers of every page of the drill-down."""
    numbers: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await read(client, f"/figures/{figure}/cases", limit=200, **params, **cursor)
        numbers += [case["number"] for case in page["cases"]]
        if page["next_cursor"] is None:
            return numbers
        cursor = {"cursor": page["next_cursor"]}


def carried_up(to: Level, number: str) -> Story:
    """What a level cannot solve goes one up, until somebody does."""
    story = Story(number=number)
    registered = story.registered()
    accepted = story.accepted(1, story.offered(0, "p-grid-a1-a", registered))
    story.arrived(10, accepted)
    story.documented(12, accepted)
    for minute, level in enumerate(Level, start=20):
        if story.level is to:
            break
        if level is not Level.GRID:
            story.raised(minute, level, cause=EscalationCause.BY_HAND)
    handled = story.handled(40, accepted, level=story.level)
    story.asked(40, handled)
    story.answered(60)
    story.closed(60, level=to)
    return story


async def test_78_cases_end_11_18_29_20_by_level(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    """S3-a and scenario 5: the split, its drill-downs, and the sheet that leaves the house."""
    printed = {known.id.split("/")[1]: known.n for known in PRINTED if known.id.startswith("S3-a/")}
    assert list(printed) == list(LEVELS)
    await fold_stories(
        *(
            carried_up(Level(level), f"3-{level}-{n}")
            for level, many in printed.items()
            for n in range(int(many or 0))
        )
    )
    figure = await read(client, "/figures/resolved", by="resolved_level")
    assert (figure["text"], figure["unit"]) == ("78/78 (100.0 %)", "件")
    assert {group["key"]: int(group["n"]) for group in figure["groups"]} == printed
    assert {group["key"]: group["label"]["zh"] for group in figure["groups"]} == dict(
        zip(LEVELS, ("网格", "社区", "街道", "民政"), strict=True)
    )
    for level, many in printed.items():
        numbers = await listed(client, "resolved", side="n", resolved_level=level)
        assert len(set(numbers)) == len(numbers) == many
        assert all(number.startswith(f"3-{level}-") for number in numbers)
    sheet = await client.get(
        "/figures/resolved.csv", headers=READER, params={**PERIOD, "by": "resolved_level"}
    )
    rows = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert {row["group"]: row["n"] for row in rows if row["group"]} == {k: str(n) for k, n in printed.items()}


async def test_86_disputes_were_settled(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    """S4-a: what the article counts is what was closed as solved, partly or wholly, of one category; a dispute that
    nobody could settle, and what is no dispute, is not among them."""
    [article] = [known for known in PRINTED if known.id == "S4-a"]
    outcomes = [Outcome.SOLVED] * 80 + [Outcome.PARTLY_SOLVED] * 6 + [Outcome.CANNOT_BE_SOLVED] * 4
    disputes = [dispute(f"4-{n}", outcome) for n, outcome in enumerate(outcomes)]
    await fold_stories(*disputes, dispute("4-x", Outcome.SOLVED, category="manhole"))
    figure = await read(client, f"/figures/{article.figure}", category="dispute")
    assert (figure["printed"], figure["unit"]) == ("86/90", article.unit)
    assert Decimal(figure["n"]) == article.n
    numbers = await listed(client, article.figure, side="n", category="dispute")
    assert sorted(numbers) == sorted(f"4-{n}" for n in range(int(article.printed)))


def dispute(number: str, outcome: Outcome, category: str = "dispute") -> Story:
    story = Story(number=number, urgency=Urgency.ROUTINE)
    accepted = story.accepted(5, story.offered(0, "p-grid-a1-a", story.registered(category_code=category)))
    story.asked(60, story.handled(60, accepted, outcome))
    story.answered(90)
    story.closed(90, outcome)
    return story


async def test_721_emergencies_over_seven_grids(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    """S1-a and scenario 4: of 721 runs 687 in time. Ours is 687/721 (95.3 %); what the article prints, 95.2 %, stands
    beside it with its own d and without an n, and neither becomes the other."""
    await fold_stories(
        *(
            satisfied(
                manhole_at_night(
                    arrives=14 if n < 687 else 18,
                    grid=f"grid-a{n % 7 + 1}",
                    number=f"2000-{n:04}",
                    called=CALLED + timedelta(minutes=n),
                )
            )
            for n in range(721)
        )
    )
    for name in ("on_time_arrival", "emergency_success"):
        figure = await read(client, f"/figures/{name}", by="unit", unit="community-a", compare=True)
        assert (figure["printed"], figure["text"]) == ("687/721", "687/721 (95.3 %)")
        assert figure["before"]["text"] == "0/0 (n/a)"
        assert [group["key"] for group in figure["groups"]] == [f"grid-a{n}" for n in range(1, 8)]
        assert sum(int(group["n"]) for group in figure["groups"]) == 687
        assert sum(group["d"] for group in figure["groups"]) == 721
        assert all(group["printed"] == f"{group['n']}/{group['d']}" for group in figure["groups"])
    assert len(set(await listed(client, "on_time_arrival", side="n"))) == 687
    assert len(set(await listed(client, "on_time_arrival", side="d", unit="grid-a1"))) == 103
    [article] = [known for known in await read(client, "/figures/printed") if known["id"] == "S1-a"]
    assert (article["printed"], article["n"], article["d"]) == ("95.2 %", None, 721)


@pytest.mark.parametrize("by", Dimension)
async def test_every_figure_is_split_by_every_dimension(
    client: httpx.AsyncClient, fold_stories: FoldStories, by: Dimension
) -> None:
    """Over HTTP, and narrowed to each part, which comes out the same."""
    await fold_stories(satisfied(manhole_at_night()), carried_up(Level.STREET, "1000-2"))
    figures = await read(client, "/figures", by=by.value)
    narrow_by = "below" if by is Dimension.UNIT else by.value
    for key in {group["key"] for figure in figures for group in figure["groups"] if group["d"]}:
        within = {figure["name"]: figure for figure in await read(client, "/figures", **{narrow_by: key})}
        for figure in figures:
            for group in figure["groups"]:
                if group["key"] == key:
                    assert within[figure["name"]]["text"] == group["text"]
