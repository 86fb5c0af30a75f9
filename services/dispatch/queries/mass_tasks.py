"""Mass tasks in and out. Lists are read, split and counted in one statement each, however many people are on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.dispatch.rules.listed_people import TRIED_AGAIN
from services.dispatch.rules.splitting import Building, Share
from services.dispatch.rules.task_story import MassTask, TaskState
from shared.database import Row, Transaction
from shared.sealing import Sealer

DELETED_ROWS_MAX = 100
COLUMNS = """
    id, title, unit_path, state, due_at, digest, prepared_by, prepared_at, total, opened_at, split_at, closed_at, done,
    missing
"""
NAMES = [name.strip() for name in COLUMNS.split(",")]
FIXED = ("id", "title", "unit_path", "due_at", "digest", "prepared_by", "prepared_at")
SAVE = f"""
    INSERT INTO mass_tasks ({COLUMNS}) VALUES ({", ".join(f":{name}" for name in NAMES)})
    ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = :{name}" for name in NAMES if name not in FIXED)}
""".replace(":unit_path", "CAST(:unit_path AS text[])").replace(":missing", "CAST(:missing AS jsonb)")
PAGE = f"""
    SELECT {COLUMNS} FROM mass_tasks
    WHERE unit_path && CAST(:units AS text[]) AND (CAST(:state AS text) IS NULL OR state = :state)
        AND (prepared_at, id) < (:before_at, :before_id)
    ORDER BY prepared_at DESC, id DESC LIMIT :most
"""
LIST = """
    INSERT INTO mass_task_people (id, task_id, ref, grid_id, building, place, state, tries, sealed_person)
    SELECT new.id, :task_id, new.ref, new.grid_id, new.building, new.place, 'open', 0, new.sealed
    FROM unnest(CAST(:ids AS uuid[]), CAST(:refs AS text[]), CAST(:grids AS text[]), CAST(:buildings AS text[]),
                CAST(:places AS int[]), CAST(:sealed AS bytea[])) AS new(id, ref, grid_id, building, place, sealed)
"""
LEFT = "(state = 'open' OR reason = ANY(CAST(:again AS text[])))"
"""Who is still to be reached: nobody was there yet, or it is worth trying again."""
BUILDINGS = f"""
    SELECT grid_id, building, array_agg(place ORDER BY place) AS places,
           array_agg(worker_id ORDER BY place) AS holders
    FROM mass_task_people WHERE task_id = :task_id AND {LEFT}
    GROUP BY grid_id, building ORDER BY grid_id, building
"""
ASSIGN = f"""
    UPDATE mass_task_people AS listed SET worker_id = new.worker_id, leg = coalesce(new.leg, listed.leg)
    FROM unnest(CAST(:grids AS text[]), CAST(:buildings AS text[]), CAST(:firsts AS int[]), CAST(:lasts AS int[]),
                CAST(:workers AS text[]), CAST(:legs AS int[])) AS new(grid_id, building, first, last, worker_id, leg)
    WHERE listed.task_id = :task_id AND listed.grid_id = new.grid_id AND listed.building = new.building
        AND listed.place BETWEEN new.first AND new.last AND {LEFT}
        AND (listed.worker_id IS DISTINCT FROM new.worker_id OR coalesce(new.leg, listed.leg) <> listed.leg)
"""
STAND = "leg * 65536 + place"
"""House by house in the order of the walk, and by floor within: there are fewer places than that, and few legs."""
LOADS = f"""
    SELECT worker_id, count(*) AS people FROM mass_task_people
    WHERE task_id = :task_id AND worker_id IS NOT NULL AND {LEFT} GROUP BY worker_id ORDER BY worker_id
"""
COUNTS = """
    SELECT grid_id, state, reason, count(*) AS people FROM mass_task_people
    WHERE task_id = :task_id GROUP BY grid_id, state, reason ORDER BY grid_id, state, reason
"""
OF_WORKERS = f"""
    SELECT worker_id, count(*) AS listed, count(*) FILTER (WHERE {LEFT}) AS left,
           count(*) FILTER (WHERE state = 'done') AS done FROM mass_task_people
    WHERE task_id = :task_id AND worker_id IS NOT NULL GROUP BY worker_id ORDER BY worker_id
"""
# Places are drawn once per task: the first one of a house is its own, and somebody stands there.
OF_BUILDINGS = """
    WITH counted AS (
        SELECT grid_id, building, state = 'done' AS done, coalesce(reason, 'not_reached') AS reason,
               count(*) AS people, min(place) AS first
        FROM mass_task_people
        WHERE task_id = :task_id AND (CAST(:grids AS text[]) IS NULL OR grid_id = ANY(CAST(:grids AS text[])))
        GROUP BY 1, 2, 3, 4
    ), houses AS (
        SELECT grid_id, building, min(first) AS first, CAST(sum(people) AS bigint) AS listed,
               CAST(coalesce(sum(people) FILTER (WHERE done), 0) AS bigint) AS done,
               coalesce(jsonb_object_agg(reason, people) FILTER (WHERE NOT done), '{}') AS missing
        FROM counted GROUP BY grid_id, building
        HAVING min(first) > :after_place ORDER BY first LIMIT :most
    )
    SELECT houses.*, listed.id, listed.sealed_person FROM houses
    JOIN mass_task_people AS listed ON listed.task_id = :task_id AND listed.place = houses.first
    ORDER BY first
"""
OWN_TASKS = f"""
    SELECT {", ".join(f"mass_tasks.{name}" for name in NAMES)}, mine.listed, mine.left FROM mass_tasks JOIN LATERAL (
        SELECT count(*) AS listed, count(*) FILTER (WHERE {LEFT}) AS left FROM mass_task_people
        WHERE task_id = mass_tasks.id AND worker_id = :person_id) AS mine ON mine.listed > 0
    WHERE mass_tasks.state = 'open' ORDER BY mass_tasks.due_at, mass_tasks.id LIMIT :most
"""
WALK = f"""
    SELECT id, ref, grid_id, {STAND} AS stand, state, reason, tries, tried_by, tried_at, try_id, sealed_person
    FROM mass_task_people
    WHERE task_id = :task_id AND worker_id = :person_id AND ({STAND}, id) > (:after_place, :after_id)
        AND (CAST(:state AS text) IS NULL OR state = :state) AND (NOT :left OR {LEFT})
    ORDER BY {STAND}, id LIMIT :most
"""
MISSING = """
    SELECT id, ref, grid_id, building, place, worker_id, state, reason, tries, tried_at, sealed_person
    FROM mass_task_people
    WHERE task_id = :task_id AND (place, id) > (:after_place, :after_id) AND (:everybody OR state <> 'done')
        AND (CAST(:grids AS text[]) IS NULL OR grid_id = ANY(CAST(:grids AS text[])))
        AND (CAST(:reason AS text) IS NULL OR coalesce(reason, 'not_reached') = :reason)
        AND (CAST(:building AS text) IS NULL OR building = :building)
        AND (CAST(:worker AS text) IS NULL OR worker_id = :worker) AND (NOT :nobodys OR worker_id IS NULL)
    ORDER BY place, id LIMIT :most
"""


ONE = f"SELECT {COLUMNS} FROM mass_tasks WHERE id = :id"


async def find(tx: Transaction, task_id: UUID, *, to_change: bool = False) -> MassTask | None:
    """`to_change` locks its row: nobody enters anything while it is split or closed."""
    rows = await tx.rows(f"{ONE} FOR UPDATE" if to_change else ONE, id=task_id)
    return task_of(rows[0]) if rows else None


async def save(tx: Transaction, task: MassTask) -> None:
    given = asdict(task) | {"unit_path": list(task.unit_path), "state": task.state.value}
    given["missing"] = orjson.dumps(task.missing).decode() if task.missing is not None else None
    await tx.rows(SAVE, **{name: given[name] for name in NAMES})


async def page(
    tx: Transaction, units: Sequence[str], state: str | None, before: tuple[datetime, UUID], most: int
) -> list[MassTask]:
    rows = await tx.rows(
        PAGE, units=list(units), state=state, before_at=before[0], before_id=before[1], most=most
    )
    return [task_of(row) for row in rows]


async def keep_instructions(
    tx: Transaction, task_id: UUID, wrapped: bytes, key: bytes, text: str, sealer: Sealer
) -> None:
    await tx.rows(
        "UPDATE mass_tasks SET wrapped_key = :wrapped, sealed_instructions = :sealed WHERE id = :id",
        id=task_id,
        wrapped=wrapped,
        sealed=sealer.seal(key, text, f"mass_tasks.instructions:{task_id}"),
    )


async def key_of(tx: Transaction, task_id: UUID, sealer: Sealer) -> bytes | None:
    """The task's own key; `None` once it is forgotten."""
    [row] = await tx.rows("SELECT wrapped_key FROM mass_tasks WHERE id = :id", id=task_id)
    return sealer.unwrap(row["wrapped_key"]) if row["wrapped_key"] is not None else None


async def instructions(tx: Transaction, task_id: UUID, key: bytes | None, sealer: Sealer) -> str | None:
    [row] = await tx.rows("SELECT sealed_instructions FROM mass_tasks WHERE id = :id", id=task_id)
    if key is None or row["sealed_instructions"] is None:
        return None
    return sealer.unseal(key, row["sealed_instructions"], f"mass_tasks.instructions:{task_id}")


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def refs(tx: Transaction, task_id: UUID) -> set[str]:
    rows = await tx.rows("SELECT ref FROM mass_task_people WHERE task_id = :task_id", task_id=task_id)
    return {row["ref"] for row in rows}


async def put_on_list(tx: Transaction, task_id: UUID, people: Mapping[str, list[Any]]) -> None:
    """Everybody in one statement; the unique index refuses a ref that stands there."""
    await tx.rows(LIST, task_id=task_id, **people)


async def last_place(tx: Transaction, task_id: UUID) -> int:
    rows = await tx.rows(
        "SELECT max(place) AS place FROM mass_task_people WHERE task_id = :task_id", task_id=task_id
    )
    return int(rows[0]["place"] or 0)


async def buildings(tx: Transaction, task_id: UUID) -> list[Building]:
    rows = await tx.rows(BUILDINGS, task_id=task_id, again=list(TRIED_AGAIN))
    return [
        Building(
            row["grid_id"],
            row["building"],
            len(row["places"]),
            places=tuple(row["places"]),
            holders=tuple(row["holders"]),
        )
        for row in rows
    ]


async def assign(tx: Transaction, task_id: UUID, shares: Sequence[Share]) -> None:
    await tx.rows(
        ASSIGN,
        task_id=task_id,
        again=list(TRIED_AGAIN),
        grids=[share.grid_id for share in shares],
        buildings=[share.key for share in shares],
        firsts=[share.first for share in shares],
        lasts=[share.last for share in shares],
        workers=[share.worker_id for share in shares],
        legs=[share.leg for share in shares],
    )


async def loads(tx: Transaction, task_id: UUID) -> dict[str, int]:
    """How many are left on each worker's list."""
    rows = await tx.rows(LOADS, task_id=task_id, again=list(TRIED_AGAIN))
    return {row["worker_id"]: row["people"] for row in rows}


async def counts(tx: Transaction, task_id: UUID) -> list[Row]:
    return await tx.rows(COUNTS, task_id=task_id)


async def of_workers(tx: Transaction, task_id: UUID) -> list[Row]:
    return await tx.rows(OF_WORKERS, task_id=task_id, again=list(TRIED_AGAIN))


async def of_buildings(
    tx: Transaction, task_id: UUID, *, grids: Sequence[str] | None, after_place: int, most: int
) -> list[Row]:
    """House by house in the order of the addresses, each with the row of one who lives there."""
    given = list(grids) if grids is not None else None
    return await tx.rows(OF_BUILDINGS, task_id=task_id, grids=given, after_place=after_place, most=most)


async def own_tasks(tx: Transaction, person_id: str, most: int) -> list[tuple[MassTask, int, int]]:
    rows = await tx.rows(OWN_TASKS, person_id=person_id, again=list(TRIED_AGAIN), most=most)
    return [(task_of(row), row["listed"], row["left"]) for row in rows]


async def walk(
    tx: Transaction,
    task_id: UUID,
    person_id: str,
    *,
    state: str | None,
    left: bool,
    after: tuple[int, UUID],
    most: int,
) -> list[Row]:
    """One's own list, house by house in the order of the walk, and by floor within."""
    return await tx.rows(
        WALK,
        task_id=task_id,
        person_id=person_id,
        state=state,
        left=left,
        again=list(TRIED_AGAIN),
        after_place=after[0],
        after_id=after[1],
        most=most,
    )


async def missing(
    tx: Transaction,
    task_id: UUID,
    *,
    grids: Sequence[str] | None = None,
    reason: str | None = None,
    building: str | None = None,
    worker: str | None = None,
    nobodys: bool = False,
    everybody: bool = False,
    after: tuple[int, UUID],
    most: int,
) -> list[Row]:
    """Who is not done, or everybody, in the order of the addresses; `nobodys` are those on no worker's list."""
    return await tx.rows(
        MISSING,
        task_id=task_id,
        grids=list(grids) if grids is not None else None,
        reason=reason,
        building=building,
        worker=worker,
        nobodys=nobodys,
        everybody=everybody,
        after_place=after[0],
        after_id=after[1],
        most=most,
    )


def unsealed(row: Row, key: bytes | None, sealer: Sealer) -> dict[str, Any]:
    """Who it is; nothing once the task is forgotten."""
    if key is None or row["sealed_person"] is None:
        return {}
    found: dict[str, Any] = orjson.loads(sealer.unseal(key, row["sealed_person"], person_context(row["id"])))
    return found


def person_context(listed_id: UUID) -> str:
    return f"mass_task_people.person:{listed_id}"


def task_of(row: Row) -> MassTask:
    given = {name: row[name] for name in NAMES}
    return MassTask(**given | {"unit_path": tuple(row["unit_path"]), "state": TaskState(row["state"])})


async def forget(tx: Transaction, before: datetime) -> int:
    """Destroy the keys of tasks closed before then, and what they sealed; how many tasks. Refs, states and reasons
    stay: they are the figures."""
    gone = await tx.rows(
        "UPDATE mass_tasks SET wrapped_key = NULL, sealed_instructions = NULL WHERE id IN (SELECT id FROM mass_tasks"
        " WHERE wrapped_key IS NOT NULL AND closed_at < :before ORDER BY closed_at LIMIT :most) RETURNING id",
        before=before,
        most=DELETED_ROWS_MAX,
    )
    ids = [row["id"] for row in gone]
    for statement in (
        "UPDATE mass_task_people SET sealed_person = NULL WHERE task_id = ANY(CAST(:ids AS uuid[]))",
        "UPDATE mass_task_tries SET sealed_note = NULL, sealed_correction = NULL"
        " WHERE task_id = ANY(CAST(:ids AS uuid[]))",
    ):
        await tx.rows(statement, ids=ids)
    return len(ids)
