"""Files for spreadsheets: CSV and Excel, read page by page, without a cell that would be run."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from openpyxl import load_workbook

from services.insight.api import sheets
from services.insight.api.sheets import Kind, Sheet, safe
from services.insight.figures.appraisal import OF_PEOPLE
from shared.database import Database, Transaction
from shared.service import Service
from shared.vocabulary import Role
from tests.insight.conftest import Fold
from tests.insight.stories import manhole_at_night, satisfied
from tests.insight.story import CALLED, Story
from tests.insight.test_alarms import an_alarm
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
SUPERVISOR = an_issuer().headers("p-s", (Role.SUPERVISOR, "street"))
READER = an_issuer().headers("p-r", (Role.READER, "street"))
MARCH = {"from": "2026-03-01", "to": "2026-04-01"}
ZONE = ZoneInfo("Asia/Shanghai")


def table(content: bytes) -> list[tuple[Any, ...]]:
    return list(load_workbook(io.BytesIO(content), read_only=True)["data"].iter_rows(values_only=True))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+86 734", "'+86 734"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("  =1", "'  =1"),
        (["=1", "b"], "'=1 b"),
        (("a", "b"), "a b"),
        ("井盖", "井盖"),
        (None, ""),
        (-3, -3),
        (Decimal("-0.5"), Decimal("-0.5")),
        (True, True),
        ({"=a": 1}, "{'=a': 1}"),
    ],
)
def test_no_cell_is_run(value: Any, expected: Any) -> None:
    assert safe(value) == expected


async def test_the_same_cases_as_excel(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    story = Story(number="5000-1")
    story.registered(headline='=HYPERLINK("http://x")\x07')
    await fold_stories(story)
    by_address = await client.get("/cases.xlsx", headers=SUPERVISOR)
    by_header = await client.get("/cases", headers={**SUPERVISOR, "Accept": sheets.MEDIA_TYPES[Kind.EXCEL]})
    for answer in (by_address, by_header):
        assert answer.headers["content-type"] == sheets.MEDIA_TYPES[Kind.EXCEL]
        assert 'filename="cases.xlsx"' in answer.headers["content-disposition"]
        columns, row = table(answer.content)
        case = dict(zip(columns, row, strict=True))
        assert case["number"] == "5000-1"
        assert case["headline"] == '\'=HYPERLINK("http://x")'
        assert case["registered_at"] == CALLED.astimezone(ZONE).replace(tzinfo=None)
    masked = dict(zip(*table((await client.get("/cases.xlsx", headers=READER)).content), strict=True))
    assert (masked["number"], masked["headline"], masked["place_label"]) == ("5000-1", None, None)


@pytest.mark.parametrize(
    "path", ["/figures", "/figures/on_time_arrival", "/figures/on_time_arrival/cases", "/appraisal/units"]
)
async def test_figures_leave_as_excel_too(
    client: httpx.AsyncClient, fold_stories: FoldStories, path: str
) -> None:
    await fold_stories(satisfied(manhole_at_night()))
    params = {**MARCH, **({"by": "channel", "compare": "true"} if path.endswith(("es", "al")) else {})}
    if "appraisal" in path:
        params = {**MARCH, "unit": "street"}
    answer = await client.get(f"{path}.xlsx", headers=SUPERVISOR, params=params)
    columns, *rows = table(answer.content)
    assert rows
    assert {len(row) for row in rows} == {len(columns)}
    for anonymous in ("", ".csv", ".xlsx"):
        assert (await client.get(path + anonymous)).status_code == 401


async def test_a_file_has_every_page_of_its_list(
    client: httpx.AsyncClient, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "PAGE_ROWS", 4)
    await fold_stories(*(satisfied(manhole_at_night(number=f"{n:04}")) for n in range(13)))
    numbers = {f"{n:04}" for n in range(13)}
    for path in ("/cases", "/figures/on_time_arrival/cases"):
        text = (await client.get(f"{path}.csv", headers=SUPERVISOR, params=MARCH)).content.decode("utf-8-sig")
        listed = [row["number"] for row in csv.DictReader(io.StringIO(text))]
        assert (len(listed), set(listed)) == (13, numbers)
        columns, *rows = table((await client.get(f"{path}.xlsx", headers=SUPERVISOR, params=MARCH)).content)
        assert {row[columns.index("number")] for row in rows} == numbers


@pytest.mark.parametrize(
    "path", ["/cases", "/figures/registered/cases", "/alarms", "/appraisal/people", "/snapshots"]
)
async def test_a_list_too_long_for_a_file_is_refused(
    client: httpx.AsyncClient,
    fold: Fold,
    fold_stories: FoldStories,
    service: Service,
    path: str,
) -> None:
    """A part of it would look like the whole. At the limit it is sent, one line above it is not."""
    await fold_stories(*(satisfied(manhole_at_night(number=f"{n:04}")) for n in range(2)))
    await fold([event for minute in range(2) for event in an_alarm(minute=minute)])
    for title in ("one", "two"):
        order = {**MARCH, "title": title, "unit": "street", "figures": ["registered"]}
        assert (await client.post("/snapshots", headers=SUPERVISOR, json=order)).status_code == 201
    params = {} if path in ("/alarms", "/snapshots") else {"unit": "street"}
    params |= MARCH if path.startswith(("/figures", "/appraisal")) else {}
    lines = 2 * len(OF_PEOPLE) if "people" in path else 2
    for rows_max, status in ((lines, 200), (lines - 1, 422)):
        service.settings = service.settings.model_copy(update={"export_rows_max": rows_max})
        for ending in (".csv", ".xlsx"):
            answer = await client.get(path + ending, headers=SUPERVISOR, params=params)
            assert answer.status_code == status, answer.text
    assert answer.json()["code"] == "too-many-rows"


async def test_a_file_that_grows_too_long_breaks_off(database: Database) -> None:
    """More came while it was sent: it must not look whole."""

    async def endless(tx: Transaction, last: sheets.Row | None, most: int) -> Sequence[sheets.Row]:
        return [{"n": 1}] * most

    async def few(tx: Transaction, most: int) -> int:
        return 1

    pages = sheets.pages_of(database, sheets.Whole(few, endless), 2500)
    assert [len(await anext(pages)) for _ in range(2)] == [1000, 1000]
    with pytest.raises(sheets.GrewTooLongError):
        await anext(pages)


async def test_alarms_leave_as_files(
    client: httpx.AsyncClient, fold: Fold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "PAGE_ROWS", 2)
    await fold([event for minute in range(5) for event in an_alarm(minute=minute)])
    text = (await client.get("/alarms.csv", headers=SUPERVISOR)).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len({row["alarm_id"] for row in rows}) == 5
    assert all(row["person_id"] for row in rows)
    columns, *masked = table((await client.get("/alarms.xlsx", headers=READER)).content)
    assert len(masked) == 5
    assert {row[columns.index("person_id")] for row in masked} == {None}
    worker = an_issuer().headers("p-w", (Role.GRID_WORKER, "street"))
    assert (await client.get("/alarms.csv", headers=worker)).status_code == 403


@pytest.mark.parametrize("kind", list(Kind))
async def test_memory_does_not_grow_with_the_rows(kind: Kind) -> None:
    """Twenty times the rows take hardly more memory."""
    sheet = Sheet("many", ("number", "at", "text"), ZONE)

    async def pages(many: int) -> sheets.Pages:
        for page in range(many):
            yield [
                {
                    "number": f"{page}-{n}",
                    "at": datetime(2026, 3, 1, tzinfo=UTC),
                    "text": f"井盖{page}{n}" * 3,
                }
                for n in range(200)
            ]

    async def peak(many: int) -> int:
        write = sheets.csv_of if kind is Kind.CSV else sheets.excel_of
        tracemalloc.start()
        try:
            sent = 0
            async for chunk in write(sheet, pages(many)):
                sent += len(chunk)
            assert sent > 0
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak(1)
    few, many = await peak(2), await peak(40)
    assert many < few + 1_000_000
