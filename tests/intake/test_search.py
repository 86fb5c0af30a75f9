"""Finding cases again: what is found by what, by whom, in which order, and by which index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.queries import search as queries
from services.intake.queries.search import FROM_CASES, FROM_THE_NEWEST, PLANNER, STARTS
from services.intake.rules.privacy import RequesterSearched, searches_of
from services.intake.rules.search import (
    Search,
    Way,
    choose_way,
    pieces,
    pieces_asked,
    pieces_of_speech,
    public_token,
    says,
)
from services.intake.upkeep import Indexing
from shared.database import Database
from shared.sealing import TOKEN_BITS
from shared.service import Service
from shared.vocabulary import CaseState, Role, Urgency
from tests.intake.world import (
    FOLLOW_UP_CALLER,
    HOURS,
    OPERATOR,
    START,
    SUPERVISOR,
    WORKER,
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

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("井盖不见了", {"井盖", "盖不", "不见", "见了"}),
        ("春和路 12 号", {"春和", "和路", "12"}),
        ("春和路12号", {"春和", "和路", "12"}),
        ("ＡＢＣ Gate", {"abc", "gate"}),
        ("盖", set()),
        ("、。 —", set()),
        ("ئۈرۈمچى", {"ئۈ", "ۈر", "رۈ", "ۈم", "مچ", "چى"}),
    ],
)
def test_a_text_is_found_by_each_two_characters_that_stand_together(text: str, found: set[str]) -> None:
    assert pieces(text) == found


def test_long_numbers_in_what_somebody_said_find_nothing() -> None:
    assert pieces_of_speech("我家 3 栋，电话13812345678") == {"我家", "电话", "3"}


@pytest.mark.parametrize(
    ("text", "asked", "stands"),
    [
        ("春和路12号 井盖", "井盖 春和路", True),
        ("春和路12号", "和路12", True),
        ("春和里 和路", "春和路", False),
        ("Gate ７", "gate 7", True),
    ],
)
def test_every_term_must_stand_in_the_text(text: str, asked: str, stands: bool) -> None:
    assert says(text, asked) == stands
    assert not stands or pieces_asked(asked) <= pieces(text) | {"12"}


@pytest.mark.parametrize(
    ("given", "way"),
    [
        ({"number": "1", "phones": (b"x",)}, Way.NUMBER),
        ({"phones": (b"x",), "text": "井盖"}, Way.PHONE),
        ({"text": "井盖", "person_id": "p"}, Way.WORDS),
        ({"address": "春和路", "states": (CaseState.HANDLED,)}, Way.WORDS),
        ({"person_id": "p", "states": (CaseState.HANDLED,)}, Way.PERSON),
        ({"states": (CaseState.HANDLED, CaseState.REOPENED)}, Way.STATE),
        ({"states": (CaseState.HANDLED, CaseState.CLOSED)}, Way.TOKENS),
        ({"categories": ("gas",)}, Way.TOKENS),
        ({}, Way.TOKENS),
    ],
)
def test_the_search_starts_from_what_names_fewest(given: dict[str, Any], way: Way) -> None:
    assert choose_way(Search(units=("street",), **given)) is way


def test_public_tokens_are_apart_from_those_of_words() -> None:
    tokens = {public_token(kind, name) for kind in ("unit", "category") for name in ("gas", "street")}
    assert len(tokens) == 4
    assert all(2**TOKEN_BITS <= token < 2**31 for token in tokens)


# ── on PostgreSQL ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


async def indexed(service: Service) -> None:
    while await Indexing(service.sealer).turn(service.database):
        pass


async def registered(client: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    answer = await client.post("/cases", json=a_call(**change), headers=headers(*OPERATOR))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def found(client: httpx.AsyncClient, **asked: Any) -> list[str]:
    """The numbers an operator finds, over all pages."""
    numbers: list[str] = []
    while True:
        answer = await search(client, **asked)
        assert answer.status_code == 200, answer.text
        numbers += [item["number"] for item in answer.json()["items"]]
        asked["cursor"] = answer.json()["next_cursor"]
        if asked["cursor"] is None:
            return numbers


async def three(client: httpx.AsyncClient, database: Database, service: Service) -> list[str]:
    """A cover in a1 (older), rubbish in a2, a lamp in b1 (newest)."""
    numbers = []
    for hour, (category, grid, label, said) in enumerate(
        [
            ("manhole-cover", "grid-a1", "春和路 12 号", "门口的井盖不见了，李奶奶差点摔倒"),
            ("rubbish-heap", "grid-a2", "春和路 15 号", "楼下垃圾没人收"),
            ("street-lamp", "grid-b1", "迎宾巷 3 号", "路灯不亮，电话13912345678"),
        ]
    ):
        await set_clock(database, START + hour * HOURS)
        place = {**inside(grid), "label": label}
        told = await registered(client, category_code=category, place=place, description=said)
        numbers.append(told["number"])
    await indexed(service)
    return numbers


async def test_each_filter_finds_what_it_says(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    cover, rubbish, lamp = await three(client, database, service)
    shown = await client.get("/cases", params={"number": cover}, headers=headers(*OPERATOR))
    case_id = UUID(shown.json()["items"][0]["case_id"])
    others = Others(case_id)
    await hear(database, others.offered(), others.accepted())
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [lamp, rubbish, cover]),
        ({"number": rubbish.replace("-", " ")}, [rubbish]),
        ({"text": "井盖"}, [cover]),
        ({"text": "李奶奶"}, [cover]),
        ({"text": "奶奶 春和路"}, [cover]),
        ({"text": "春和路"}, [rubbish, cover]),
        ({"text": "13912345678"}, []),
        ({"address": "春和路"}, [rubbish, cover]),
        ({"address": "春和路 15"}, [rubbish]),
        ({"address": "井盖"}, []),
        ({"person": WORKER}, [cover]),
        ({"unit": "community-a"}, [rubbish, cover]),
        ({"unit": "grid-a2"}, [rubbish]),
        ({"state": "accepted"}, [cover]),
        ({"state": ["registered", "accepted"]}, [lamp, rubbish, cover]),
        ({"state": "registered", "text": "春和路"}, [rubbish]),
        ({"state": "closed", "text": "春和路"}, []),
        ({"state": ["closed", "accepted"], "text": "春和路"}, [cover]),
        ({"category": ["street-lamp", "rubbish-heap"]}, [lamp, rubbish]),
        ({"urgency": "emergency"}, [lamp, cover]),
        ({"since": (START + HOURS).isoformat()}, [lamp, rubbish]),
        ({"until": (START + HOURS).isoformat()}, [cover]),
        ({"text": "春和路", "since": (START + HOURS / 2).isoformat()}, [rubbish]),
    ]
    for asked, numbers in expected:
        assert await found(client, **asked) == numbers, asked


async def test_pages_join_into_the_whole(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    """Five of the same moment: the cursor tells them apart."""
    made = {(await registered(client))["number"] for _ in range(5)}
    await indexed(service)
    for asked in ({"text": "井盖"}, {"unit": "grid-a1"}, {"state": "registered"}, {}):
        numbers = await found(client, limit=2, **asked)
        assert (len(numbers), set(numbers)) == (5, made), asked


async def test_what_only_looks_like_it_is_passed_over(
    client: httpx.AsyncClient, database: Database, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both hold 春和 and 和路; in one of them they stand apart. The page is short, and goes on."""
    real = await registered(client, place={**inside("grid-a1"), "label": "春和路 1 号"})
    for _ in range(4):
        await registered(client, place={**inside("grid-a1"), "label": "春和里 祥和路口"})
    await indexed(service)
    assert await found(client, address="春和路", limit=1) == [real["number"]]
    monkeypatch.setattr("services.intake.handlers.searching.TURNS_MAX", 1)
    assert await found(client, address="春和路", limit=1) == [real["number"]]


async def test_a_word_is_looked_for_among_open_cases(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    told = [await registered(client) for _ in range(3)]
    made = {case["number"] for case in told}
    await indexed(service)
    for limit in (1, 50):
        numbers = await found(client, text="井盖", state="registered", limit=limit)
        assert (len(numbers), set(numbers)) == (3, made)
    assert await found(client, text="井盖", state="handled") == []
    assert await found(client, text="垃圾", state="registered") == []
    assert set(await found(client, category="manhole-cover", state="registered")) == made

    async with database.transaction() as tx:
        await tx.rows(
            "UPDATE cases SET state = 'closed', closed_at = now(), outcome = 'solved', closed_by = 'follow_up'"
            " WHERE case_id = :case_id",
            case_id=UUID(told[0]["case_id"]),
        )
    assert set(await found(client, text="井盖", state="registered")) == made - {told[0]["number"]}
    await indexed(service)
    assert set(await found(client, text="井盖", state="registered")) == made - {told[0]["number"]}
    assert await found(client, text="井盖", state="closed") == [told[0]["number"]]


@pytest.mark.parametrize(
    ("person", "status", "sees"),
    [
        (OPERATOR, 200, {"a", "b"}),
        (FOLLOW_UP_CALLER, 200, {"a", "b"}),
        (SUPERVISOR, 200, {"a"}),
        (("p-community-b-o1", Role.UNIT_OFFICER, "community-b"), 200, {"b"}),
        (("p-protection-1", Role.DATA_PROTECTION_OFFICER, "civil-affairs"), 200, {"a", "b"}),
        ((WORKER, Role.GRID_WORKER, "grid-a1"), 403, set()),
        (("p-reader", Role.READER, "civil-affairs"), 403, set()),
        (("p-admin", Role.ADMINISTRATOR, "civil-affairs"), 403, set()),
    ],
)
async def test_only_cases_of_the_searchers_units_are_found(
    client: httpx.AsyncClient,
    service: Service,
    person: tuple[str, Role, str],
    status: int,
    sees: set[str],
) -> None:
    numbers = {
        (await registered(client, place={**inside(f"grid-{community}1"), "label": "春和路"}))[
            "number"
        ]: community
        for community in ("a", "b")
    }
    await indexed(service)
    for asked in ({}, {"text": "春和路"}, {"state": "registered"}, {"category": "manhole-cover"}):
        answer = await search(client, person, **asked)
        assert answer.status_code == status
        if status == 200:
            assert {numbers[item["number"]] for item in answer.json()["items"]} == sees, asked
    phone = {"phone": "13812345678", "purpose": "call_comes_in"}
    answer = await client.post("/cases/by-phone", json=phone, headers=headers(*person))
    assert answer.status_code == status
    if status == 200:
        assert {numbers[item["number"]] for item in answer.json()["items"]} == sees


async def test_a_unit_that_is_not_the_searchers_is_refused(client: httpx.AsyncClient) -> None:
    for unit in ("community-b", "street", "nowhere"):
        answer = await client.get("/cases", params={"unit": unit}, headers=headers(*SUPERVISOR))
        assert answer.status_code == 403, unit


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"number": "48120935574"}, "not-a-case-number"),
        ({"text": "盖"}, "too-little-to-find"),
        ({"address": "!"}, "too-little-to-find"),
        ({"cursor": "x"}, "bad-cursor"),
        ({"limit": 101}, "invalid"),
        ({"phone": "13812345678"}, "invalid"),
        ({"since": "2026-03-02T00:00:00"}, "invalid"),
    ],
)
async def test_what_cannot_be_searched_is_said(
    client: httpx.AsyncClient, asked: dict[str, Any], code: str
) -> None:
    answer = await search(client, **asked)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_list_is_asked_for_in_the_address_and_words_never(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    """An address is written down on its way, by whoever passes it on."""
    numbers = await three(client, database, service)
    listed = await client.get("/cases", params={"unit": "community-a"}, headers=headers(*OPERATOR))
    assert [item["number"] for item in listed.json()["items"]] == [numbers[1], numbers[0]]
    several: dict[str, Any] = {"category": ["street-lamp", "rubbish-heap"], "state": "registered", "limit": 1}
    page = await client.get("/cases", params=several, headers=headers(*OPERATOR))
    assert [item["number"] for item in page.json()["items"]] == [numbers[2]]
    for words in ({"text": "李奶奶"}, {"address": "春和路"}, {"phone": "13812345678"}):
        refused = await client.get("/cases", params=words, headers=headers(*OPERATOR))
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


async def test_a_result_is_masked(client: httpx.AsyncClient, service: Service) -> None:
    await registered(client)
    await indexed(service)
    answer = await search(client, text="井盖")
    [item] = answer.json()["items"]
    assert (item["requester"]["name"], item["requester"]["phone"]) == ("王*", "138****5678")
    assert answer.headers["cache-control"] == "no-store"
    for secret in ("王小明", "13812345678", "我叫"):
        assert secret not in answer.text


async def test_who_searches_by_phone_says_why_and_it_is_kept(
    client: httpx.AsyncClient, database: Database
) -> None:
    told = await registered(client)
    await registered(client, requester={"phone": "13900000000"})
    asked = {"phone": "138-1234-5678", "purpose": "call_comes_in"}
    answer = await client.post("/cases/by-phone", json=asked, headers=headers(*OPERATOR))
    assert [item["number"] for item in answer.json()["items"]] == [told["number"]]
    nobody = await client.post(
        "/cases/by-phone", json=asked | {"phone": "13711111111"}, headers=headers(*OPERATOR)
    )
    assert nobody.json()["items"] == []
    noted = (await journal_of(database, UUID(told["case_id"])))[-1]
    assert isinstance(noted, RequesterSearched)
    assert (noted.purpose, noted.found, noted.actor.person_id) == ("call_comes_in", 1, OPERATOR[0])
    kept = await journal_of(database, searches_of(OPERATOR[0]))
    assert [event.found for event in kept if isinstance(event, RequesterSearched)] == [1, 0]
    assert await count(database, "journal WHERE data LIKE '%5678%' OR data LIKE '%1371%'") == 0
    for missing in ("phone", "purpose"):
        body = {name: value for name, value in asked.items() if name != missing}
        refused = await client.post("/cases/by-phone", json=body, headers=headers(*OPERATOR))
        assert refused.status_code == 422, missing


async def test_what_changed_is_found_by_what_it_says_now(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    told = await registered(client)
    await indexed(service)
    assert await count(database, "search_stale") == 0
    async with database.transaction() as tx:
        await tx.rows(
            "UPDATE cases SET headline = '路灯 · 迎宾巷', unit_path = :path",
            path=["civil-affairs", "grid-b1"],
        )
    assert await count(database, "search_stale") == 1
    await indexed(service)
    assert await found(client, text="迎宾巷") == [told["number"]]
    assert await found(client, unit="grid-b1") == [told["number"]]
    assert await found(client, unit="community-a") == []
    await hear(database, Others(UUID(told["case_id"])).offered())
    assert await count(database, "search_stale") == 0, "where it stands is no part of the entry"


async def test_a_text_that_cannot_be_opened_does_not_stop_the_others(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    await registered(client)
    async with database.transaction() as tx:
        await tx.rows("UPDATE requesters SET wrapped_key = 'x'")
    told = await registered(client)
    await indexed(service)
    assert await count(database, "search_stale") == 0
    assert await found(client, number=told["number"]) == [told["number"]]


# ── plans ─────────────────────────────────────────────────────────────────────────────────────────────────────────

UNITS = ("community-a",)
WORDS = [{1, 2}, {3, 4}]
BY_PERSON = Search(UNITS, person_id=WORKER)
BY_STATE = Search(UNITS, states=(CaseState.HANDLED, CaseState.REOPENED))
OPEN_WORDS = Search(UNITS, text="井盖", states=(CaseState.HANDLED,))
BY_TOKENS = Search(UNITS, categories=("gas",), urgencies=(Urgency.EMERGENCY,))
IN_PERIOD = Search(("civil-affairs",), everywhere=True, since=NOW, until=NOW + HOURS)
PLANS: list[tuple[str, Search, Sequence[set[int]], str]] = [
    (FROM_CASES.format(start=STARTS[Way.NUMBER]), Search(UNITS, number="481-2093-5574"), (), "cases_number"),
    (FROM_CASES.format(start=STARTS[Way.PHONE]), Search(UNITS, phones=(b"x",)), (), "requesters_phone"),
    (FROM_CASES.format(start=STARTS[Way.PERSON]), BY_PERSON, (), "case_holders_person"),
    (FROM_CASES.format(start=STARTS[Way.STATE]), BY_STATE, (), "cases_unclosed"),
    (queries.newest(BY_TOKENS, WORDS), BY_TOKENS, WORDS, "search_entries_newest"),
    (queries.everything(BY_TOKENS, WORDS), BY_TOKENS, WORDS, "search_entries_tokens"),
    (queries.everything(BY_TOKENS, ()), BY_TOKENS, (), "search_entries_tokens"),
    (queries.everything(OPEN_WORDS, WORDS), OPEN_WORDS, WORDS, "search_entries_tokens"),
    (queries.everything(IN_PERIOD, ()), IN_PERIOD, (), "search_entries_newest"),
]


@pytest.mark.parametrize(("sql", "asked", "words", "index"), PLANS)
async def test_every_way_walks_its_index(
    database: Database, sql: str, asked: Search, words: Sequence[set[int]], index: str
) -> None:
    given = queries.parameters(asked, words, before=FROM_THE_NEWEST, rows_max=51) | {"examined_max": 51}
    async with database.transaction() as tx:
        await tx.rows(PLANNER)
        plan = "\n".join(str(row["QUERY PLAN"]) for row in await tx.rows(f"EXPLAIN {sql}", **given))
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan
