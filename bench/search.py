"""How long a search takes among very many cases: the handlers on a PostgreSQL of their own, two searching at a time.

SEARCH_CASES says how many cases there are (1,000,000). They are written past the service, whose registration is
another bench; what they are found by is made as the service makes it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import psutil
from stdnum import damm

from bench.spread import quantiles_ms
from bench.town import FOLDER
from deploy.local.migrate import upgrade
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from services.intake.commands.search import SearchByPhone, SearchCases, SearchPurpose
from services.intake.handlers.registration import context
from services.intake.handlers.searching import search_by_phone, search_cases
from services.intake.queries.cases import COLUMNS
from services.intake.rules.cases import registered
from services.intake.rules.numbering import spoken
from services.intake.rules.search import pieces, pieces_of_speech, tokens_of_case
from services.registry import defaults
from services.registry.demo.units import units
from shared.database import Database
from shared.directory import Directory
from shared.events.intake import CaseRegistered, Place
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.keys import Secret
from shared.sealing import Sealer
from shared.things import Calendar, Category, Grant, Policy, Unit
from shared.vocabulary import CaseState, Channel, Level, Role

CASES = int(os.environ.get("SEARCH_CASES", "1000000"))
SEARCHES = 3000
AT_ONCE = 2
OPEN_SHARE = 0.03
CASES_PER_COPY = 10_000
PEOPLE_PER_GRID = 5
START = datetime(2023, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
LETTERS = [chr(0x4E00 + place * 7) for place in range(1500)]
FREQUENT, RARE = slice(0, 10), slice(300, 600)


class World:
    """Streets, things people say, units and categories: drawn once, the same in every run."""

    def __init__(self) -> None:
        things = defaults.things()
        self.chance = random.Random(7)
        self.directory = Directory.of(
            units=units(1),
            categories=[thing for thing in things if isinstance(thing, Category)],
            policies=[thing for thing in things if isinstance(thing, Policy)],
            calendars=[thing for thing in things if isinstance(thing, Calendar)],
            revision=1,
        )
        self.grids = [unit for unit in self.directory.units.values() if unit.level is Level.GRID]
        self.categories = list(self.directory.categories.values())
        self.streets = [self._said(2) + "路" for _ in range(300)]
        self.phrases = [self._said(self.chance.randint(3, 6)) for _ in range(600)]
        self.weights = list(itertools.accumulate(1 / rank for rank in range(1, 601)))
        self.sealer = Sealer([Secret("bench", b"b" * 32)])
        self.known: dict[str, int] = {}
        self.paths = {grid.id: [unit.id for unit in self.directory.path(grid.id)] for grid in self.grids}
        self.template = _template(self.directory, self.categories[0], self.grids[0])

    def _said(self, characters: int) -> str:
        return "".join(self.chance.choices(LETTERS, k=characters))

    def speech(self) -> str:
        return "，".join(self.chance.choices(self.phrases, cum_weights=self.weights, k=5))

    def place(self) -> str:
        return f"{self.chance.choice(self.streets)} {self.chance.randint(1, 200)} 号"

    def phone(self) -> str:
        return f"138{self.chance.randrange(10**8):08d}"

    def tokens(self, texts: set[str]) -> set[int]:
        for piece in texts - self.known.keys():
            [self.known[piece]] = self.sealer.blind_tokens([piece])
        return {self.known[piece] for piece in texts}


async def measure() -> dict[str, Any]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    postgres = Postgres(FOLDER, free_port([]), {"maintenance_work_mem": "512MB", "shared_buffers": "1GB"})
    try:
        await asyncio.to_thread(postgres.install)
        await asyncio.to_thread(postgres.start)
        postgres.create_databases(["bench_search"])
        os.environ["DATABASE_URL_INTAKE"] = postgres.url("bench_search")
        await asyncio.to_thread(upgrade, ["intake"])
        return await _measure(World(), postgres)
    finally:
        await asyncio.to_thread(postgres.stop)
        postgres.remove()
        shutil.rmtree(FOLDER, ignore_errors=True)


async def _measure(world: World, postgres: Postgres) -> dict[str, Any]:
    began, url = time.perf_counter(), postgres.url("bench_search")
    link = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    samples = await _fill(world, link)
    await link.close()
    filled = time.perf_counter() - began
    database = Database(url, source="intake", directory=world.directory, pool_size=AT_ONCE)
    took: dict[str, list[float]] = defaultdict(list)
    asked = _searches(world, samples)
    for _ in range(200):
        await _search(database, world, next(asked))
    each = SEARCHES // AT_ONCE
    busy, served = _cpu_seconds(postgres), time.process_time()
    await asyncio.gather(*(_one_after_another(database, world, asked, took, each) for _ in range(AT_ONCE)))
    served, busy = time.process_time() - served, _cpu_seconds(postgres) - busy
    await database.close()
    slowest = {kind: quantiles_ms(seconds)["p99_ms"] for kind, seconds in took.items()}
    return {
        "cases": CASES,
        "filled_in_s": round(filled),
        "searches": SEARCHES,
        "service_cpu_ms_each": round(served / SEARCHES * 1000, 1),
        "postgres_cpu_ms_each": round(busy / SEARCHES * 1000, 1),
        **quantiles_ms([second for seconds in took.values() for second in seconds]),
        **{f"p99_{kind}": ms for kind, ms in sorted(slowest.items(), key=lambda entry: -entry[1])},
    }


def _cpu_seconds(postgres: Postgres) -> float:
    """What the server's processes have used; on a machine that has other work, that says more than the time it took."""
    pid = postgres.process.pid
    assert pid is not None
    used = [child.cpu_times() for child in psutil.Process(pid).children(recursive=True)]
    return sum(times.user + times.system for times in used)


async def _one_after_another(
    database: Database,
    world: World,
    asked: Iterator[tuple[str, Any]],
    took: dict[str, list[float]],
    searches: int,
) -> None:
    for _ in range(searches):
        kind, command = next(asked)
        began = time.perf_counter()
        await _search(database, world, (kind, command))
        took[kind].append(time.perf_counter() - began)


async def _search(database: Database, world: World, asked: tuple[str, Any]) -> None:
    _, command = asked
    unit = "civil-affairs" if world.chance.random() < 0.5 else "community-a"
    who = SignedIn("p-bench", grants=(Grant(role=Role.OPERATOR, unit_id=unit),))
    async with database.transaction() as tx:
        if isinstance(command, SearchByPhone):
            await search_by_phone(tx, world.sealer, command, who)
        else:
            await search_cases(tx, world.sealer, command, who)


def _searches(world: World, samples: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What a desk searches for in a day, without end."""
    chance = world.chance
    while True:
        sample = chance.choice(samples)
        since = START + YEARS * chance.random() * 0.9
        frequent, rare = chance.choice(world.phrases[FREQUENT]), chance.choice(world.phrases[RARE])
        category = (chance.choice(world.categories).code,)
        kinds: dict[str, Any] = {
            "number": SearchCases(number=sample["number"]),
            "phone": SearchByPhone(phone=sample["phone"], purpose=SearchPurpose.CALL_COMES_IN),
            "address": SearchCases(address=sample["label"]),
            "street": SearchCases(address=sample["label"].split()[0]),
            "rare words": SearchCases(text=rare),
            "frequent words": SearchCases(text=frequent),
            "words of both": SearchCases(text=f"{frequent} {rare}"),
            "words in a month": SearchCases(text=frequent, since=since, until=since + timedelta(days=30)),
            "words, handled": SearchCases(text=frequent, state=(CaseState.HANDLED,)),
            "person": SearchCases(person=sample["person"]),
            "person, open": SearchCases(person=sample["person"], state=(CaseState.ACCEPTED,)),
            "handled": SearchCases(state=(CaseState.HANDLED,)),
            "category": SearchCases(category=category, since=since),
            "category, open": SearchCases(category=category, state=(CaseState.ACCEPTED, CaseState.HANDLED)),
            "newest": SearchCases(),
        }
        kind = chance.choice(list(kinds))
        yield kind, kinds[kind]


# ── the cases ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def _fill(world: World, link: asyncpg.Connection) -> list[dict[str, Any]]:
    """Some of what was written, to search for."""
    async with _unwatched(link):
        samples: list[dict[str, Any]] = []
        key, wrapped = world.sealer.new_case_key()
        made = 0
        while made < CASES:
            rows = [_a_case(world, made + place) for place in range(min(CASES_PER_COPY, CASES - made))]
            await _copy(world, link, rows, key, wrapped)
            made += len(rows)
            samples += world.chance.sample(rows, 20)
    await link.execute("VACUUM ANALYZE")
    return samples


@asynccontextmanager
async def _unwatched(link: asyncpg.Connection) -> AsyncIterator[None]:
    """The index over tokens is built once, at the end, as a restored database builds it."""
    index = await link.fetchval("SELECT indexdef FROM pg_indexes WHERE indexname = 'search_entries_tokens'")
    await link.execute("DROP INDEX search_entries_tokens; ALTER TABLE cases DISABLE TRIGGER USER")
    yield
    await link.execute(index)
    await link.execute("ALTER TABLE cases ENABLE TRIGGER USER")


def _number(place: int) -> str:
    """Drawn at random, a million numbers would meet each other."""
    payload = f"2{place:09d}"
    return spoken(payload + damm.calc_check_digit(payload))


def _a_case(world: World, place: int) -> dict[str, Any]:
    chance = world.chance
    grid, category = chance.choice(world.grids), chance.choice(world.categories)
    return {
        "case_id": uuid7(),
        "number": _number(place),
        "grid": grid,
        "category": category,
        "label": world.place(),
        "said": world.speech(),
        "phone": world.phone(),
        "person": f"p-{grid.id}-{chance.randrange(PEOPLE_PER_GRID)}",
        "at": START + YEARS * (place / CASES),
        "state": chance.choice(("accepted", "handled", "registered"))
        if chance.random() < OPEN_SHARE
        else "closed",
    }


async def _copy(
    world: World, link: asyncpg.Connection, rows: list[dict[str, Any]], key: bytes, wrapped: bytes
) -> None:
    await link.copy_records_to_table("cases", records=[_row(world, row) for row in rows], columns=COLUMNS)
    await link.copy_records_to_table(
        "requesters",
        records=[_requester(world, row, key, wrapped) for row in rows],
        columns=[
            "case_id",
            "wrapped_key",
            "phone_sealed",
            "phone_index",
            "description_sealed",
            "language",
            "pickup_code_digest",
            "wrong_codes",
        ],
    )
    await link.copy_records_to_table(
        "case_holders",
        records=[(row["case_id"], row["person"]) for row in rows],
        columns=["case_id", "person_id"],
    )
    await link.copy_records_to_table(
        "search_entries",
        records=[_entry(world, row) for row in rows],
        columns=["case_id", "registered_at", "tokens"],
    )


def _headline(row: dict[str, Any]) -> str:
    name = row["category"].name
    return f"{name.zh} · {name.en} · {row['label']}"


def _row(world: World, row: dict[str, Any]) -> list[Any]:
    """The template's columns, but for what tells one case from another."""
    closed = row["state"] == "closed"
    own = {
        "case_id": row["case_id"],
        "number": row["number"],
        "category_code": row["category"].code,
        "urgency": row["category"].urgency,
        "headline": _headline(row),
        "place_label": row["label"],
        "grid_id": row["grid"].id,
        "unit_path": world.paths[row["grid"].id],
        "registered_at": row["at"],
        "state": row["state"],
        "handled_outcome": "solved",
        "closed_at": row["at"] + timedelta(days=2) if closed else None,
        "outcome": "solved" if closed else None,
        "closed_by": "follow_up" if closed else None,
    }
    return [own.get(column, world.template[column]) for column in COLUMNS]


def _template(directory: Directory, category: Category, grid: Unit) -> dict[str, Any]:
    """A case as the fold of its registration has it."""
    case = registered(
        CaseRegistered(
            at=START,
            case_id=uuid7(),
            channel=Channel.HOTLINE,
            number="",
            category_code=category.code,
            urgency=category.urgency,
            headline="",
            place=Place(),
            grid_id=grid.id,
            unit_path=tuple(unit.id for unit in directory.path(grid.id)),
            ladder=directory.ladder(grid.id),
            policy=directory.policies[category.policy_id],
            requester_can_be_asked=True,
            registry_revision=1,
        )
    )
    return {column: _plain(getattr(case, column)) for column in COLUMNS}


def _plain(value: Any) -> Any:
    return (
        sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value
    )


def _requester(world: World, row: dict[str, Any], key: bytes, wrapped: bytes) -> tuple[Any, ...]:
    def seal(column: str, text: str) -> bytes:
        return world.sealer.seal(key, text, context(column, row["case_id"]))

    phone = row["phone"]
    index = world.sealer.blind_index(phone)
    return row["case_id"], wrapped, seal("phone", phone), index, seal("description", row["said"]), "zh", "", 0


def _entry(world: World, row: dict[str, Any]) -> tuple[UUID, datetime, list[int]]:
    category, state = row["category"], CaseState(row["state"])
    known = tokens_of_case(world.paths[row["grid"].id], category.code, category.urgency, state)
    said = world.tokens(pieces(_headline(row)) | pieces_of_speech(row["said"]))
    return row["case_id"], row["at"], sorted(known | said)
