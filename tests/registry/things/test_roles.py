"""岗位角色: a city makes roles and gives them by their ids; who holds one has its powers as they are, and by nobody who
might not give them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from services.registry.commands import Given
from services.registry.handlers.things import put_things
from services.registry.rules.roles import SHIPPED, with_powers
from services.registry.rules.things import Known, apply
from shared import journal
from shared.database import Database, Transaction
from shared.events.things import REGISTRY_SUBJECT, ThingEvent
from shared.things import JobRole, Person
from shared.vocabulary import Role
from tests.registry.conftest import everything
from tests.registry.test_changes import told
from tests.registry.things.conftest import Ask, fire, put, retire, set_clock
from tests.registry.things.town import KEEPER, KNOWN, NOON, a_person, hours

MORE = KEEPER.model_copy(update={"powers": (Role.BUILDING_HEAD, Role.SOCIAL_WORKER)})


def body(thing: Any, **changes: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = thing.model_dump(mode="json")
    return {**dumped, **changes}


FEWER = {**KEEPER.model_dump(mode="json"), "powers": ["reader"]}


def given(role: str, unit_id: str = "grid-x1", **more: str) -> dict[str, str]:
    return {"role": role, "unit_id": unit_id, **more}


async def give(client: httpx.AsyncClient, person_id: str, *grants: dict[str, str]) -> httpx.Response:
    person = KNOWN.people.get(person_id) or a_person(person_id)
    return await put(client, f"/people/{person_id}", body(person, grants=grants))


def powers(person: Person) -> list[tuple[str, str, str | None]]:
    return [(grant.role.value, grant.unit_id, grant.held_as) for grant in person.grants]


def codes(answer: httpx.Response) -> list[str]:
    return [flaw["code"] for flaw in answer.json().get("flaws", ())]


async def story(database: Database) -> list[ThingEvent]:
    async with database.transaction() as tx:
        await journal.verify(tx, REGISTRY_SUBJECT)
        events = await journal.story(tx, REGISTRY_SUBJECT)
    return [event for event in events if isinstance(event, ThingEvent)]


@pytest.fixture(autouse=True)
async def made(ask: Ask) -> None:
    assert (await put(ask("p-admin"), "/roles/keeper", body(KEEPER))).status_code == 200


AS_KEEPER = [("building_head", "grid-x1", "keeper"), ("volunteer", "grid-x1", "keeper")]


async def test_a_role_is_given_by_its_id_and_read_with_its_powers(ask: Ask, town: Database) -> None:
    admin = ask("p-admin-x")
    assert (await give(admin, "p-w", given("keeper"))).status_code == 200
    assert powers((await everything(town)).people["p-w"]) == AS_KEEPER

    read = await admin.get("/people/p-w")
    again = await admin.put("/people/p-w", json=read.json(), headers={"If-Match": read.headers["etag"]})
    assert again.headers["etag"] == read.headers["etag"], "what is read and sent back changes nothing"


async def test_nobody_is_given_more_than_the_role_has(ask: Ask, town: Database) -> None:
    """A power named beside a role is no request: the role says what its powers are."""
    asked = given("data_protection_officer", "community-x", held_as="keeper")
    assert (await give(ask("p-admin-x"), "p-w", asked)).status_code == 200
    assert {power for power, *_ in powers((await everything(town)).people["p-w"])} == {
        "building_head",
        "volunteer",
    }


async def test_a_role_nobody_knows_is_refused_with_everything_beside_it(ask: Ask, town: Database) -> None:
    before = await everything(town)
    refused = await give(ask("p-admin"), "p-w", given("keeper"), given("kepper"), given("king"))
    assert codes(refused) == ["unknown-role", "unknown-role"]
    assert "kepper" in refused.json()["flaws"][0]["text"]
    assert await everything(town) == before


async def test_a_role_and_who_gets_it_come_in_one_change(ask: Ask, town: Database) -> None:
    new = body(KEEPER, id="steward", name={"zh": "管事", "en": "Steward"})
    person = body(KNOWN.people["p-w"], grants=[given("steward")])
    assert (await ask("p-admin").post("/changes", json={"people": [person], "roles": [new]})).is_success
    assert {held for _, _, held in powers((await everything(town)).people["p-w"])} == {"steward"}


# ── a role changes while it is held ───────────────────────────────────────────────────────────────────────────────


async def test_whoever_holds_a_role_has_its_powers_from_the_moment_it_changes(
    ask: Ask, town: Database
) -> None:
    admin = ask("p-admin")
    await give(admin, "p-w", given("keeper"), given("volunteer", "grid-x2"))
    await give(admin, "p-y", given("keeper", "grid-y1"))
    await give(admin, "p-b", given("volunteer"))
    await retire(admin, "/people/p-y")
    before = len(await told(town))

    assert (await put(admin, "/roles/keeper", body(MORE))).status_code == 200
    there = (await everything(town)).people
    assert powers(there["p-w"]) == [
        ("building_head", "grid-x1", "keeper"),
        ("social_worker", "grid-x1", "keeper"),
        ("volunteer", "grid-x2", None),
    ]
    assert [power for power, *_ in powers(there["p-y"])] == ["building_head", "social_worker"]
    assert powers(there["p-b"]) == [("volunteer", "grid-x1", None)]
    published = (await told(town))[before:]
    assert [event.key for event in published] == ["role:keeper", "person:p-w", "person:p-y"]
    newest = (await admin.get("/people/p-w/history")).json()["items"][0]
    assert (newest["changed"], newest["actor"]["person_id"]) == (["grants"], "p-admin")


async def test_a_new_name_changes_nobody(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    await give(admin, "p-w", given("keeper"))
    before = len(await told(town))
    renamed = KEEPER.model_copy(update={"name": KEEPER.name.model_copy(update={"zh": "楼管家"})})
    assert (await put(admin, "/roles/keeper", body(renamed))).status_code == 200
    assert [event.key for event in (await told(town))[before:]] == ["role:keeper"]
    now, first = (await admin.get("/roles/keeper/history")).json()["items"]
    assert (now["changed"], first["state"]) == (["name"], body(KEEPER))


async def test_the_rows_are_what_the_journal_tells_after_all_of_it(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    await give(admin, "p-w", given("keeper"))
    await put(admin, "/roles/keeper", body(MORE))
    folded = Known()
    for event in await story(town):
        folded = apply(folded, event)
    assert folded == await everything(town)


async def test_a_change_takes_as_many_statements_for_hundreds_as_for_one(
    ask: Ask, town: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    rows = Transaction.rows

    async def counted(tx: Transaction, sql: str, **more: Any) -> Any:
        asked.append(sql)
        return await rows(tx, sql, **more)

    async def changed(powers: tuple[Role, ...]) -> int:
        asked.clear()
        await put(ask("p-admin"), "/roles/keeper", body(KEEPER.model_copy(update={"powers": powers})))
        return len(asked)

    await give(ask("p-admin"), "p-w", given("keeper"))
    monkeypatch.setattr(Transaction, "rows", counted)
    for_one = await changed((Role.BUILDING_HEAD,))
    keeps = with_powers([Given(role="keeper", unit_id="grid-x1")], {"keeper": KEEPER})
    everybody = [a_person(f"p-{n}").model_copy(update={"grants": keeps}) for n in range(300)]
    async with town.transaction() as tx:
        await put_things(tx, everybody)
    assert await changed((Role.VOLUNTEER,)) == for_one
    there = (await everything(town)).people
    assert {powers(there[f"p-{n}"])[0] for n in range(300)} == {("volunteer", "grid-x1", "keeper")}


# ── who may ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("who", "status"), [("p-admin", 200), ("p-admin-x", 403), ("p-officer-x", 403)])
async def test_roles_are_made_changed_and_retired_by_who_administers_the_top(
    ask: Ask, town: Database, who: str, status: int
) -> None:
    new = body(KEEPER, id="new", name={"zh": "新", "en": "New"})
    assert (await put(ask(who), "/roles/new", new)).status_code == status
    assert (await put(ask(who), "/roles/keeper", body(MORE))).status_code == status
    assert (await ask(who).post("/changes", json={"roles": [FEWER]})).status_code == status
    assert (await retire(ask(who), "/roles/keeper")).status_code == status


@pytest.mark.parametrize(
    ("who", "unit_id", "status"),
    [
        ("p-admin-x", "grid-x1", 200),
        ("p-admin-x", "community-x", 200),
        ("p-admin-x", "grid-y1", 403),
        ("p-admin-x", "top", 403),
        ("p-admin", "grid-y1", 200),
        ("p-officer-x", "grid-x1", 403),
    ],
)
async def test_a_role_is_given_where_its_powers_might_be_given_one_by_one(
    ask: Ask, town: Database, who: str, unit_id: str, status: int
) -> None:
    for grants in (
        [given("keeper", unit_id)],
        [given("building_head", unit_id), given("volunteer", unit_id)],
    ):
        person = body(a_person("p-new"), grants=[*grants, given("grid_worker")])
        assert (await put(ask(who), "/people/p-new", person)).status_code == status


async def test_nobody_makes_themself_more_by_a_role_than_they_might_be_made(ask: Ask, town: Database) -> None:
    """Who administers a community neither widens a role they hold nor has one beyond their community."""
    own, role = ask("p-admin-x"), body(KEEPER, id="chief", name={"zh": "总管", "en": "Chief"})
    everything_there_is = {**role, "powers": [power.value for power in Role]}
    assert (await put(own, "/roles/chief", everything_there_is)).status_code == 403
    assert (await put(ask("p-admin"), "/roles/chief", everything_there_is)).status_code == 200
    mine = body(KNOWN.people["p-admin-x"])
    wider = {**mine, "grants": [*mine["grants"], given("chief", "top")]}
    assert (await put(own, "/people/p-admin-x", wider)).status_code == 403
    planned = {"valid_from": (NOON + hours(1)).isoformat(), "people": [wider]}
    assert (await own.post("/planned-changes", json=planned)).status_code == 403
    assert powers((await everything(town)).people["p-admin-x"]) == [("administrator", "community-x", None)]


# ── what ships ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_ships_is_renamed_and_stays_what_it_is(ask: Ask, town: Database) -> None:
    admin, head = ask("p-admin"), SHIPPED["grid_worker"]
    renamed = body(head, name={"zh": "网格巡查员", "en": "grid patroller"})
    assert (await put(admin, "/roles/grid_worker", renamed)).status_code == 200
    assert codes(await put(admin, "/roles/grid_worker", body(head, powers=["administrator"]))) == [
        "shipped-powers"
    ]
    assert codes(await retire(admin, "/roles/grid_worker")) == ["role-held"]
    assert (await everything(town)).roles["grid_worker"].name.zh == "网格巡查员"
    assert powers((await everything(town)).people["p-w"]) == [("grid_worker", "grid-x1", None)]


# ── the end of a role ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_role_is_retired_when_nobody_holds_it_any_more(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    await give(admin, "p-w", given("keeper"))
    held = await retire(admin, "/roles/keeper")
    assert (held.status_code, codes(held)) == (422, ["role-held"])
    assert "p-w" in held.json()["flaws"][0]["text"]

    await give(admin, "p-w", given("volunteer"))
    assert (await retire(admin, "/roles/keeper")).status_code == 200
    assert codes(await give(admin, "p-w", given("keeper"))) == ["retired-role"]
    assert (await admin.get("/roles/keeper")).json()["retired_at"] is not None
    assert "keeper" not in {role["id"] for role in (await admin.get("/roles")).json()["items"]}


async def test_the_last_who_holds_it_gives_it_up_in_the_same_change(ask: Ask) -> None:
    admin = ask("p-admin")
    await give(admin, "p-w", given("keeper"))
    both = {
        "roles": [body(KEEPER, retired_at=NOON.isoformat())],
        "people": [body(KNOWN.people["p-w"], grants=[given("volunteer")])],
    }
    assert (await admin.post("/changes", json=both)).status_code == 200


async def test_a_role_is_given_or_retired_at_once_and_never_both(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    for n in range(5):
        id = f"role-{n}"
        role = JobRole(id=id, name=KEEPER.name.model_copy(update={"zh": id, "en": id}), powers=KEEPER.powers)
        await put(admin, f"/roles/{id}", body(role))
        await asyncio.gather(give(admin, f"p-n{n}", given(id)), retire(ask("p-admin"), f"/roles/{id}"))
        there = await everything(town)
        holders = [one for one in there.people.values() if any(held == id for _, _, held in powers(one))]
        assert bool(holders) == (there.roles[id].retired_at is None)


async def test_who_gets_a_role_while_it_changes_has_it_as_it_is(ask: Ask, town: Database) -> None:
    for n in range(5):
        new = (MORE, KEEPER)[n % 2]
        await asyncio.gather(
            give(ask("p-admin"), f"p-n{n}", given("keeper")),
            put(ask("p-admin"), "/roles/keeper", body(new)),
            give(ask("p-admin-x"), f"p-m{n}", given("keeper")),
        )
        there = await everything(town)
        assert there.roles["keeper"].powers == new.powers
        for who in (f"p-n{n}", f"p-m{n}"):
            assert tuple(grant.role for grant in there.people[who].grants) == new.powers


# ── later ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def planned(client: httpx.AsyncClient, at: float, **things: Any) -> httpx.Response:
    plan = {"valid_from": (NOON + hours(at)).isoformat(), **things}
    return await client.post("/planned-changes", json=plan)


async def test_a_role_begins_at_a_date_and_may_be_planned_for_people_from_then_on(
    ask: Ask, town: Database
) -> None:
    admin = ask("p-admin")
    new = body(KEEPER, id="steward", name={"zh": "管事", "en": "Steward"})
    person = body(KNOWN.people["p-w"], grants=[given("steward")])
    assert (await planned(admin, 24, roles=[new])).status_code == 201
    assert codes(await planned(admin, 23, people=[person])) == ["unknown-role"]
    assert (await planned(ask("p-admin-x"), 25, people=[person])).status_code == 201

    await set_clock(town, NOON + hours(30))
    assert await fire(town) == 2
    assert [held for _, _, held in powers((await everything(town)).people["p-w"])] == ["steward", "steward"]


async def test_a_planned_role_has_the_powers_it_has_when_it_is_given(ask: Ask, town: Database) -> None:
    person = body(KNOWN.people["p-w"], grants=[given("keeper")])
    await planned(ask("p-admin-x"), 24, people=[person])
    await put(ask("p-admin"), "/roles/keeper", body(MORE))
    await set_clock(town, NOON + hours(24))
    await fire(town)
    assert tuple(grant.role for grant in (await everything(town)).people["p-w"].grants) == MORE.powers


async def test_a_role_changes_at_a_date_for_whoever_holds_it_then(ask: Ask, town: Database) -> None:
    await planned(ask("p-admin"), 24, roles=[body(MORE)])
    await give(ask("p-admin-x"), "p-w", given("keeper"))
    await set_clock(town, NOON + hours(24))
    await fire(town)
    assert tuple(grant.role for grant in (await everything(town)).people["p-w"].grants) == MORE.powers


async def test_what_was_to_be_given_is_refused_when_the_role_never_came(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    new = body(KEEPER, id="steward", name={"zh": "管事", "en": "Steward"})
    role = (await planned(admin, 24, roles=[new])).json()
    person = body(KNOWN.people["p-w"], grants=[given("steward")])
    gift = (await planned(admin, 25, people=[person])).json()
    await admin.post(f"/planned-changes/{role['id']}/cancel")
    await set_clock(town, NOON + hours(25))
    await fire(town)
    shown = (await admin.get(f"/planned-changes/{gift['id']}")).json()
    assert (shown["state"], [flaw["code"] for flaw in shown["flaws"]]) == ("refused", ["unknown-role"])
    assert (await everything(town)).people["p-w"] == KNOWN.people["p-w"]
