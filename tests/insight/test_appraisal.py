"""Appraisal inputs: several figures beside each other for each unit and person; nobody is ranked on one number."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.insight.api import sheets
from services.insight.figures.appraisal import OF_PEOPLE, OF_UNITS, SMALL_BELOW
from shared.vocabulary import Role
from tests.insight.matters import doubtful
from tests.insight.stories import dissatisfied, manhole_at_night, nobody_answers, satisfied
from tests.insight.story import CALLED, Story
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
MARCH = {"from": "2026-03-01", "to": "2026-04-01"}


def as_(role: Role, unit: str) -> dict[str, str]:
    return an_issuer().headers("p-somebody", (role, unit))


SUPERVISOR = as_(Role.SUPERVISOR, "street")


async def appraised(client: httpx.AsyncClient, of: str, **changes: Any) -> Any:
    params = {**MARCH, "unit": "community-a", **changes}
    return await client.get(f"/appraisal/{of}", headers=SUPERVISOR, params=params)


async def test_a_person_has_a_row_of_figures_and_no_score(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(
        satisfied(manhole_at_night()),
        satisfied(manhole_at_night(arrives=17)),
        dissatisfied(manhole_at_night()),
        doubtful(Story(number="1000-2")),
    )
    body = (await appraised(client, "people")).json()
    rows = {row["id"]: {cell["figure"]: cell for cell in row["figures"]} for row in body["rows"]}
    b = rows["p-grid-a1-b"]
    assert {name: cell["text"] for name, cell in b.items()} == {
        "solved": "2/3 (66.7 %)",
        "reopened": "1/3 (33.3 %)",
        "on_time_since_told": "2/3 (66.7 %)",
        "accepted": "3/3 (100.0 %)",
        "lapsed": "0/3 (0.0 %)",
        "taps": "33/3 (11.00)",
        "commands": "18/3 (6.00)",
        "fields": "12/3 (4.00)",
        "photos": "3/3 (1.00)",
        "minutes": "100.5/3 (33.50)",
        "double_entries": "0/3 (0.00)",
    }
    assert all(cell["few"] for cell in b.values())
    assert rows["p-grid-a1-a"]["lapsed"]["text"] == "3/4 (75.0 %)"
    for row in body["rows"]:
        assert set(row) == {"id", "name", "figures"}
    words = {name for row in body["rows"] for cell in row["figures"] for name in (*cell, cell["figure"])}
    assert not words & {"score", "rank", "total", "stars", "place"}


@pytest.mark.parametrize("of", ["people", "units"])
async def test_rows_stand_in_the_order_of_ids_whatever_the_figures(
    client: httpx.AsyncClient, fold_stories: FoldStories, of: str
) -> None:
    """The worst is not last and the best not first; and no other order can be asked for."""
    await fold_stories(
        *(satisfied(manhole_at_night(grid=f"grid-a{n}", arrives=12 if n % 2 else 18)) for n in (5, 3, 1, 4))
    )
    ids = [row["id"] for row in (await appraised(client, of)).json()["rows"]]
    assert ids == sorted(ids)
    assert len(ids) >= 2
    for name in ("sort", "order_by", "rank"):
        assert (await appraised(client, of, **{name: "solved"})).status_code == 422


async def test_a_page_after_the_other(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    await fold_stories(*(satisfied(manhole_at_night(grid=f"grid-a{n}")) for n in range(1, 6)))
    for of in ("people", "units"):
        everybody = [row["id"] for row in (await appraised(client, of)).json()["rows"]]
        seen: list[str] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = (await appraised(client, of, limit=2, **more)).json()
            seen += [row["id"] for row in page["rows"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == everybody


async def test_a_file_has_everybody(
    client: httpx.AsyncClient, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those beyond the first page of the list, and whatever page was asked for."""
    monkeypatch.setattr(sheets, "PAGE_ROWS", 2)
    await fold_stories(
        *(satisfied(manhole_at_night(grid=f"grid-a{n}")) for n in range(1, 6)), nobody_answers()
    )
    for of, figures in (("people", len(OF_PEOPLE)), ("units", len(OF_UNITS))):
        everybody = [row["id"] for row in (await appraised(client, of)).json()["rows"]]
        text = (await appraised(client, f"{of}.csv", limit=1)).content.decode("utf-8-sig")
        ids = [row["id"] for row in csv.DictReader(io.StringIO(text))]
        assert ids == [one for one in everybody for _ in range(figures)]
        assert len(everybody) >= 4


async def test_enough_cases_are_not_marked_as_few(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    stories = [satisfied(manhole_at_night(called=CALLED + timedelta(minutes=n))) for n in range(SMALL_BELOW)]
    await fold_stories(*stories, satisfied(manhole_at_night(grid="grid-a2")))
    rows = {row["id"]: row["figures"] for row in (await appraised(client, "units")).json()["rows"]}
    assert [cell["figure"] for cell in rows["grid-a1"]] == [definition.name for definition in OF_UNITS]
    assert not rows["grid-a1"][0]["few"]
    assert rows["grid-a2"][0]["few"]
    assert rows["grid-a1"][0]["text"] == f"{SMALL_BELOW}/{SMALL_BELOW} (100.0 %)"


@pytest.mark.parametrize(
    ("role", "unit", "units", "people"),
    [
        (Role.SUPERVISOR, "community-a", 200, 200),
        (Role.UNIT_OFFICER, "street", 200, 200),
        (Role.GRID_LEADER, "community-a", 200, 200),
        (Role.READER, "street", 200, 403),
        (Role.OPERATOR, "civil-affairs", 200, 403),
        (Role.SUPERVISOR, "community-b", 403, 403),
        (Role.SUPERVISOR, "grid-a1", 403, 403),
        (Role.GRID_WORKER, "community-a", 403, 403),
    ],
)
async def test_who_sees_whose_work(
    client: httpx.AsyncClient, role: Role, unit: str, units: int, people: int
) -> None:
    params = {**MARCH, "unit": "community-a"}
    for of, status in (("units", units), ("people", people)):
        for ending in ("", ".csv", ".xlsx"):
            answer = await client.get(f"/appraisal/{of}{ending}", headers=as_(role, unit), params=params)
            assert answer.status_code == status, (of, ending)


async def test_every_figure_of_a_person_is_in_the_sheet(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(nobody_answers())
    text = (await appraised(client, "people.csv")).content.decode("utf-8-sig")
    lines = text.splitlines()
    assert lines[0] == "id,zh,en,figure,figure_zh,figure_en,unit,n,d,rate,few"
    assert len(lines) - 1 == len(OF_PEOPLE) * 4
