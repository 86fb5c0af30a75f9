"""SQL of feeds: numbers drawn, rows read, receipts, forgetting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.database import Transaction
from shared.vocabulary import NoticeKind

# ── writing feeds ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """A notice for a feed, before it has its number. `body` is JSON text."""

    person_id: str
    notice_id: UUID
    event_id: UUID
    case_id: UUID
    kind: NoticeKind
    body: str
    created_at: datetime


MAKE_COUNTERS = """
    INSERT INTO counters (person_id) SELECT DISTINCT person FROM unnest(CAST(:people AS text[])) AS person
    WHERE NOT EXISTS (SELECT 1 FROM counters WHERE person_id = person) ORDER BY person ON CONFLICT DO NOTHING
"""
LOCK_COUNTERS = """
    SELECT person_id, last_seq FROM counters WHERE person_id = ANY(CAST(:people AS text[]))
    ORDER BY person_id FOR UPDATE
"""
WRITE_FEED = """
    WITH moved AS (
        UPDATE counters SET last_seq = new.last_seq
        FROM unnest(CAST(:people AS text[]), CAST(:last_seqs AS bigint[])) AS new(person_id, last_seq)
        WHERE counters.person_id = new.person_id
    )
    INSERT INTO feed (person_id, seq, notice_id, event_id, case_id, kind, body, created_at)
    SELECT person_id, seq, notice_id, event_id, case_id, kind, CAST(body AS jsonb), created_at
    FROM unnest(CAST(:person_ids AS text[]), CAST(:seqs AS bigint[]), CAST(:notice_ids AS uuid[]),
                CAST(:event_ids AS uuid[]), CAST(:case_ids AS uuid[]), CAST(:kinds AS text[]),
                CAST(:bodies AS text[]), CAST(:created_ats AS timestamptz[]))
         AS new(person_id, seq, notice_id, event_id, case_id, kind, body, created_at)
"""


async def write_feed(tx: Transaction, entries: Sequence[FeedEntry]) -> None:
    """Number and write them. Each person's row is locked in the order of ids and held until COMMIT, so the numbers
    of a feed become visible in their order; call it once, at the end of the transaction."""
    people = sorted({entry.person_id for entry in entries})
    await tx.rows(MAKE_COUNTERS, people=people)
    last = {row["person_id"]: row["last_seq"] for row in await tx.rows(LOCK_COUNTERS, people=people)}
    seqs: list[int] = []
    for entry in entries:
        last[entry.person_id] += 1
        seqs.append(last[entry.person_id])
    await tx.rows(
        WRITE_FEED,
        people=people,
        last_seqs=[last[person] for person in people],
        person_ids=[entry.person_id for entry in entries],
        seqs=seqs,
        notice_ids=[entry.notice_id for entry in entries],
        event_ids=[entry.event_id for entry in entries],
        case_ids=[entry.case_id for entry in entries],
        kinds=[str(entry.kind) for entry in entries],
        bodies=[entry.body for entry in entries],
        created_ats=[entry.created_at for entry in entries],
    )


# ── reading feeds ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A row of a feed. `age_seconds` is real time since it was written."""

    seq: int
    body: str
    read: bool
    age_seconds: float


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Rows after a number, and the feed's numbers at the same moment."""

    last_seq: int
    read_up_to: int
    forgotten_up_to: int
    items: tuple[FeedItem, ...]


# One statement, so that the rows and the numbers are of one moment: a sweep between two would go unseen.
READ_FEED = """
    SELECT c.last_seq, c.read_up_to, c.forgotten_up_to, f.seq, f.body::text AS body, f.read_at IS NOT NULL AS read,
           extract(epoch FROM clock_timestamp() - f.written_at)::float8 AS age_seconds
    FROM counters AS c LEFT JOIN LATERAL (
        SELECT * FROM feed WHERE feed.person_id = c.person_id AND feed.seq > :after
        ORDER BY feed.seq LIMIT :limit
    ) AS f ON true
    WHERE c.person_id = :person_id ORDER BY f.seq
"""
NEWS = """
    SELECT person_id, last_seq FROM counters WHERE person_id = ANY(CAST(:people AS text[]))
"""


async def feed_page(tx: Transaction, person_id: str, after: int, limit: int) -> FeedPage:
    """At most `limit` rows after `after`; an empty page for who was never told anything."""
    rows = await tx.rows(READ_FEED, person_id=person_id, after=after, limit=limit)
    if not rows:
        return FeedPage(0, 0, 0, ())
    items = (
        FeedItem(row["seq"], row["body"], row["read"], row["age_seconds"])
        for row in rows
        if row["seq"] is not None
    )
    first = rows[0]
    return FeedPage(first["last_seq"], first["read_up_to"], first["forgotten_up_to"], tuple(items))


async def last_seqs(tx: Transaction, people: Sequence[str]) -> Mapping[str, int]:
    """The last number of these people's feeds."""
    return {row["person_id"]: row["last_seq"] for row in await tx.rows(NEWS, people=list(people))}


# ── reading receipts ──────────────────────────────────────────────────────────────────────────────────────────────

UNREAD = """
    SELECT DISTINCT case_id FROM feed
    WHERE person_id = :person_id AND seq > (SELECT read_up_to FROM counters WHERE person_id = :person_id)
      AND seq <= :up_to
"""
MOVE_READ = """
    WITH before AS (SELECT read_up_to, last_seq FROM counters WHERE person_id = :person_id FOR UPDATE),
    moved AS (
        UPDATE counters SET read_up_to = least(:up_to, before.last_seq) FROM before
        WHERE person_id = :person_id AND before.read_up_to < least(:up_to, before.last_seq)
    )
    UPDATE feed SET read_at = :now FROM before
    WHERE feed.person_id = :person_id AND feed.seq > before.read_up_to AND feed.seq <= :up_to
      AND feed.read_at IS NULL
    RETURNING feed.seq, feed.notice_id, feed.case_id, feed.kind
"""
LAST_SEQ = "SELECT last_seq, read_up_to FROM counters WHERE person_id = :person_id"


async def numbers(tx: Transaction, person_id: str) -> tuple[int, int]:
    """The last number of a feed, and up to where it was read."""
    rows = await tx.rows(LAST_SEQ, person_id=person_id)
    return (rows[0]["last_seq"], rows[0]["read_up_to"]) if rows else (0, 0)


async def cases_unread(tx: Transaction, person_id: str, up_to: int) -> list[UUID]:
    return [row["case_id"] for row in await tx.rows(UNREAD, person_id=person_id, up_to=up_to)]


async def move_read(
    tx: Transaction, person_id: str, up_to: int, now: datetime
) -> list[tuple[UUID, UUID, NoticeKind]]:
    """Mark the rows up to `up_to` as read; notice, case and kind of those that were not, in the feed's order, as far as
    their kind is known here."""
    rows = await tx.rows(MOVE_READ, person_id=person_id, up_to=up_to, now=now)
    return [
        (row["notice_id"], row["case_id"], NoticeKind(row["kind"]))
        for row in sorted(rows, key=lambda row: row["seq"])
        if row["kind"] in set(NoticeKind)
    ]


# ── forgetting ────────────────────────────────────────────────────────────────────────────────────────────────────

OVERFULL = """
    SELECT person_id, last_seq - forgotten_up_to > :rows_kept OR coalesce((
               SELECT f.created_at < :older_than FROM feed AS f WHERE f.person_id = c.person_id
               ORDER BY f.seq LIMIT 1
           ), false) AS overfull
    FROM counters AS c WHERE person_id > :after ORDER BY person_id LIMIT :people_max
"""
# The counter is locked before its rows go, as when they are written; a reader sees both or neither.
FORGET = """
    WITH person AS (
        SELECT person_id, last_seq, forgotten_up_to FROM counters
        WHERE person_id = ANY(CAST(:people AS text[])) ORDER BY person_id FOR UPDATE
    ), bound AS (
        SELECT p.person_id, greatest(p.forgotten_up_to, p.last_seq - :rows_kept, coalesce((
            SELECT max(f.seq) FROM feed AS f WHERE f.person_id = p.person_id AND f.created_at < :older_than
        ), 0)) AS up_to FROM person AS p
    ), moved AS (
        UPDATE counters SET forgotten_up_to = bound.up_to FROM bound WHERE counters.person_id = bound.person_id
    )
    DELETE FROM feed USING bound WHERE feed.person_id = bound.person_id AND feed.seq <= bound.up_to RETURNING 1
"""


async def overfull(
    tx: Transaction, *, after: str, people_max: int, rows_kept: int, older_than: datetime
) -> tuple[list[str], str | None]:
    """Of the next people by id those whose feed has rows to forget; and where to go on, `None` at the end."""
    rows = await tx.rows(
        OVERFULL, after=after, people_max=people_max, rows_kept=rows_kept, older_than=older_than
    )
    following = rows[-1]["person_id"] if len(rows) == people_max else None
    return [row["person_id"] for row in rows if row["overfull"]], following


async def forget(tx: Transaction, people: Sequence[str], *, rows_kept: int, older_than: datetime) -> int:
    """Delete what is too old or too much of these people's feeds; how many rows went."""
    return len(await tx.rows(FORGET, people=list(people), rows_kept=rows_kept, older_than=older_than))
