"""The rounds' stops, entries and settled days in and out; whom a visit is for is sealed under the stop's own key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from services.dispatch.rules.round_story import Due, Entry, Stop, StopPlan
from shared.codec import decode_body
from shared.database import Row, Transaction
from shared.event import JOURNAL_ONLY_TYPES, Event
from shared.fieldwork import NotDoneReason, StopKind
from shared.going import ArrivalMethod
from shared.sealing import Sealer
from shared.things import Point

DELETED_ROWS_MAX = 1000
COLUMNS = """
    id, kind, grid_id, label, place, period, amount, since, preferred_at, stay_minutes, person_id, digest, due_on,
    not_before, done_on, done_by, entry_id, reason, added_at, ended_at
"""
NAMES = [name.strip() for name in COLUMNS.split(",")]
CHANGING = [name for name in NAMES if name not in ("id", "kind", "grid_id", "added_at")]
ONE = f"SELECT {COLUMNS} FROM round_stops WHERE id = :id"
ADD = f"""
    INSERT INTO round_stops ({COLUMNS}, wrapped_key, sealed_details)
    VALUES ({", ".join(f":{name}" for name in NAMES)}, :wrapped, :sealed)
""".replace(":place", "CAST(:place AS jsonb)")
SAVE = f"""
    UPDATE round_stops SET {", ".join(f"{name} = :{name}" for name in CHANGING)} WHERE id = :id
""".replace(":place", "CAST(:place AS jsonb)")
# What stands in a grid, the longest owed first; the cursor is (due_on, id) of the last row.
PAGE = f"""
    SELECT {COLUMNS} FROM round_stops
    WHERE grid_id = ANY(CAST(:grids AS text[])) AND ended_at IS NULL AND due_on <= :due_until
        AND (due_on, id) > (:after_due, :after_id)
    ORDER BY due_on, id LIMIT :most
"""
OWING = (
    f"SELECT {COLUMNS} FROM round_stops WHERE grid_id = :grid_id AND ended_at IS NULL AND due_on <= :until"
)
PAGE_OF_ENDED = f"""
    SELECT {COLUMNS} FROM round_stops
    WHERE grid_id = ANY(CAST(:grids AS text[])) AND ended_at IS NOT NULL AND (due_on, id) > (:after_due, :after_id)
    ORDER BY due_on, id LIMIT :most
"""
DUE_FOR = """
    SELECT DISTINCT grid_id, person_id FROM round_stops
    WHERE grid_id = ANY(CAST(:grids AS text[])) AND ended_at IS NULL AND due_on <= :day AND not_before <= :day
"""
# What is on somebody's list today: of these grids, the stops of everybody (no person) or of these people.
TODAY = f"""
    SELECT {COLUMNS} FROM round_stops
    WHERE grid_id = ANY(CAST(:grids AS text[])) AND ended_at IS NULL AND due_on <= :day AND not_before <= :day
        AND (grid_id, coalesce(person_id, '')) IN (
            SELECT * FROM unnest(CAST(:grids AS text[]), CAST(:whose AS text[])))
    ORDER BY due_on, id LIMIT :most
"""
SETTLED = """
    SELECT grid_id, kind, done, reason, count(*) AS n FROM round_dues
    WHERE grid_id = ANY(CAST(:grids AS text[])) AND due_on BETWEEN :begin AND :until
    GROUP BY grid_id, kind, done, reason ORDER BY grid_id, kind, done, reason
"""
ENTRY = (
    "id, person_id, at, done, due_on, reason, method, distance_m, counts_for, missed, device_at, undone_at"
)
ENTRIES = f"""
    SELECT {ENTRY} FROM round_entries WHERE stop_id = :stop_id AND (at, id) < (:before_at, :before_id)
    ORDER BY at DESC, id DESC LIMIT :most
"""
LATEST_BESIDE = f"""
    SELECT {ENTRY} FROM round_entries
    WHERE stop_id = :stop_id AND id <> :besides AND undone_at IS NULL AND (done OR NOT :visits)
    ORDER BY at DESC, id DESC LIMIT 1
"""
STORY = """
    SELECT subject_id, seq, type, at, event_id, sequence, data FROM journal
    WHERE subject_id = :stop_id AND seq > :after ORDER BY seq LIMIT :most
"""
REVEALED = """
    SELECT 1 FROM journal
    WHERE subject_id = :stop_id AND type = 'yike.dispatch.stop_revealed' AND at > :since AND actor = :person_id
    LIMIT 1
"""
ADD_ENTRY = """
    INSERT INTO round_entries
        (id, stop_id, person_id, at, device_at, done, reason, method, distance_m, due_on, counts_for, missed)
    VALUES (:id, :stop_id, :person_id, :at, :device_at, :done, :reason, :method, :distance_m, :due_on, :counts_for,
        CAST(:missed AS date[]))
"""
SETTLE = """
    INSERT INTO round_dues (stop_id, due_on, grid_id, kind, done, reason)
    SELECT :stop_id, new.due_on, :grid_id, :kind, new.done, new.reason
    FROM unnest(CAST(:days AS date[]), CAST(:done AS boolean[]), CAST(:reasons AS text[]))
        AS new(due_on, done, reason)
"""


async def find(tx: Transaction, stop_id: UUID) -> Stop | None:
    rows = await tx.rows(ONE, id=stop_id)
    return stop_of(rows[0]) if rows else None


async def add(tx: Transaction, stop: Stop, wrapped: bytes, sealed: bytes | None) -> None:
    """A new stop, with its own key and whom it is for."""
    await tx.rows(ADD, **_columns(stop), wrapped=wrapped, sealed=sealed)


async def save(tx: Transaction, stop: Stop) -> None:
    await tx.rows(SAVE, **_columns(stop))


def _columns(stop: Stop) -> dict[str, Any]:
    plan = stop.plan
    given = {**asdict(stop), **dict(plan), "kind": stop.kind.value, "period": plan.period.value}
    given["place"] = plan.place.model_dump_json() if plan.place is not None else None
    return {name: given[name] for name in NAMES}


async def add_entry(tx: Transaction, stop_id: UUID, entry: Entry) -> None:
    given = asdict(entry) | {"stop_id": stop_id, "missed": list(entry.missed)}
    given.pop("undone_at")
    await tx.rows(ADD_ENTRY, **given)


async def settle(tx: Transaction, stop: Stop, dues: Sequence[Due]) -> None:
    """The primary key refuses a day that is settled already."""
    if dues:
        await tx.rows(
            SETTLE,
            stop_id=stop.id,
            grid_id=stop.grid_id,
            kind=stop.kind.value,
            days=[due.due_on for due in dues],
            done=[due.done for due in dues],
            reasons=[due.reason for due in dues],
        )


async def undo(
    tx: Transaction, stop_id: UUID, entry_id: UUID, at: datetime, reopened: Sequence[date]
) -> None:
    await tx.rows("UPDATE round_entries SET undone_at = :at WHERE id = :id", at=at, id=entry_id)
    await tx.rows(
        "DELETE FROM round_dues WHERE stop_id = :stop_id AND due_on = ANY(CAST(:days AS date[]))",
        stop_id=stop_id,
        days=list(reopened),
    )


async def settled_to(tx: Transaction, stop_id: UUID) -> date | None:
    """The last day that is settled: done ahead of time, it is yet to come."""
    [row] = await tx.rows(
        "SELECT max(due_on) AS day FROM round_dues WHERE stop_id = :stop_id", stop_id=stop_id
    )
    day: date | None = row["day"]
    return day


async def entry(tx: Transaction, stop_id: UUID, entry_id: UUID) -> Entry | None:
    rows = await tx.rows(
        f"SELECT {ENTRY} FROM round_entries WHERE id = :id AND stop_id = :stop_id",
        id=entry_id,
        stop_id=stop_id,
    )
    return entry_from(rows[0]) if rows else None


async def latest_beside(
    tx: Transaction, stop_id: UUID, besides: UUID, *, visits: bool = False
) -> Entry | None:
    """The latest entry (visit) that was not taken back, but for this one."""
    rows = await tx.rows(LATEST_BESIDE, stop_id=stop_id, besides=besides, visits=visits)
    return entry_from(rows[0]) if rows else None


async def entries(tx: Transaction, stop_id: UUID, *, before: tuple[datetime, UUID], most: int) -> list[Entry]:
    """The latest first."""
    rows = await tx.rows(ENTRIES, stop_id=stop_id, before_at=before[0], before_id=before[1], most=most)
    return [entry_from(row) for row in rows]


async def page(
    tx: Transaction, grids: Sequence[str], due_until: date, after: tuple[date, UUID], most: int
) -> list[Stop]:
    rows = await tx.rows(
        PAGE, grids=list(grids), due_until=due_until, after_due=after[0], after_id=after[1], most=most
    )
    return [stop_of(row) for row in rows]


async def owing(tx: Transaction, grid_id: str, until: date) -> list[Stop]:
    """The grid's stops of which something is owed up to then."""
    return [stop_of(row) for row in await tx.rows(OWING, grid_id=grid_id, until=until)]


async def due_for(tx: Transaction, grids: Sequence[str], day: date) -> list[tuple[str, str | None]]:
    """In which grids something is due, and whose it is; no person's for the stops of everybody."""
    rows = await tx.rows(DUE_FOR, grids=list(grids), day=day)
    return [(row["grid_id"], row["person_id"]) for row in rows]


async def todays(
    tx: Transaction, whose: Sequence[tuple[str, str | None]], day: date, most: int
) -> list[Stop]:
    """What is due of these, the longest owed first."""
    rows = await tx.rows(
        TODAY,
        grids=[grid_id for grid_id, _ in whose],
        whose=[person_id or "" for _, person_id in whose],
        day=day,
        most=most,
    )
    return [stop_of(row) for row in rows]


async def page_of_ended(
    tx: Transaction, grids: Sequence[str], after: tuple[date, UUID], most: int
) -> list[Stop]:
    rows = await tx.rows(PAGE_OF_ENDED, grids=list(grids), after_due=after[0], after_id=after[1], most=most)
    return [stop_of(row) for row in rows]


async def settled(tx: Transaction, grids: Sequence[str], begin: date, until: date) -> list[Row]:
    return await tx.rows(SETTLED, grids=list(grids), begin=begin, until=until)


async def story_of(tx: Transaction, stop_id: UUID, after: int, most: int) -> list[tuple[int, Event]]:
    """The journal of a stop from the line after `after` on."""
    rows = await tx.rows(STORY, stop_id=stop_id, after=after, most=most)
    return [
        (
            row["seq"],
            decode_body(
                JOURNAL_ONLY_TYPES[row["type"]],
                row["data"],
                id=row["event_id"],
                at=row["at"],
                sequence=row["sequence"],
                subject=row["subject_id"],
            ),
        )
        for row in rows
    ]


# ── what is sealed ────────────────────────────────────────────────────────────────────────────────────────────────


async def key_of(tx: Transaction, stop_id: UUID, sealer: Sealer) -> bytes:
    """The stop's own key, made when the stop is added; `None` cannot be while it stands."""
    [row] = await tx.rows("SELECT wrapped_key FROM round_stops WHERE id = :id", id=stop_id)
    return sealer.unwrap(row["wrapped_key"])


async def keep_details(tx: Transaction, stop_id: UUID, sealed: bytes | None) -> None:
    await tx.rows("UPDATE round_stops SET sealed_details = :sealed WHERE id = :id", sealed=sealed, id=stop_id)


async def keep_words(
    tx: Transaction, stop_id: UUID, words_id: UUID, key: bytes, text: str, sealer: Sealer
) -> None:
    await tx.rows(
        "INSERT INTO round_words (id, stop_id, sealed_text) VALUES (:id, :stop_id, :sealed)",
        id=words_id,
        stop_id=stop_id,
        sealed=sealer.seal(key, text, f"round_words.text:{words_id}"),
    )


async def details_of(tx: Transaction, stop_ids: Iterable[UUID], sealer: Sealer) -> dict[UUID, dict[str, Any]]:
    """Whom these visits are for; nothing for what was forgotten."""
    rows = await tx.rows(
        "SELECT id, wrapped_key, sealed_details FROM round_stops WHERE id = ANY(CAST(:ids AS uuid[]))"
        " AND wrapped_key IS NOT NULL AND sealed_details IS NOT NULL",
        ids=list(stop_ids),
    )
    return {
        row["id"]: orjson.loads(
            sealer.unseal(
                sealer.unwrap(row["wrapped_key"]), row["sealed_details"], details_context(row["id"])
            )
        )
        for row in rows
    }


async def revealed_to(tx: Transaction, stop_id: UUID, person_id: str, since: datetime) -> bool:
    """Whether somebody said since then what they have to see it for."""
    return bool(await tx.rows(REVEALED, stop_id=stop_id, person_id=person_id, since=since))


async def words_of(
    tx: Transaction, stop_id: UUID, words_ids: Iterable[UUID], sealer: Sealer
) -> dict[UUID, str]:
    rows = await tx.rows(
        "SELECT round_words.id, sealed_text, wrapped_key FROM round_words"
        " JOIN round_stops ON round_stops.id = round_words.stop_id"
        " WHERE stop_id = :stop_id AND round_words.id = ANY(CAST(:ids AS uuid[]))"
        " AND wrapped_key IS NOT NULL AND sealed_text IS NOT NULL",
        stop_id=stop_id,
        ids=list(words_ids),
    )
    return {
        row["id"]: sealer.unseal(
            sealer.unwrap(row["wrapped_key"]), row["sealed_text"], f"round_words.text:{row['id']}"
        )
        for row in rows
    }


async def forget(tx: Transaction, before: datetime) -> int:
    """Destroy the keys of stops that ended before then, and what they sealed; how many stops."""
    gone = await tx.rows(
        "UPDATE round_stops SET wrapped_key = NULL, sealed_details = NULL WHERE id IN (SELECT id FROM round_stops"
        " WHERE wrapped_key IS NOT NULL AND ended_at < :before ORDER BY ended_at LIMIT :most) RETURNING id",
        before=before,
        most=DELETED_ROWS_MAX,
    )
    await tx.rows(
        "UPDATE round_words SET sealed_text = NULL WHERE stop_id = ANY(CAST(:ids AS uuid[]))",
        ids=[row["id"] for row in gone],
    )
    return len(gone)


def details_context(stop_id: UUID) -> str:
    return f"round_stops.details:{stop_id}"


def stop_of(row: Row) -> Stop:
    plan = StopPlan(
        period=row["period"],
        amount=row["amount"],
        since=row["since"],
        preferred_at=row["preferred_at"],
        stay_minutes=row["stay_minutes"],
        person_id=row["person_id"],
        label=row["label"],
        place=Point.model_validate(row["place"]) if row["place"] is not None else None,
    )
    rest = {name: row[name] for name in NAMES if name not in StopPlan.model_fields}
    rest["reason"] = NotDoneReason(row["reason"]) if row["reason"] else None
    return Stop(**rest | {"kind": StopKind(row["kind"]), "plan": plan})


def entry_from(row: Row) -> Entry:
    given = dict(row) | {"missed": tuple(row["missed"])}
    given["reason"] = NotDoneReason(row["reason"]) if row["reason"] else None
    given["method"] = ArrivalMethod(row["method"]) if row["method"] else None
    return Entry(**given)
