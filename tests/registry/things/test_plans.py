"""Changes that become valid later: exactly then, once, and only what was meant to change."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from services.registry.handlers.things import put_things
from services.registry.queries import ahead, history
from services.registry.rules.told import Ahead, apply
from shared import journal
from shared.database import Database
from shared.events.things import REGISTRY_SUBJECT
from shared.things import Unit
from tests.registry.conftest import everything
from tests.registry.things.conftest import Ask, fire, set_clock
from tests.registry.things.town import KNOWN, NOON, PEOPLE, a_unit, hours, square

FIRST_OF_DECEMBER = NOON + hours(24 * 11)


def unit(id: str, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = KNOWN.units[id].model_copy(update=changes).model_dump(mode="json")
    return body


async def plan(client: httpx.AsyncClient, at: Any = FIRST_OF_DECEMBER, **things: Any) -> httpx.Response:
    return await client.post("/planned-changes", json={"valid_from": at.isoformat(), **things})


async def test_a_new_boundary_becomes_valid_at_its_moment(ask: Ask, town: Database) -> None:
    new = square(113.05)
    made = await plan(ask("p-admin-x"), units=[unit("grid-x1", polygon=new)])
    assert made.status_code == 201, made.text
    assert [(thing["id"], list(thing["fields"])) for thing in made.json()["things"]] == [
        ("grid-x1", ["polygon"])
    ]

    await set_clock(town, FIRST_OF_DECEMBER - hours(0.0001))
    assert await fire(town) == 0
    assert (await everything(town)).units["grid-x1"] == KNOWN.units["grid-x1"]
    await set_clock(town, FIRST_OF_DECEMBER)
    assert await fire(town) == 1

    assert (await everything(town)).units["grid-x1"].polygon == new
    async with town.transaction() as tx:
        last = (await history.history(tx, Unit, "grid-x1", None, 1))[0]
    assert (last.at, last.actor.person_id) == (FIRST_OF_DECEMBER, "p-admin-x")
    [shown] = (await ask("p-admin").get("/planned-changes", params={"state": "applied"})).json()["items"]
    assert (shown["id"], shown["revision"]) == (made.json()["id"], last.revision)


async def test_what_was_corrected_in_between_is_kept(ask: Ask, town: Database) -> None:
    await plan(ask("p-admin"), units=[unit("grid-x1", polygon=square(113.05))])
    renamed = KNOWN.units["grid-x1"].model_copy(update={"households": 600})
    async with town.transaction() as tx:
        await put_things(tx, [renamed])

    await set_clock(town, FIRST_OF_DECEMBER)
    await fire(town)
    after = (await everything(town)).units["grid-x1"]
    assert (after.households, after.polygon) == (600, square(113.05))


async def test_a_post_changes_hands_next_month(ask: Ask, town: Database) -> None:
    a, b = (person.model_dump(mode="json") for person in PEOPLE if person.id in ("p-a", "p-b"))
    a["posts"], b["posts"] = b["posts"], a["posts"]
    assert (await plan(ask("p-admin-x"), people=[a, b])).status_code == 201

    await set_clock(town, FIRST_OF_DECEMBER)
    assert await fire(town) == 1
    people = (await everything(town)).people
    assert [held.post for held in people["p-a"].posts] == ["b"]
    assert [held.post for held in people["p-b"].posts] == ["a"]


async def test_plans_build_on_each_other(ask: Ask, town: Database) -> None:
    admin, house = ask("p-admin"), a_unit("house-1", "grid-x1").model_dump(mode="json")
    early = await plan(admin, units=[{**house, "parent_id": "annex"}])
    assert [flaw["code"] for flaw in early.json()["flaws"]] == ["unknown-parent"]
    annex = a_unit("annex", "grid-x1").model_dump(mode="json")
    assert (await plan(admin, NOON + hours(24), units=[annex])).status_code == 201
    assert (await plan(admin, units=[{**house, "parent_id": "annex"}])).status_code == 201

    await set_clock(town, FIRST_OF_DECEMBER)
    assert await fire(town) == 2
    assert (await everything(town)).units["house-1"].parent_id == "annex"


async def test_a_plan_that_no_longer_fits_is_refused_and_says_why(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    made = (await plan(admin, units=[unit("grid-x1", polygon=square(113.05))])).json()
    async with town.transaction() as tx:
        await put_things(tx, [KNOWN.units["grid-x2"].model_copy(update={"polygon": square(113.055)})])

    await set_clock(town, FIRST_OF_DECEMBER)
    assert await fire(town) == 1
    shown = (await admin.get(f"/planned-changes/{made['id']}")).json()
    assert (shown["state"], [flaw["code"] for flaw in shown["flaws"]]) == ("refused", ["ground-shared"])
    assert (await everything(town)).units["grid-x1"] == KNOWN.units["grid-x1"]


async def test_a_plan_is_taken_back(ask: Ask, town: Database) -> None:
    made = (await plan(ask("p-admin-x"), units=[unit("grid-x1", households=5)])).json()
    path = f"/planned-changes/{made['id']}/cancel"

    assert (await ask("p-a").post(path)).status_code == 403
    cancelled = await ask("p-admin").post(path)
    assert (cancelled.json()["state"], cancelled.json()["ended_by"]) == ("cancelled", "p-admin")
    assert (await ask("p-admin").post(path)).status_code == 200
    await set_clock(town, FIRST_OF_DECEMBER)
    assert await fire(town) == 0
    assert (await everything(town)).units["grid-x1"].households is None


async def test_what_has_become_valid_is_not_taken_back(ask: Ask, town: Database) -> None:
    made = (await plan(ask("p-admin"), units=[unit("grid-x1", households=5)])).json()
    await set_clock(town, FIRST_OF_DECEMBER)
    await fire(town)

    answer = await ask("p-admin").post(f"/planned-changes/{made['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "plan-over")


@pytest.mark.parametrize(
    ("who", "unit_id", "hours_ahead", "status"),
    [
        ("p-admin-x", "grid-x1", 24, 201),
        ("p-admin-x", "grid-y1", 24, 403),
        ("p-officer-x", "grid-x1", 24, 403),
        ("p-admin", "grid-y1", 24, 201),
        ("p-admin", "grid-y1", 0, 422),
        ("p-admin", "grid-y1", 24 * 1101, 422),
    ],
)
async def test_who_may_plan_what_and_when(
    ask: Ask, who: str, unit_id: str, hours_ahead: int, status: int
) -> None:
    answer = await plan(ask(who), NOON + hours(hours_ahead), units=[unit(unit_id, households=5)])
    assert answer.status_code == status, answer.text


async def test_a_community_does_not_take_back_what_the_top_planned_elsewhere(ask: Ask) -> None:
    made = (await plan(ask("p-admin"), units=[unit("grid-y1", households=5)])).json()
    assert (await ask("p-admin-x").post(f"/planned-changes/{made['id']}/cancel")).status_code == 403


async def test_what_is_so_already_is_no_plan(ask: Ask) -> None:
    assert (await plan(ask("p-admin"), units=[unit("grid-y1")])).json()["code"] == "nothing-changes"


async def test_plans_come_in_pages_in_the_order_of_their_times(ask: Ask) -> None:
    admin = ask("p-admin")
    for day in (3, 1, 2):
        await plan(admin, NOON + hours(24 * day), units=[unit("grid-x1", households=day)])

    seen, cursor = [], None
    while True:
        params = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        page = (await admin.get("/planned-changes", params=params)).json()
        seen += [item["things"][0]["fields"]["households"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [1, 2, 3]
    assert (await admin.get("/planned-changes", params={"cursor": "nonsense"})).status_code == 422
    assert (await ask("p-a").get("/planned-changes")).status_code == 403


async def test_two_processes_apply_a_plan_once(ask: Ask, town: Database) -> None:
    await plan(ask("p-admin"), units=[unit("grid-x1", households=5)])
    await set_clock(town, FIRST_OF_DECEMBER)

    assert sum(await asyncio.gather(*(fire(town) for _ in range(4)))) == 1
    async with town.transaction() as tx:
        assert len(await history.history(tx, Unit, "grid-x1", None, 10)) == 2


async def test_plans_are_what_the_journal_tells(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    await plan(admin, units=[unit("grid-x1", households=5)])
    second = (await plan(admin, units=[unit("grid-y1", households=5)])).json()
    await admin.post(f"/planned-changes/{second['id']}/cancel")
    await set_clock(town, FIRST_OF_DECEMBER)
    await fire(town)

    async with town.transaction() as tx:
        told = Ahead()
        for event in await journal.story(tx, REGISTRY_SUBJECT):
            told = apply(told, event)
        assert list(told.plans.values()) == [await ahead.plan(tx, id) for id in told.plans]
        assert {plan.state for plan in told.plans.values()} == {"applied", "cancelled"}
        assert await journal.verify(tx, REGISTRY_SUBJECT) > 0
