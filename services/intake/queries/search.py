"""Finding cases, newest first. One statement per way (rules/search.py), put together from constant parts.

Cases found by tokens are looked for among the newest first: what is frequent is found there at once, and for what is
rare the index over tokens names few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.intake.rules.search import OPEN, Search, Way, public_tokens
from shared.database import Row, Transaction

NEWEST_WALKED_MAX = 15_000
EXAMINED_MAX = 500
FROM_THE_NEWEST = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))

# The planner takes a large table for one that is cheaper read whole; here every way has its index and stops early.
PLANNER = """
    SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
           set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)
"""

SHOWN = """
    c.case_id, c.number, c.channel, c.category_code, c.urgency, c.headline, c.place_label, c.unit_path, c.state,
    c.level, c.round, c.registered_at, c.handled_by, c.closed_at, c.outcome, c.requester_can_be_asked,
    r.wrapped_key, r.name_sealed, r.phone_sealed, r.description_sealed, r.language
"""

EXACTLY = """
    c.unit_path && CAST(:units AS text[])
    AND (CAST(:states AS text[]) IS NULL OR c.state = ANY(CAST(:states AS text[])))
    AND (CAST(:categories AS text[]) IS NULL OR c.category_code = ANY(CAST(:categories AS text[])))
    AND (CAST(:urgencies AS text[]) IS NULL OR c.urgency = ANY(CAST(:urgencies AS text[])))
    AND (CAST(:person_id AS text) IS NULL OR EXISTS (
        SELECT 1 FROM case_holders AS h WHERE h.case_id = c.case_id AND h.person_id = CAST(:person_id AS text)))
    AND (CAST(:since AS timestamptz) IS NULL OR c.registered_at >= CAST(:since AS timestamptz))
    AND (CAST(:until AS timestamptz) IS NULL OR c.registered_at < CAST(:until AS timestamptz))
    AND (c.registered_at, c.case_id) < (:before_at, :before_id)
"""

# What is shown is read of those only that are shown.
FROM_CASES = f"""
    SELECT {SHOWN}, true AS fits FROM (
        SELECT c.case_id FROM cases AS c
        WHERE {EXACTLY} AND {{start}} ORDER BY c.registered_at DESC, c.case_id DESC LIMIT :rows_max
    ) AS found JOIN cases AS c ON c.case_id = found.case_id JOIN requesters AS r ON r.case_id = found.case_id
    ORDER BY c.registered_at DESC, c.case_id DESC
"""

STARTS = {
    Way.NUMBER: "c.number = :number",
    Way.PHONE: """c.case_id IN (
        SELECT k.case_id FROM requesters AS k WHERE k.phone_index = ANY(CAST(:phones AS bytea[])))""",
    Way.PERSON: """c.case_id IN (
        SELECT h.case_id FROM case_holders AS h WHERE h.person_id = CAST(:person_id AS text))""",
    Way.STATE: "c.state <> 'closed'",
}

FROM_ENTRIES = f"""
    SELECT {SHOWN}, {{fits}} AS fits FROM ({{entries}}) AS e
    JOIN cases AS c ON c.case_id = e.case_id JOIN requesters AS r ON r.case_id = c.case_id
    WHERE {{where}} ORDER BY e.registered_at DESC, e.case_id DESC LIMIT :rows_max
"""

IN_TIME = """
    (registered_at, case_id) < (:before_at, :before_id)
    AND (CAST(:since AS timestamptz) IS NULL OR registered_at >= CAST(:since AS timestamptz))
    AND (CAST(:until AS timestamptz) IS NULL OR registered_at < CAST(:until AS timestamptz))
"""

WALKED = f"""
    SELECT case_id, registered_at, tokens FROM search_entries WHERE {IN_TIME}
    ORDER BY registered_at DESC, case_id DESC
"""

# OFFSET 0 keeps the order out of the choice of the index. The planner takes the pieces of a word for independent and
# expects one row where there are thousands: so those are sorted and cut before anything is joined to them.
INDEXED = f"""
    SELECT case_id, registered_at FROM (
        SELECT case_id, registered_at FROM search_entries WHERE {IN_TIME} AND {{tokens}} OFFSET 0
    ) AS known ORDER BY registered_at DESC, case_id DESC LIMIT :examined_max
"""

# Taken first and read after: whatever is not seen in what is read waits for these rows and makes the case stale again.
TAKE_STALE = "SELECT case_id FROM search_stale ORDER BY case_id LIMIT :rows_max FOR UPDATE SKIP LOCKED"

# An entry keeps its case from being removed, so the case is locked a little when it is written. One that somebody else
# locks whole may be waiting for its row of the list: it stays there until the next turn.
READ_STALE = """
    SELECT c.case_id, c.registered_at, c.headline, c.unit_path, c.category_code, c.urgency, c.state,
           r.wrapped_key, r.description_sealed
    FROM cases AS c JOIN requesters AS r ON r.case_id = c.case_id
    WHERE c.case_id = ANY(CAST(:case_ids AS uuid[])) ORDER BY c.case_id FOR KEY SHARE OF c SKIP LOCKED
"""

WRITE = """
    WITH new AS (
        SELECT CAST(item->>'case_id' AS uuid) AS case_id, CAST(item->>'registered_at' AS timestamptz) AS registered_at,
               ARRAY(SELECT CAST(jsonb_array_elements_text(item->'tokens') AS int)) AS tokens
        FROM jsonb_array_elements(CAST(:items AS jsonb)) AS item
    ), done AS (
        DELETE FROM search_stale USING new WHERE search_stale.case_id = new.case_id
    )
    INSERT INTO search_entries (case_id, registered_at, tokens) SELECT case_id, registered_at, tokens FROM new
    ON CONFLICT (case_id) DO UPDATE SET registered_at = excluded.registered_at, tokens = excluded.tokens
"""


@dataclass(frozen=True)
class Candidates:
    """Newest first; `more` where there are others behind them. Those that do not `fit` are passed over."""

    rows: Sequence[Row]
    more: bool


async def find(
    tx: Transaction,
    search: Search,
    way: Way,
    words: Sequence[set[int]],
    *,
    before: tuple[datetime, UUID],
    matches_max: int,
) -> Candidates:
    """The next candidates after `before`. `words`: the tokens of what was asked, under each master key."""
    await tx.rows(PLANNER)
    narrowed = bool(search.states) or search.person_id is not None
    given = parameters(search, words, before=before, rows_max=matches_max + 1)
    if way in STARTS:
        return _cut(await tx.rows(FROM_CASES.format(start=STARTS[way]), **given), matches_max)
    if not narrowed:
        rows = await tx.rows(newest(search, words), **given)
        if len(rows) > matches_max:
            return _cut(rows, matches_max)
    examined = max(EXAMINED_MAX, matches_max) if narrowed else matches_max
    limits = {"rows_max": examined + 1, "examined_max": examined + 1}
    return _cut(await tx.rows(everything(search, words), **given | limits), examined)


def _cut(rows: Sequence[Row], most: int) -> Candidates:
    return Candidates(rows[:most], len(rows) > most)


def newest(search: Search, words: Sequence[set[int]]) -> str:
    """Among the newest entries only."""
    entries = f"{WALKED} LIMIT {NEWEST_WALKED_MAX}"
    where = " AND ".join([*_tokens(search, words, "e.tokens"), EXACTLY])
    return FROM_ENTRIES.format(entries=entries, fits="true", where=where)


def everything(search: Search, words: Sequence[set[int]]) -> str:
    """Among all of them, by the index over tokens; where nothing is asked that has tokens, on from the newest."""
    tokens = " AND ".join(_tokens(search, words, "tokens"))
    entries = INDEXED.format(tokens=tokens) if tokens else f"{WALKED} LIMIT :examined_max"
    return FROM_ENTRIES.format(entries=entries, fits=f"({EXACTLY})", where="true")


def parameters(
    search: Search, words: Sequence[set[int]], *, before: tuple[datetime, UUID], rows_max: int
) -> dict[str, object]:
    return {
        "units": list(search.units),
        "number": search.number,
        "phones": list(search.phones),
        "person_id": search.person_id,
        "states": list(search.states) or None,
        "categories": list(search.categories) or None,
        "urgencies": list(search.urgencies) or None,
        "since": search.since,
        "until": search.until,
        "before_at": before[0],
        "before_id": before[1],
        "rows_max": rows_max,
        "unit_tokens": public_tokens("unit", search.units),
        "category_tokens": public_tokens("category", search.categories),
        "urgency_tokens": public_tokens("urgency", search.urgencies),
        "open_tokens": [OPEN],
        **{f"words_{place}": sorted(tokens) for place, tokens in enumerate(words)},
    }


def _tokens(search: Search, words: Sequence[set[int]], column: str) -> list[str]:
    """What the entry's tokens must hold: one of the units, one of the categories, all pieces of the words, and that
    the case is open where only open ones are asked for."""
    asked = [] if search.everywhere else [f"{column} && CAST(:unit_tokens AS int[])"]
    if search.only_open:
        asked.append(f"{column} @> CAST(:open_tokens AS int[])")
    if search.categories:
        asked.append(f"{column} && CAST(:category_tokens AS int[])")
    if search.urgencies:
        asked.append(f"{column} && CAST(:urgency_tokens AS int[])")
    if words:
        each = (f"{column} @> CAST(:words_{place} AS int[])" for place in range(len(words)))
        asked.append(f"({' OR '.join(each)})")
    return asked


async def stale(tx: Transaction, rows_max: int) -> Sequence[Row]:
    """Cases that are not found yet by what they say now."""
    taken = [row["case_id"] for row in await tx.rows(TAKE_STALE, rows_max=rows_max)]
    return await tx.rows(READ_STALE, case_ids=taken) if taken else []


async def write(tx: Transaction, items: str) -> None:
    """Entries as JSON; they are stale no longer."""
    await tx.rows(WRITE, items=items)
