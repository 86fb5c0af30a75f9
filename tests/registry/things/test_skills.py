"""技能: a list as every other, brought in with whoever has them, changed at a date, and never by a typing error."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openpyxl import load_workbook

from services.registry.defaults import things as defaults
from services.registry.defaults.skills import SKILLS
from services.registry.rules.things import skills_of
from shared.database import Database
from tests.registry.conftest import everything
from tests.registry.things.conftest import Ask, fire, put, set_clock
from tests.registry.things.test_imports import brought_in, refused_lines, workbook
from tests.registry.things.town import ELECTRICS, KNOWN, LAMP, NOON, hours


def body(thing: Any, **changes: Any) -> dict[str, Any]:
    changed: dict[str, Any] = thing.model_copy(update=changes).model_dump(mode="json")
    return changed


async def test_a_typing_error_is_refused_for_people_and_categories(ask: Ask) -> None:
    admin, worker = ask("p-admin"), KNOWN.people["p-w"]
    for path, wrong, right in (
        ("/people/p-w", body(worker, skills=("electric",)), body(worker, skills=("electrics",))),
        ("/categories/lamp", body(LAMP, skills_wanted=("电路",)), body(LAMP, skills_wanted=("electrics",))),
    ):
        refused = await put(admin, path, wrong)
        assert [flaw["code"] for flaw in refused.json()["flaws"]] == ["unknown-skill"]
        assert (await put(admin, path, right)).status_code == 200


async def test_skills_come_in_one_file_with_whoever_has_them(ask: Ask, town: Database) -> None:
    file = workbook(
        人员=[("编号", "姓名", "角色", "技能"), *(
            (f"p-{n}", f"某{n}", "网格员@grid-x1", skill)
            for n, skill in enumerate(("carpentry", "electrics; carpentry", "carpentery"), start=1)
        )],
        事项=[("编码", "名称", "大类", "紧急程度", "时限规则", "办理层级", "所需技能"),
              ("door", "门", "市政", "一般", "routine", "网格", "carpentry")],
        技能=[("编号", "名称", "英文名称"), ("carpentry", "木工", "Carpentry")],
    )  # fmt: skip
    ended = await brought_in(ask("p-admin"), town, file)
    assert (ended["lines_in"], ended["lines_refused"]) == (4, 1), ended

    [wrong] = await refused_lines(ask("p-admin"), ended["id"])
    assert (wrong["thing_id"], [one["code"] for one in wrong["problems"]]) == ("p-3", ["unknown-skill"])
    there = await everything(town)
    assert there.skills["carpentry"].name.zh == "木工"
    assert (there.people["p-2"].skills, there.categories["door"].skills_wanted) == (
        ("electrics", "carpentry"),
        ("carpentry",),
    )


async def test_exported_skills_come_in_again_and_change_nothing(ask: Ask, town: Database) -> None:
    out = await ask("p-admin").get("/exports/skills.xlsx", params={"unit": "top"})
    rows = list(load_workbook(io.BytesIO(out.content)).active.values)  # type: ignore[union-attr]
    assert rows[1:] == [("electrics", ELECTRICS.name.zh, ELECTRICS.name.en)]
    ended = await brought_in(ask("p-admin"), town, out.content)
    assert (ended["lines_unchanged"], ended["lines_refused"]) == (1, 0)


async def test_a_skill_begins_at_a_date_and_may_be_planned_for_people_from_then_on(
    ask: Ask, town: Database
) -> None:
    admin, new = ask("p-admin"), ELECTRICS.model_copy(update={"id": "carpentry"})
    able = body(KNOWN.people["p-w"], skills=("carpentry",))

    async def planned(at: float, **things: Any) -> list[str]:
        plan = {"valid_from": (NOON + hours(at)).isoformat(), **things}
        answer = (await admin.post("/planned-changes", json=plan)).json()
        return [flaw["code"] for flaw in answer.get("flaws", ())]

    assert await planned(24, skills=[body(new)]) == []
    assert await planned(23, people=[able]) == ["unknown-skill"]
    assert await planned(25, people=[able]) == []
    await set_clock(town, NOON + hours(30))
    assert await fire(town) == 2
    assert (await everything(town)).people["p-w"].skills == ("carpentry",)


@pytest.mark.parametrize("who", ["p-admin-x", "p-a"])
async def test_only_who_administers_the_top_changes_the_list(ask: Ask, who: str) -> None:
    new = body(ELECTRICS, id="carpentry")
    assert (await ask(who).put("/skills/carpentry", json=new)).status_code == 403


def test_what_is_shipped_knows_every_skill_its_catalogue_wishes_for() -> None:
    ids = {skill.id for skill in SKILLS}
    assert len(ids) == len(SKILLS)
    assert {id for thing in defaults() for id in skills_of(thing)} <= ids
