"""岗位角色 in files: brought in with whoever gets them, called by id or by name, and written out as they come in."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from openpyxl import load_workbook

from services.registry.handlers.things import put_things
from shared.database import Database
from shared.things import Person
from tests.registry.conftest import everything
from tests.registry.things.conftest import Ask, fire
from tests.registry.things.test_imports import brought_in, refused_lines, upload, workbook
from tests.registry.things.town import KEEPER

PEOPLE_HEADER = ("编号", "姓名", "角色")


def given_to(person: Person) -> set[tuple[str | None, str, str]]:
    return {(grant.held_as, grant.role.value, grant.unit_id) for grant in person.grants}


@pytest.fixture
async def keeper(town: Database) -> None:
    async with town.transaction() as tx:
        await put_things(tx, [KEEPER])


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize("called", ["keeper", "楼道管家", "corridor keeper"])
async def test_staff_name_a_role_by_its_id_or_in_either_language(
    ask: Ask, town: Database, called: str
) -> None:
    rows = [PEOPLE_HEADER, ("p-1", "某甲", f"{called}@grid-x1; 志愿者@grid-x2")]
    ended = await brought_in(ask("p-admin-x"), town, workbook(人员=rows))
    assert (ended["lines_in"], ended["lines_refused"]) == (1, 0), ended
    assert given_to((await everything(town)).people["p-1"]) == {
        ("keeper", "building_head", "grid-x1"),
        ("keeper", "volunteer", "grid-x1"),
        (None, "volunteer", "grid-x2"),
    }


@pytest.mark.usefixtures("keeper")
async def test_a_line_is_refused_with_the_reason_and_the_others_come_in(ask: Ask, town: Database) -> None:
    async with town.transaction() as tx:
        gone = KEEPER.model_copy(
            update={"id": "gone", "name": KEEPER.name.model_copy(update={"zh": "走", "en": "x"})}
        )
        await put_things(tx, [gone.model_copy(update={"retired_at": await tx.now()})])
    rows = [
        PEOPLE_HEADER,
        ("p-1", "某甲", "楼道管家@grid-x1"),
        ("p-2", "某乙", "楼道总管@grid-x1"),
        ("p-3", "某丙", "楼道管家"),
        ("p-4", "某丁", "楼道管家@grid-y1"),
        ("p-5", "某戊", "gone@grid-x1"),
    ]
    ended = await brought_in(ask("p-admin-x"), town, workbook(人员=rows))
    wrong = await refused_lines(ask("p-admin-x"), ended["id"])
    assert ended["lines_in"] == 1
    assert {line["thing_id"]: line["problems"][0]["code"] for line in wrong} == {
        "p-2": "unknown-role",
        "p-3": "no-unit-named",
        "p-4": "not-yours",
        "p-5": "retired-role",
    }
    assert "楼道总管" in wrong[0]["problems"][0]["text"]
    assert wrong[0]["problems"][0]["column"] == "角色 grants"


async def test_roles_come_in_one_file_with_whoever_gets_them(ask: Ask, town: Database) -> None:
    file = workbook(
        人员=[PEOPLE_HEADER, ("p-1", "某甲", "管事@grid-x1"), ("p-2", "某乙", "steward@grid-y1"),
            ("p-3", "某丙", "错@grid-x1"), ("p-4", "某丁", "楼长@grid-x1")],
        角色=[("编号", "名称", "英文名称", "权限"), ("steward", "管事", "Steward", "楼栋长; volunteer"),
            ("wrong", "错", "Wrong", "国王"), ("building_head", "楼长", "head of a house", "楼栋长")],
    )  # fmt: skip
    ended = await brought_in(ask("p-admin"), town, file)
    wrong = {
        line["thing_id"]: line["problems"][0]["code"]
        for line in await refused_lines(ask("p-admin"), ended["id"])
    }
    assert wrong == {"wrong": "unknown-word", "p-3": "unknown-role"}
    there = await everything(town)
    assert [power.value for power in there.roles["steward"].powers] == ["building_head", "volunteer"]
    assert {held for held, *_ in given_to(there.people["p-1"]) | given_to(there.people["p-2"])} == {"steward"}
    assert given_to(there.people["p-4"]) == {(None, "building_head", "grid-x1")}


async def test_who_administers_a_community_brings_in_no_roles(ask: Ask, town: Database) -> None:
    rows = [("编号", "名称", "英文名称", "权限"), ("chief", "总管", "Chief", "管理员")]
    ended = await brought_in(ask("p-admin-x"), town, workbook(角色=rows))
    [wrong] = await refused_lines(ask("p-admin-x"), ended["id"])
    assert [problem["code"] for problem in wrong["problems"]] == ["not-yours"]
    assert (await everything(town)).roles == {}


@pytest.mark.usefixtures("keeper")
async def test_a_role_that_a_file_changes_is_changed_for_whoever_holds_it(ask: Ask, town: Database) -> None:
    await brought_in(ask("p-admin"), town, workbook(人员=[PEOPLE_HEADER, ("p-1", "某甲", "keeper@grid-x1")]))
    await brought_in(
        ask("p-admin"),
        town,
        workbook(角色=[("编号", "名称", "权限"), ("keeper", "楼道管家", "社工")]),
    )
    assert given_to((await everything(town)).people["p-1"]) == {("keeper", "social_worker", "grid-x1")}


@pytest.mark.usefixtures("keeper")
async def test_a_file_changes_a_role_and_somebody_who_holds_it(ask: Ask, town: Database) -> None:
    """What the role's line does to its holders is no change of somebody else's."""
    await brought_in(ask("p-admin"), town, workbook(人员=[PEOPLE_HEADER, ("p-1", "某甲", "keeper@grid-x1")]))
    file = workbook(
        角色=[("编号", "名称", "权限"), ("keeper", "楼道管家", "社工")],
        人员=[("编号", "姓名", "工牌"), ("p-1", "某甲", "K-1")],
    )
    ended = await brought_in(ask("p-admin"), town, file)
    assert (ended["lines_in"], ended["lines_refused"]) == (2, 0), ended
    person = (await everything(town)).people["p-1"]
    assert (person.badge, given_to(person)) == ("K-1", {("keeper", "social_worker", "grid-x1")})


@pytest.mark.usefixtures("keeper")
async def test_what_somebody_else_changed_meanwhile_is_still_left_alone(ask: Ask, town: Database) -> None:
    await brought_in(ask("p-admin"), town, workbook(人员=[PEOPLE_HEADER, ("p-1", "某甲", "keeper@grid-x1")]))
    file = workbook(
        角色=[("编号", "名称", "权限"), ("keeper", "楼道管家", "社工")],
        人员=[("编号", "姓名", "工牌"), ("p-1", "某甲", "K-1")],
    )
    made = (await upload(ask("p-admin"), file)).json()
    await fire(town)
    other = (await everything(town)).people["p-1"].model_copy(update={"badge": "K-2"})
    async with town.transaction() as tx:
        await put_things(tx, [other])
    await ask("p-admin").post(f"/imports/{made['id']}/commit")
    await fire(town)
    [wrong] = await refused_lines(ask("p-admin"), made["id"])
    assert [problem["code"] for problem in wrong["problems"]] == ["changed-meanwhile"]
    assert (await everything(town)).people["p-1"].badge == "K-2"


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize("format", ["xlsx", "json"])
@pytest.mark.parametrize("name", ["roles", "people"])
async def test_what_is_written_out_comes_in_again_and_changes_nothing(
    ask: Ask, town: Database, name: str, format: str
) -> None:
    admin = ask("p-admin")
    rows = [PEOPLE_HEADER, ("p-1", "某甲", "keeper@grid-x1; volunteer@grid-x1; keeper@grid-x2")]
    await brought_in(admin, town, workbook(人员=rows))
    before = await everything(town)

    out = await admin.get(f"/exports/{name}.{format}", params={"unit": "top"})
    ended = await brought_in(admin, town, out.content, f"f.{format}")
    assert ended["lines_unchanged"] == ended["lines_total"] > 0, ended
    assert await everything(town) == before
    if (name, format) == ("people", "xlsx"):
        sheet: Any = load_workbook(io.BytesIO(out.content)).active
        [shown] = [row for row in sheet.values if row[0] == "p-1"]
        assert "keeper@grid-x1; volunteer@grid-x1; keeper@grid-x2" in shown


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize(
    ("grants", "code"),
    [
        ([{"role": "楼道管家", "unit_id": "grid-x1"}], None),
        ([{"role": "volunteer", "unit_id": "grid-x1", "held_as": "keeper"}], None),
        ([{"role": "king", "unit_id": "grid-x1"}], "unknown-role"),
        ([{"role": 7, "unit_id": "grid-x1"}], "value-unfit"),
        ([{"role": "keeper"}], "value-unfit"),
        ("keeper@grid-x1", "value-unfit"),
        (None, "value-unfit"),
    ],
)
async def test_a_list_in_json_calls_roles_the_same_way(
    ask: Ask, town: Database, grants: Any, code: str | None
) -> None:
    line = {"id": "p-1", "name": {"zh": "某甲"}, "grants": grants}
    ended = await brought_in(ask("p-admin"), town, json.dumps({"people": [line]}).encode(), "f.json")
    if code is None:
        assert {held for held, *_ in given_to((await everything(town)).people["p-1"])} == {"keeper"}
    else:
        [wrong] = await refused_lines(ask("p-admin"), ended["id"])
        assert [problem["code"] for problem in wrong["problems"]] == [code]
        assert (wrong["problems"][0]["column"] or "").startswith(("grants", "角色"))
