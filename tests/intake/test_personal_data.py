"""A person's data: how long it is kept, its copy, its end, and its move under another master key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import LargeBinary

from services.intake import rotate_keys
from services.intake.handlers.registration import context
from services.intake.queries import cases, personal, requesters
from services.intake.queries.personal import ERASE
from services.intake.rules.cases import fold
from services.intake.rules.facts import Case
from services.intake.rules.privacy import RequesterRevealed, RequesterSearched, searches_of
from services.intake.rules.retention import Retention
from services.intake.settings import Settings
from services.intake.tables import Table
from services.intake.upkeep import Forgetting, Indexing
from shared import rotation
from shared.database import Database
from shared.events.intake import RequesterErased
from shared.keys import Secret, new_secret
from shared.sealing import CannotUnsealError, Sealer
from shared.service import Service
from shared.settings import SettingsRefused
from shared.vocabulary import Role, Urgency
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    OPERATOR,
    START,
    SUPERVISOR,
    Others,
    a_call,
    count,
    headers,
    hear,
    inside,
    journal_of,
    search,
    set_clock,
)

PROTECTION = ("p-protection-1", Role.DATA_PROTECTION_OFFICER, "civil-affairs")
PHONE = "13812345678"
DAYS = timedelta(days=1)
SATISFIED = {
    "channel": "phone",
    "reached": True,
    "contacted": True,
    "solved": True,
    "satisfaction": "satisfied",
    "remark": "师傅姓赵，人很好",
}


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


async def registered(client: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    answer = await client.post("/cases", json=a_call(**change), headers=headers(*OPERATOR))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def case_of(database: Database, case_id: str) -> Case:
    async with database.transaction() as tx:
        case = await cases.load(tx, UUID(case_id))
    assert case is not None
    return case


async def closed(client: httpx.AsyncClient, database: Database, **change: Any) -> dict[str, Any]:
    told = await registered(client, **change)
    await hear(database, *Others(UUID(told["case_id"])).work())
    follow_up = (await case_of(database, told["case_id"])).follow_up
    assert follow_up is not None
    url = f"/follow-ups/{follow_up.id}/attempts"
    answer = await client.post(url, json=SATISFIED, headers=headers(*FOLLOW_UP_CALLER))
    assert answer.json()["state"] == "closed", answer.text
    return told


async def posted(
    client: httpx.AsyncClient, url: str, person: tuple[str, Role, str] = PROTECTION, **body: Any
) -> dict[str, Any]:
    answer = await client.post(url, json={"phone": PHONE} | body, headers=headers(*person))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


# ── retention ─────────────────────────────────────────────────────────────────────────────────────────────────────

KEPT = Retention({Urgency.EMERGENCY: 100, Urgency.ROUTINE: 40}, {"rubbish-heap": 60, "gas": 0})
EXAMPLES = [
    ("manhole-cover", Urgency.EMERGENCY, 100),
    ("manhole-cover", Urgency.ROUTINE, 40),
    ("rubbish-heap", Urgency.ROUTINE, 60),
    ("rubbish-heap", Urgency.EMERGENCY, 60),
    ("gas", Urgency.EMERGENCY, 0),
    ("manhole-cover", Urgency.APPOINTMENT, 0),
]


@pytest.mark.parametrize(("category", "urgency", "days"), EXAMPLES)
def test_a_categorys_days_go_before_those_of_the_urgency(category: str, urgency: Urgency, days: int) -> None:
    assert KEPT.days(category, urgency) == days


def test_the_shortest_retention_that_ends() -> None:
    assert KEPT.shortest_days == 40
    assert Retention({Urgency.EMERGENCY: 0}).shortest_days is None


async def test_the_database_counts_the_days_as_the_rule_does(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await closed(client, database)
    for category, urgency, days in EXAMPLES:
        async with database.transaction() as tx:
            await tx.rows("UPDATE cases SET category_code = :c, urgency = :u", c=category, u=str(urgency))
            for after, due in (
                (days * DAYS - DAYS / 24, False),
                (days * DAYS, days > 0),
                (9999 * DAYS, days > 0),
            ):
                found = await personal.to_erase(tx, KEPT, START + after, rows_max=10)
                assert found == ([UUID(told["case_id"])] if due else []), (category, urgency, after)


async def test_whose_retention_is_over_is_forgotten(client: httpx.AsyncClient, database: Database) -> None:
    told, still_open = await closed(client, database), await registered(client)
    forgetting = Forgetting(Retention({Urgency.EMERGENCY: 40}))
    await set_clock(database, START + 40 * DAYS - DAYS / 24)
    assert await forgetting.turn(database) == 0
    await set_clock(database, START + 40 * DAYS)
    assert [await forgetting.turn(database) for _ in range(2)] == [1, 0]
    story = await journal_of(database, UUID(told["case_id"]))
    erased = story[-1]
    assert isinstance(erased, RequesterErased)
    assert erased.actor.person_id is None
    case = await case_of(database, told["case_id"])
    assert case == fold(story)
    assert case.erased_at == START + 40 * DAYS
    assert (await case_of(database, still_open["case_id"])).erased_at is None
    assert await count(database, "requesters WHERE wrapped_key IS NULL") == 1


@pytest.mark.parametrize(("days", "fits"), [(0, True), (31, True), (30, False), (1, False), (-1, False)])
def test_nobody_is_forgotten_while_they_may_contest(settings: Settings, days: int, fits: bool) -> None:
    given = settings.model_dump() | {"retention_days_by_category": {"gas": days}}
    if fits:
        assert Settings.model_validate(given).retention_days_by_category == {"gas": days}
    else:
        with pytest.raises(SettingsRefused, match="RETENTION_DAYS_BY_CATEGORY"):
            Settings.model_validate(given)


# ── erasure ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_sealed_is_destroyed_with_the_key() -> None:
    """A sealed column that is added later must be added to the statement as well."""
    tells_nothing = {("import_lines", "said")}  # a keyed digest: the same file again makes no second case
    plumbing = {"heads", "journal", "idempotency_keys", "outbox", "dead_letters"}
    named = {
        (table, column)
        for table, columns in re.findall(r"UPDATE (\w+) SET (.*?)WHERE", ERASE, re.S)
        for column in re.findall(r"(\w+) = NULL", columns)
    }
    sealed = {
        (table.name, column.name)
        for table in Table.metadata.sorted_tables
        if table.name not in plumbing
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert sealed - tells_nothing == named


async def test_erasure_leaves_the_figures_and_every_hash(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    told, still_open = await closed(client, database), await registered(client)
    await Indexing(service.sealer).turn(database)
    answer = await posted(client, "/personal-data/erasure")
    assert (answer["erased"], answer["still_open"]) == ([told["number"]], [still_open["number"]])
    again = await posted(client, "/personal-data/erasure")
    assert (again["erased"], again["still_open"]) == ([], [still_open["number"]])
    await Indexing(service.sealer).turn(database)

    story = await journal_of(database, UUID(told["case_id"]))
    assert sum(isinstance(event, RequesterErased) for event in story) == 1
    assert story[-1].actor.person_id == PROTECTION[0]
    case = await case_of(database, told["case_id"])
    assert (case.state, case.outcome, case.follow_up is not None) == ("closed", "solved", True)
    staff = headers(*PROTECTION)
    shown = (await client.get(f"/cases/{told['case_id']}", headers=staff)).json()["requester"]
    assert (shown["name"], shown["phone"]) == (None, None)
    revealed = await client.post(
        f"/cases/{told['case_id']}/reveal", json={"purpose": "data_subject_request"}, headers=staff
    )
    assert (revealed.json()["phone"], revealed.json()["description"], revealed.json()["remarks"]) == (
        None,
        "",
        [],
    )
    tracked = await client.get(f"/track/{told['number']}", params={"code": told["pickup_code"]})
    assert tracked.status_code == 404
    found = await search(client, PROTECTION, text="我叫")
    assert [item["number"] for item in found.json()["items"]] == [still_open["number"]]
    placed = await search(client, PROTECTION, address="春和路")
    assert {item["number"] for item in placed.json()["items"]} == {told["number"], still_open["number"]}


async def test_one_case_is_erased_where_no_phone_leads_to_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await closed(client, database)
    url = f"/cases/{told['case_id']}/erasure"
    still_open = await registered(client)
    early = await client.post(f"/cases/{still_open['case_id']}/erasure", headers=headers(*PROTECTION))
    assert (early.status_code, early.json()["code"]) == (409, "case-not-closed")
    for person in (SUPERVISOR, OPERATOR, ("p-other", Role.DATA_PROTECTION_OFFICER, "community-b")):
        assert (await client.post(url, headers=headers(*person))).status_code == 403, person
    repeated = headers(*PROTECTION) | {"Idempotency-Key": "e"}
    answers = [await client.post(url, headers=repeated) for _ in range(2)]
    assert [answer.json()["erased"] for answer in answers] == [[told["number"]]] * 2
    assert await count(database, "journal WHERE type = 'yike.requester.erased'") == 1


# ── export ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_person_gets_a_copy_of_everything(client: httpx.AsyncClient, database: Database) -> None:
    told, newer = await closed(client, database), await registered(client)
    await registered(client, requester={"phone": "13900000000"})
    data = await posted(client, "/personal-data/export")
    assert [case["number"] for case in data["cases"]] == [newer["number"], told["number"]]
    case = data["cases"][1]
    assert (case["name"], case["phone"]) == ("王小明", PHONE)
    assert case["description"] == "门口的井盖不见了，我叫王小明"
    assert [remark["text"] for remark in case["remarks"]] == ["师傅姓赵，人很好"]
    assert case["follow_ups"][0]["satisfaction"] == "satisfied"
    assert case["history"][0]["type"] == "yike.case.registered"
    assert "p-caller-1" not in str(case["history"]), "of staff only the role"
    for exported in (told, newer):
        noted = (await journal_of(database, UUID(exported["case_id"])))[-1]
        assert isinstance(noted, RequesterRevealed)
        assert (noted.purpose, noted.actor.person_id) == ("data_subject_request", PROTECTION[0])
    [own] = await journal_of(database, searches_of(PROTECTION[0]))
    assert isinstance(own, RequesterSearched)
    assert own.found == 2
    first = await posted(client, "/personal-data/export", limit=1)
    second = await posted(client, "/personal-data/export", limit=1, cursor=first["next_cursor"])
    assert [case["number"] for case in (*first["cases"], *second["cases"])] == [
        newer["number"],
        told["number"],
    ]
    purposes = [line["purpose"] for line in second["cases"][0]["history"] if line["purpose"]]
    assert purposes == ["data_subject_request"], "the person learns who looked, and why"


async def test_who_has_no_phone_gets_a_copy_of_their_case(
    client: httpx.AsyncClient, database: Database
) -> None:
    """A walk-in by name, for their father: no number leads to either of them."""
    father = {"name": "王大明", "relation": "父亲"}
    requester = {"name": "王小明", "kind": "proxy", "on_behalf_of": father}
    told = await registered(client, channel="walk_in_post", requester=requester)
    url = f"/cases/{told['case_id']}/export"
    for person in (SUPERVISOR, OPERATOR, ("p-other", Role.DATA_PROTECTION_OFFICER, "community-b")):
        assert (await client.post(url, headers=headers(*person))).status_code == 403, person
    assert await count(database, "journal WHERE type = 'yike.requester.revealed'") == 0
    answer = await client.post(url, headers=headers(*PROTECTION))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    case = answer.json()
    assert (case["name"], case["phone"], case["on_behalf_of"]["name"]) == ("王小明", None, "王大明")
    assert case["description"] == "门口的井盖不见了，我叫王小明"
    noted = (await journal_of(database, UUID(told["case_id"])))[-1]
    assert isinstance(noted, RequesterRevealed)
    assert (noted.purpose, noted.actor.person_id) == ("data_subject_request", PROTECTION[0])
    nowhere = await client.post(f"/cases/{UUID(int=1)}/export", headers=headers(*PROTECTION))
    assert nowhere.status_code == 404


async def test_only_the_data_protection_officer_and_only_of_their_units(client: httpx.AsyncClient) -> None:
    told = await registered(client, place=inside("grid-a1"))
    for url in ("/personal-data/export", "/personal-data/erasure"):
        for person in (
            SUPERVISOR,
            OPERATOR,
            FOLLOW_UP_CALLER,
            ("p-admin", Role.ADMINISTRATOR, "civil-affairs"),
        ):
            answer = await client.post(url, json={"phone": PHONE}, headers=headers(*person))
            assert answer.status_code == 403, person
    for unit, numbers in (("community-a", [told["number"]]), ("community-b", [])):
        officer = ("p-protection-2", Role.DATA_PROTECTION_OFFICER, unit)
        data = await posted(client, "/personal-data/export", person=officer)
        assert [case["number"] for case in data["cases"]] == numbers
        gone = await posted(client, "/personal-data/erasure", person=officer)
        assert gone["still_open"] == numbers


# ── another master key ────────────────────────────────────────────────────────────────────────────────────────────


async def keys_of(database: Database) -> Mapping[UUID, bytes]:
    async with database.transaction() as tx:
        return {
            row["case_id"]: row["wrapped_key"]
            for row in await tx.rows("SELECT case_id, wrapped_key FROM requesters")
        }


async def test_keys_move_under_a_new_master_key_while_both_hold(
    client: httpx.AsyncClient,
    database: Database,
    service: Service,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(3):
        await registered(client)
    await Indexing(service.sealer).turn(database)
    old = settings.master_keys[0]
    new = Secret("key-new", b"n" * 32)
    both = Sealer([new, old])
    service.__dict__["sealer"] = both
    broken_off = 0

    def tired(sealer: Sealer, row: Any) -> bytes | None:
        nonlocal broken_off
        broken_off += 1
        if broken_off == 2:
            raise KeyboardInterrupt
        return real(sealer, row)

    real = rotate_keys._phone_index
    monkeypatch.setattr(rotation, "KEYS_PER_TURN_MAX", 1)
    monkeypatch.setattr(rotate_keys, "_phone_index", tired)
    with pytest.raises(KeyboardInterrupt):
        await rotate_keys.rotate(database, both)
    assert sum(both.is_current(wrapped) for wrapped in (await keys_of(database)).values()) == 1

    added = await registered(client)
    asked = {"phone": PHONE, "purpose": "call_comes_in"}
    found = await client.post("/cases/by-phone", json=asked, headers=headers(*OPERATOR))
    assert len(found.json()["items"]) == 4, "found under either key meanwhile"
    by_words = await search(client, text="井盖")
    assert len(by_words.json()["items"]) == 3
    monkeypatch.setattr(rotate_keys, "_phone_index", real)
    assert await rotate_keys.rotate(database, both) == 2
    assert await rotate_keys.rotate(database, both) == 0

    alone = Sealer([new])
    service.__dict__["sealer"] = alone
    found = await client.post("/cases/by-phone", json=asked, headers=headers(*OPERATOR))
    assert added["number"] in [item["number"] for item in found.json()["items"]]
    assert [item["requester"]["phone"] for item in found.json()["items"]] == ["138****5678"] * 4
    by_words = await search(client, text="井盖 我叫")
    assert len(by_words.json()["items"]) == 4
    for case_id, wrapped in (await keys_of(database)).items():
        with pytest.raises(CannotUnsealError):
            Sealer([old]).unwrap(wrapped)
        async with database.transaction() as tx:
            row = await requesters.requester(tx, case_id)
        assert alone.unseal(alone.unwrap(wrapped), row["phone_sealed"], context("phone", case_id)) == PHONE


async def test_the_command_says_what_it_did(
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await registered(client)
    file = tmp_path / "master.key"
    file.write_text(new_secret() + file.read_text())
    await rotate_keys.main(Settings.model_validate(settings.model_dump()))
    assert capsys.readouterr().out.startswith("1 keys were put under key-")


@pytest.mark.parametrize(
    ("consent", "status"), [(["contact", "share_with_handler"], 200), (["contact"], 200), ([], 404)]
)
async def test_no_address_is_given_away_against_the_requesters_will(
    client: httpx.AsyncClient, service: Service, consent: list[str], status: int
) -> None:
    told = await registered(client, requester={"name": "王小明", "phone": PHONE, "consent": consent})
    answer = await client.get(
        f"/internal/contacts/{told['case_id']}",
        params={"purpose": "registered"},
        headers={"Authorization": f"Bearer {service.settings.internal_tokens[0].value.hex()}"},
    )
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "no-contact"
