"""How long it takes to find what is known already among very many open cases: the handler on a PostgreSQL of its own,
two operators asking at a time. A tenth of the cases lie around a few burst pipes, where candidates are many.

DUPLICATES_CASES says how many open cases there are (100,000), all of the last 72 hours.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from datetime import timedelta
from typing import Any

import asyncpg

from bench.search import START, World, _number
from bench.spread import quantiles_ms
from bench.town import FOLDER
from deploy.local.migrate import upgrade
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from services.intake.commands.duplicates import LookForDuplicates
from services.intake.commands.places import PlaceGiven
from services.intake.duplicates import WITHIN, marks_of
from services.intake.handlers.merging import look
from services.intake.queries.cases import COLUMNS
from shared.database import Database
from shared.events.intake import Place
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.things import Grant, Unit
from shared.vocabulary import Role

CASES = int(os.environ.get("DUPLICATES_CASES", "100000"))
LOOKS = 2000
AT_ONCE = 2
CASES_PER_COPY = 10_000
HOT_SPOTS = 20
HOT_SHARE = 0.1
NOW = START + WITHIN
SIZE_DEGREES = 0.02
"""About two kilometres each way around a grid's centre: a city, not one street."""
LIKENESS = ("case_id", "category_group", "cell", "building", "registered_at", "signature", "live")


async def measure() -> dict[str, Any]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    postgres = Postgres(FOLDER, free_port([]), {"shared_buffers": "512MB"})
    try:
        await asyncio.to_thread(postgres.install)
        await asyncio.to_thread(postgres.start)
        postgres.create_databases(["bench_duplicates"])
        os.environ["DATABASE_URL_INTAKE"] = postgres.url("bench_duplicates")
        await asyncio.to_thread(upgrade, ["intake"])
        return await _measure(Reports(), postgres.url("bench_duplicates"))
    finally:
        await asyncio.to_thread(postgres.stop)
        postgres.remove()
        shutil.rmtree(FOLDER, ignore_errors=True)


class Reports:
    """What people report and where, drawn once; the same in every run."""

    def __init__(self) -> None:
        self.world = World()
        self.spots = [self._anywhere() for _ in range(HOT_SPOTS)]
        self.burst = self.world.directory.categories["flooding"]

    def _anywhere(self) -> tuple[Unit, float, float]:
        chance = self.world.chance
        grid = chance.choice(self.world.grids)
        assert grid.centre is not None
        return (
            grid,
            grid.centre.lon + chance.uniform(-SIZE_DEGREES, SIZE_DEGREES),
            grid.centre.lat + chance.uniform(-SIZE_DEGREES, SIZE_DEGREES),
        )

    def draw(self) -> dict[str, Any]:
        chance = self.world.chance
        hot = chance.random() < HOT_SHARE
        grid, lon, lat = chance.choice(self.spots) if hot else self._anywhere()
        category = self.burst if hot else chance.choice(self.world.categories)
        return {
            "grid": grid,
            "category": category,
            "place": Place(
                lon=lon + chance.uniform(-0.001, 0.001),
                lat=lat + chance.uniform(-0.001, 0.001),
                label=self.world.place(),
            ),
            "said": self.world.speech(),
        }


async def _measure(reports: Reports, url: str) -> dict[str, Any]:
    link = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    began = time.perf_counter()
    for start in range(0, CASES, CASES_PER_COPY):
        await _copy(reports, link, start, min(CASES_PER_COPY, CASES - start))
    await link.execute("VACUUM ANALYZE")
    # The handler asks the database for the time: it stands where the cases are.
    await link.execute(
        "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), $1, 0)", NOW
    )
    await link.close()
    filled = time.perf_counter() - began
    database = Database(url, source="intake", directory=reports.world.directory, pool_size=AT_ONCE)
    took: list[float] = []
    found: list[int] = []
    await asyncio.gather(*(_look(database, reports, took, found) for _ in range(AT_ONCE)))
    await database.close()
    return {
        "open_cases": CASES,
        "filled_in_s": round(filled),
        "looks": len(took),
        "with_candidates": sum(count > 0 for count in found),
        "candidates_max": max(found),
        **quantiles_ms(took),
    }


async def _look(database: Database, reports: Reports, took: list[float], found: list[int]) -> None:
    who = SignedIn("p-bench", grants=(Grant(role=Role.OPERATOR, unit_id="civil-affairs"),))
    for _ in range(LOOKS // AT_ONCE):
        report = reports.draw()
        place = report["place"]
        command = LookForDuplicates(
            category_code=report["category"].code,
            description=report["said"],
            place=PlaceGiven(lon=place.lon, lat=place.lat, label=place.label),
        )
        began = time.perf_counter()
        async with database.transaction() as tx:
            shown = await look(tx, reports.world.sealer, command, who)
        took.append(time.perf_counter() - began)
        found.append(len(shown.items))


async def _copy(reports: Reports, link: asyncpg.Connection, start: int, count: int) -> None:
    world, cases, likenesses = reports.world, [], []
    for place_in_line in range(start, start + count):
        report, case_id = reports.draw(), uuid7()
        at = NOW - timedelta(seconds=WITHIN.total_seconds() * world.chance.random())
        own = {
            "case_id": case_id,
            "number": _number(place_in_line),
            "category_code": report["category"].code,
            "lon": report["place"].lon,
            "lat": report["place"].lat,
            "place_label": report["place"].label,
            "grid_id": report["grid"].id,
            "unit_path": world.paths[report["grid"].id],
            "registered_at": at,
            "state": "registered",
        }
        cases.append([own.get(column, world.template[column]) for column in COLUMNS])
        marks = marks_of(
            report["category"], report["place"], report["grid"].id, report["said"], world.sealer.blind_index
        )
        likenesses.append(
            (case_id, marks.category_group, marks.cell, marks.building, at, marks.signature, True)
        )
    await link.copy_records_to_table("cases", records=cases, columns=COLUMNS)
    await link.copy_records_to_table("likenesses", records=likenesses, columns=LIKENESS)
