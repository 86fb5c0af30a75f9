"""Files brought in: a dry run that names every wrong line, the good ones written, and nothing twice."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from openpyxl import Workbook, load_workbook

from services.registry.handlers.imports.reading import FILE_BYTES_MAX
from services.registry.handlers.things import put_things
from services.registry.queries import history
from shared.database import Database
from shared.things import Name, Unit
from tests.damaged import spoiled, with_part
from tests.registry.conftest import everything
from tests.registry.things.conftest import Ask, fire, set_clock
from tests.registry.things.town import KNOWN, NOON, a_shift, hours, square

UNIT_HEADER = ("编号", "类别", "名称", "上级编号", "层级", "边界", "户数", "开放时间", "日历")
PERSON_HEADER = ("编号", "姓名", "岗位", "角色", "出行方式", "驻点", "语言")


def workbook(**sheets: Sequence[Sequence[Any]]) -> bytes:
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def corners(x: float, y: float = 0) -> str:
    return "; ".join(f"{corner.lon} {corner.lat}" for corner in square(x, y, 0.001))


async def upload(client: httpx.AsyncClient, content: bytes, name: str = "staff.xlsx") -> httpx.Response:
    return await client.post("/imports", files={"file": (name, content)})


async def brought_in(
    client: httpx.AsyncClient, town: Database, content: bytes, name: str = "f.xlsx"
) -> dict[str, Any]:
    """Upload, check, commit, write; how it ended."""
    made = await upload(client, content, name)
    assert made.status_code == 201, made.text
    await fire(town)
    await client.post(f"/imports/{made.json()['id']}/commit")
    await fire(town)
    ended: dict[str, Any] = (await client.get(f"/imports/{made.json()['id']}")).json()
    return ended


async def refused_lines(client: httpx.AsyncClient, id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = await client.get(
            f"/imports/{id}/lines", params={"state": "refused", "cursor": cursor, "limit": 90}
        )
        found += page.json()["items"]
        cursor = page.json()["next_cursor"]
    return found


# ── five thousand lines ───────────────────────────────────────────────────────────────────────────────────────────

PARENTS = ("grid-x1", "grid-x2", "grid-y1")
WRONG_UNITS: tuple[tuple[int, Any, str], ...] = (
    (0, "house-0001", "line-twice"),
    (1, "", "value-missing"),
    (2, None, "value-missing"),
    (3, "nowhere", "unknown-parent"),
    (4, "村", "unknown-word"),
    (5, "0 0; 1 1; 1 0; 0 1", "polygon-not-simple"),
    (5, corners(50), "ground-shared"),
    (6, "many", "not-a-number"),
    (7, "always", "not-opening-hours"),
    (8, "mars", "unknown-calendar"),
)
WRONG_PEOPLE: tuple[tuple[int, Any, str], ...] = (
    (0, "p-0001", "line-twice"),
    (0, None, "value-missing"),
    (1, " ", "value-missing"),
    (2, "worker@nowhere", "unknown-unit"),
    (2, "worker", "no-unit-named"),
    (2, "king@grid-x1", "unknown-word"),
    (3, "网格员@", "no-unit-named"),
    (4, "飞机", "unknown-word"),
    (5, "999 999", "off-earth"),
    (6, "法文", "unknown-word"),
)


def planted() -> tuple[bytes, dict[tuple[str, int], str]]:
    """2,000 houses and 3,000 people; every 20th house and every 30th person is wrong in one of ten ways."""
    wrong: dict[tuple[str, int], str] = {}
    units: list[list[Any]] = [list(UNIT_HEADER)]
    for n in range(1, 2001):
        ground = corners(50 if n == 1 else 60 + n * 0.002) if n % 4 == 1 else None
        row: list[Any] = [
            f"house-{n:04}",
            "house",
            f"{n}号楼",
            PARENTS[n % 3],
            None,
            ground,
            n,
            "1-5 08:30-12:00",
            "cn",
        ]
        if n % 20 == 0:
            column, value, code = WRONG_UNITS[n // 20 % 10]
            row[column] = value
            wrong["单位", n + 1] = code
        units.append(row)
    people: list[list[Any]] = [list(PERSON_HEADER)]
    for n in range(1, 3001):
        house = f"house-{n % 19 + 1:04}"
        row = [
            f"p-{n:04}",
            f"某{n}",
            f"worker@{house}",
            f"grid_worker@{house}",
            "电动车",
            "113.5 24.8",
            "中文",
        ]
        if n % 30 == 0:
            column, value, code = WRONG_PEOPLE[n // 30 % 10]
            row[column] = value
            wrong["人员", n + 1] = code
        people.append(row)
    return workbook(人员=people, 单位=units), wrong


async def test_of_5000_lines_with_200_errors_exactly_these_are_refused(ask: Ask, town: Database) -> None:
    content, wrong = planted()
    assert len(wrong) == 200
    admin = ask("p-admin")
    before = await everything(town)

    made = (await upload(admin, content)).json()
    assert (made["state"], made["lines_total"], made["lines_checked"]) == ("checking", 5000, 0)
    await fire(town)
    checked = (await admin.get(f"/imports/{made['id']}")).json()
    assert (checked["state"], checked["lines_good"], checked["lines_refused"]) == ("checked", 4800, 200)
    assert await everything(town) == before
    found = await refused_lines(admin, made["id"])
    assert {(one["sheet"], one["line"]): one["problems"][0]["code"] for one in found} == wrong
    assert all(len({each["code"] for each in one["problems"]}) == 1 for one in found)

    await admin.post(f"/imports/{made['id']}/commit")
    await fire(town)
    done = (await admin.get(f"/imports/{made['id']}")).json()
    assert (done["state"], done["lines_in"], done["lines_refused"]) == ("done", 4800, 200)
    after = await everything(town)
    assert len(after.units) == len(before.units) + 1900
    assert len(after.people) == len(before.people) + 2900
    async with town.transaction() as tx:
        told = await tx.rows("SELECT count(*) AS told, count(DISTINCT key) AS keys FROM outbox")
        names = await tx.rows("SELECT count(*) AS left FROM import_lines WHERE fields IS NOT NULL")
    assert told[0]["told"] == told[0]["keys"] == len(before.things()) + 4800
    assert names[0]["left"] == 0

    again = await brought_in(admin, town, content)
    assert (again["lines_in"], again["lines_unchanged"], again["lines_refused"]) == (0, 4800, 200)
    assert await everything(town) == after


# ── smaller ones ──────────────────────────────────────────────────────────────────────────────────────────────────

HOUSE = ("house-1", "house", "1号楼", "grid-x1")


async def test_a_file_shows_how_far_it_is_and_who_made_it(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    made = (await upload(admin, workbook(units=[UNIT_HEADER[:4], HOUSE]), "单位表.xlsx")).json()

    listed = (await admin.get("/imports")).json()["items"]
    assert [(one["file_name"], one["made_by"], one["format"]) for one in listed] == [
        ("单位表.xlsx", "p-admin", "xlsx")
    ]
    early = await admin.post(f"/imports/{made['id']}/commit")
    assert (early.status_code, early.json()["code"]) == (409, "import-not-ready")
    for somebody in ("p-a", "p-admin-x"):
        assert (await ask(somebody).get(f"/imports/{made['id']}")).status_code in (403, 404)
        assert (await ask(somebody).get(f"/imports/{made['id']}/lines")).status_code in (403, 404)
        assert (await ask(somebody).post(f"/imports/{made['id']}/commit")).status_code in (403, 404)
        assert (await ask(somebody).post(f"/imports/{made['id']}/cancel")).status_code in (403, 404)
    assert (await ask("p-admin-x").get("/imports")).json()["items"] == []
    assert (await ask("p-a").get("/imports")).status_code == 403
    assert (await upload(ask("p-a"), b"{}")).status_code == 403


async def test_a_community_brings_in_its_own_only(ask: Ask, town: Database) -> None:
    rows = [UNIT_HEADER[:4], HOUSE, ("house-2", "house", "2号楼", "grid-y1")]
    ended = await brought_in(ask("p-admin-x"), town, workbook(units=rows))

    assert (ended["lines_in"], ended["lines_refused"]) == (1, 1)
    [line] = await refused_lines(ask("p-admin-x"), ended["id"])
    assert (line["line"], line["problems"][0]["code"]) == (3, "not-yours")
    async with town.transaction() as tx:
        [made] = await history.history(tx, Unit, "house-1", None, 5)
    assert made.actor.person_id == "p-admin-x"


async def test_what_changed_since_the_check_is_found_when_it_is_written(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    rows = [UNIT_HEADER[:4], HOUSE, ("house-2", "house", "2号楼", "grid-x2")]
    made = (await upload(admin, workbook(units=rows))).json()
    await fire(town)
    async with town.transaction() as tx:
        await put_things(tx, [KNOWN.units["grid-x2"].model_copy(update={"retired_at": NOON})])

    await admin.post(f"/imports/{made['id']}/commit")
    await fire(town)
    ended = (await admin.get(f"/imports/{made['id']}")).json()
    assert (ended["state"], ended["lines_in"], ended["lines_refused"]) == ("done", 1, 1)
    [line] = await refused_lines(admin, made["id"])
    assert line["problems"][0]["code"] == "retired-unit"


async def test_a_file_overwrites_nothing_that_was_changed_since_the_check(ask: Ask, town: Database) -> None:
    """What is changed to the same is no conflict; what somebody made or changed meanwhile stays, and is told."""
    admin = ask("p-admin")
    people = [
        ("编号", "姓名", "工牌"),
        ("p-w", "某", "X1"),
        ("p-b", "某", "X2"),
        ("p-a", "某", "X3"),
        ("p-n", "某", "X4"),
    ]
    made = (await upload(admin, workbook(people=people))).json()
    await fire(town)
    workers = KNOWN.people
    async with town.transaction() as tx:
        names = {"name": workers["p-b"].name.model_copy(update={"zh": "某"}), "badge": "X2"}
        moved = workers["p-w"].model_copy(update={"badge": "theirs"})
        new = workers["p-w"].model_copy(update={"id": "p-n"})
        await put_things(tx, [moved, workers["p-b"].model_copy(update=names), new])

    await admin.post(f"/imports/{made['id']}/commit")
    await fire(town)
    ended = (await admin.get(f"/imports/{made['id']}")).json()
    assert (ended["lines_in"], ended["lines_unchanged"], ended["lines_refused"]) == (1, 1, 2)
    refused = await refused_lines(admin, made["id"])
    assert {one["thing_id"]: one["problems"][0]["code"] for one in refused} == {
        "p-w": "changed-meanwhile",
        "p-n": "changed-meanwhile",
    }
    badges = {id: person.badge for id, person in (await everything(town)).people.items()}
    assert (badges["p-w"], badges["p-a"], badges["p-n"]) == ("theirs", "X3", None)


async def test_people_and_shifts_may_refer_to_what_the_same_file_brings(ask: Ask, town: Database) -> None:
    shift = {"unit_id": "annex", "starts_at": "2026-12-01T00:00:00Z", "ends_at": "2026-12-01T08:00:00Z"}
    document = {
        "units": [
            {"id": "annex", "kind": "house", "name": {"zh": "附楼"}, "parent_id": "house-9"},
            {"id": "house-9", "kind": "house", "name": {"zh": "9号楼"}, "parent_id": "grid-x1"},
        ],
        "people": [{"id": "p-new", "name": {"zh": "新"}, "posts": [{"post": "worker", "unit_id": "annex"}]}],
        "shifts": [{"person_id": "p-new", **shift}, {"person_id": "p-ghost", **shift}, "nonsense"],
    }
    ended = await brought_in(ask("p-admin"), town, json.dumps(document).encode(), "f.json")

    assert (ended["format"], ended["lines_in"], ended["lines_refused"]) == ("json", 4, 2)
    lines = await refused_lines(ask("p-admin"), ended["id"])
    assert [(one["sheet"], one["line"], one["problems"][0]["code"]) for one in lines] == [
        ("shifts", 2, "unknown-person"),
        ("shifts", 3, "not-an-object"),
    ]
    after = await everything(town)
    assert after.shifts["p-new:20261201T0000"].unit_id == "annex"
    assert after.people["p-new"].name.en == "新"


async def test_a_column_that_is_not_there_changes_nothing(ask: Ask, town: Database) -> None:
    rows = [("编号", "姓名", "邮箱"), ("p-a", "甲", "a@example.org")]
    await brought_in(ask("p-admin"), town, workbook(people=rows))

    after = (await everything(town)).people["p-a"]
    assert (after.email, after.posts) == ("a@example.org", KNOWN.people["p-a"].posts)


async def test_a_wrong_header_names_its_column(ask: Ask, town: Database) -> None:
    made = (await upload(ask("p-admin"), workbook(units=[("编号", "颜色"), ("h", "red")]))).json()
    await fire(town)

    [line] = await refused_lines(ask("p-admin"), made["id"])
    assert [(each["column"], each["code"]) for each in line["problems"]] == [
        ("B 颜色", "unknown-column"),
        ("类别 kind", "column-missing"),
        ("名称 name_zh", "column-missing"),
    ]
    nothing_good = await ask("p-admin").post(f"/imports/{made['id']}/commit")
    assert nothing_good.status_code == 409


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"", "f.json", 422, "file-unreadable"),
        (b"hello", "f.txt", 422, "file-unreadable"),
        (b"[]", "f.json", 422, "file-unreadable"),
        (b'{"units": {}}', "f.json", 422, "file-unreadable"),
        (b"[" * 100_000, "f.json", 422, "file-unreadable"),
        (b'{"units": []}', "f.json", 422, "file-empty"),
        (b"PK\x03\x04 but no more", "f.xlsx", 422, "file-unreadable"),
        (b"\xd0\xcf\x11\xe0 old excel", "f.xls", 422, "file-unreadable"),
        (workbook(Sheet1=[("a",)]), "f.xlsx", 422, "file-unreadable"),
        (
            with_part(workbook(people=[("a",)]), "xl/workbook.xml", b"<workbook"),
            "f.xlsx",
            422,
            "file-unreadable",
        ),
        (spoiled(workbook(people=[("a",)]), "xl/worksheets/sheet1.xml"), "f.xlsx", 422, "file-unreadable"),
        (b'{"units": [' + b"{}," * 20_000 + b"{}]}", "f.json", 413, "too-many-lines"),
        (b" " * (FILE_BYTES_MAX + 1), "f.json", 413, "file-too-large"),
        (b" " * (FILE_BYTES_MAX + 200_000), "f.json", 413, None),
    ],
    ids=range(14),
)
async def test_what_is_no_file_of_ours_is_refused_in_words(
    ask: Ask, content: bytes, name: str, status: int, code: str | None
) -> None:
    answer = await upload(ask("p-admin"), content, name)
    assert answer.status_code == status, answer.text
    assert code in (None, answer.json()["code"])


async def test_a_cancelled_import_writes_nothing_and_is_forgotten_in_time(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    made = (await upload(admin, workbook(units=[UNIT_HEADER[:4], HOUSE]))).json()
    await fire(town)
    cancelled = await admin.post(f"/imports/{made['id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    assert (await admin.post(f"/imports/{made['id']}/commit")).status_code == 409
    await fire(town)
    assert "house-1" not in (await everything(town)).units

    await set_clock(town, NOON + hours(24 * 30))
    await fire(town)
    assert (await admin.get(f"/imports/{made['id']}")).status_code == 404
    async with town.transaction() as tx:
        assert (await tx.rows("SELECT count(*) AS left FROM import_lines"))[0]["left"] == 0


# ── out and in again ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["calendars", "units", "people", "categories", "shifts"])
@pytest.mark.parametrize("form", ["xlsx", "json"])
async def test_what_is_exported_comes_in_again_and_changes_nothing(
    ask: Ask, town: Database, name: str, form: str
) -> None:
    async with town.transaction() as tx:
        await put_things(tx, [a_shift("s-1", "p-a", "grid-x1", 1, 9), a_shift("s-y", "p-y", "grid-y1", 1, 9)])
    answer = await ask("p-admin").get(f"/exports/{name}.{form}", params={"unit": "top"})
    assert answer.status_code == 200, answer.text

    ended = await brought_in(ask("p-admin"), town, answer.content, f"f.{form}")
    assert (ended["lines_refused"], ended["lines_in"]) == (0, 0)
    assert ended["lines_unchanged"] == len(getattr(await everything(town), name))


async def test_an_export_holds_the_subtree_and_is_for_its_administrators(ask: Ask) -> None:
    own = await ask("p-admin-x").get("/exports/people.json", params={"unit": "community-x"})
    assert {person["id"] for person in own.json()["people"]} == {
        "p-admin-x",
        "p-officer-x",
        "p-a",
        "p-b",
        "p-w",
    }
    assert (
        await ask("p-admin-x").get("/exports/people.json", params={"unit": "community-y"})
    ).status_code == 403
    assert (await ask("p-a").get("/exports/people.json", params={"unit": "grid-x1"})).status_code == 403
    assert (await ask("p-admin").get("/exports/people.json", params={"unit": "nowhere"})).status_code == 404
    assert (await ask("p-admin").get("/exports/cats.json", params={"unit": "top"})).status_code == 404
    bad = {"unit": "top", "from": "2026-12-02T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
    assert (await ask("p-admin").get("/exports/shifts.json", params=bad)).status_code == 422


async def test_text_in_an_export_is_never_a_formula(ask: Ask, town: Database) -> None:
    grid = KNOWN.units["grid-x2"].model_copy(update={"name": Name(zh="=1+1\x0b", en="=cmd()")})
    async with town.transaction() as tx:
        await put_things(tx, [grid])

    answer = await ask("p-admin").get("/exports/units.xlsx", params={"unit": "grid-x2"})
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    names = [cell for cell in sheet[2] if str(cell.value).startswith("=")]
    assert [(cell.value, cell.data_type) for cell in names] == [("=1+1", "s"), ("=cmd()", "s")]
