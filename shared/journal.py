"""The story of every case as this service knows it: numbered, chained by hashes, only ever added to.

`heads` holds one row per case: the lock of the case, its last number and hash. `journal` holds what changed the
service's state, its own events and those it heard; `outbox` holds what is still to be published (outbox.py). All
three are written by one statement at the end of a transaction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)

from shared.codec import decode_body, encode_body
from shared.event import EVENT_TYPES, JOURNAL_ONLY_TYPES, Event

if TYPE_CHECKING:
    from shared.database import Row, Transaction

EVENT_BYTES_MAX = 256 * 1024
"""A larger one could stop the whole outbox at the broker, so it is refused before it is written."""
FIRST_HASH = b"\0" * 32


def journal_tables(metadata: MetaData) -> None:
    Table(
        "heads",
        metadata,
        Column("subject_id", Uuid, primary_key=True),
        Column("seq", BigInteger, nullable=False, server_default="0"),
        Column("published", BigInteger, nullable=False, server_default="0"),
        Column("hash", LargeBinary, nullable=False, server_default=text("decode(repeat('00', 32), 'hex')")),
        Column("at", DateTime(timezone=True)),
    )
    journal = Table(
        "journal",
        metadata,
        Column("subject_id", Uuid, primary_key=True),
        Column("seq", BigInteger, primary_key=True),
        Column("type", Text, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("source", Text, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("actor", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("data", Text, nullable=False),
        Column("previous_hash", LargeBinary, nullable=False),
        Column("hash", LargeBinary, nullable=False),
    )
    Index("journal_event_id", journal.c.event_id)


# The case lock. Missing heads are made before any is locked, and both in id order, so that two transactions over
# the same cases never wait for each other in a circle. The clock is read after the locks are held.
LOCK_FUNCTION = """
    CREATE FUNCTION lock_heads(ids uuid[], skip boolean)
    RETURNS TABLE(subject_id uuid, seq bigint, published bigint, hash bytea, at timestamptz, now timestamptz)
    LANGUAGE plpgsql VOLATILE AS $$
    #variable_conflict use_column
    BEGIN
        INSERT INTO heads (subject_id) SELECT DISTINCT id FROM unnest(ids) AS id ORDER BY id ON CONFLICT DO NOTHING;
        IF skip THEN
            PERFORM 1 FROM heads WHERE heads.subject_id = ANY(ids) ORDER BY heads.subject_id FOR UPDATE SKIP LOCKED;
        ELSE
            PERFORM 1 FROM heads WHERE heads.subject_id = ANY(ids) ORDER BY heads.subject_id FOR UPDATE;
        END IF;
        RETURN QUERY
            SELECT h.subject_id, h.seq, h.published, h.hash, h.at, business_now()
            FROM heads AS h WHERE h.subject_id = ANY(ids) ORDER BY h.subject_id FOR UPDATE SKIP LOCKED;
    END
    $$
"""

LOCK = "SELECT * FROM lock_heads(CAST(:ids AS uuid[]), :skip)"

APPEND = """
    WITH moved AS (
        UPDATE heads SET seq = new.seq, published = new.published, hash = new.hash, at = new.at
        FROM unnest(CAST(:head_ids AS uuid[]), CAST(:head_seqs AS bigint[]), CAST(:head_published AS bigint[]),
                    CAST(:head_hashes AS bytea[]), CAST(:head_ats AS timestamptz[]))
             AS new(subject_id, seq, published, hash, at)
        WHERE heads.subject_id = new.subject_id
    ), told AS (
        INSERT INTO outbox (partition, topic, key, event_id, type, source, subject_id, sequence, at, traceparent, body)
        SELECT partition, topic, key, event_id, type, source, subject_id, sequence, at, :traceparent, body
        FROM unnest(CAST(:out_partitions AS smallint[]), CAST(:out_topics AS text[]), CAST(:out_keys AS text[]),
                    CAST(:out_event_ids AS uuid[]), CAST(:out_types AS text[]), CAST(:out_sources AS text[]),
                    CAST(:out_subject_ids AS uuid[]), CAST(:out_sequences AS bigint[]),
                    CAST(:out_ats AS timestamptz[]), CAST(:out_bodies AS text[]))
             WITH ORDINALITY AS new(partition, topic, key, event_id, type, source, subject_id, sequence, at, body, n)
        ORDER BY n
    )
    INSERT INTO journal (subject_id, seq, type, at, event_id, source, sequence, actor, channel, data,
                         previous_hash, hash)
    SELECT * FROM unnest(CAST(:subject_ids AS uuid[]), CAST(:seqs AS bigint[]), CAST(:types AS text[]),
                         CAST(:ats AS timestamptz[]), CAST(:event_ids AS uuid[]), CAST(:sources AS text[]),
                         CAST(:sequences AS bigint[]), CAST(:actors AS text[]), CAST(:channels AS text[]),
                         CAST(:data AS text[]), CAST(:previous_hashes AS bytea[]), CAST(:hashes AS bytea[]))
"""


@dataclass
class Head:
    """A locked case: what its next entry follows."""

    subject_id: UUID
    seq: int
    published: int
    hash: bytes
    at: datetime | None


@dataclass(frozen=True)
class Entry:
    """One line of the story, as it is stored."""

    subject_id: UUID
    seq: int
    event: Event
    source: str
    data: str
    previous_hash: bytes
    hash: bytes


@dataclass
class Pages:
    """What one transaction adds to the story, in the order it happened."""

    heads: dict[UUID, Head] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    published: list[Entry] = field(default_factory=list)

    def append(self, event: Event, source: str, *, publish: bool) -> Event:
        """Number the event, chain it, and keep it for the end of the transaction. Its case must be locked."""
        head = self.heads.get(event.subject)
        if head is None:
            raise AssertionError(f"{event.type} of {event.subject} was announced without locking it")
        head.seq += 1
        if publish:
            head.published += 1
            event = event.model_copy(update={"sequence": head.published})
        data = encode_body(event)
        if len(data.encode()) > EVENT_BYTES_MAX:
            raise ValueError(f"{event.type} has {len(data.encode())} bytes, {EVENT_BYTES_MAX} at most")
        digest = chained_hash(head.hash, head.seq, event, source, data)
        entry = Entry(event.subject, head.seq, event, source, data, head.hash, digest)
        head.hash, head.at = digest, max(event.at, head.at or event.at)
        self.entries.append(entry)
        if publish:
            self.published.append(entry)
        return event


def chained_hash(previous: bytes, seq: int, event: Event, source: str, data: str) -> bytes:
    """SHA-256 over the hash before and the stored text of the line."""
    line = "\n".join(
        (
            str(seq),
            str(event.id),
            event.type,
            event.at.astimezone(UTC).isoformat(),
            source,
            str(event.sequence),
            data,
        )
    )
    return hashlib.sha256(previous + line.encode()).digest()


STORY = """
    SELECT seq, type, at, event_id, source, sequence, data, previous_hash, hash
    FROM journal WHERE subject_id = :subject_id ORDER BY seq
"""


class JournalBroken(Exception):
    """A line of the journal does not follow from the one before it."""


async def story(tx: Transaction, subject: UUID) -> list[Event]:
    """Everything that changed this service's state of the case, oldest first."""
    return [entry for entry, _ in await _lines(tx, subject)]


async def verify(tx: Transaction, subject: UUID) -> int:
    """Walk the chain of hashes; the number of lines. Raises JournalBroken at the first line that does not fit."""
    before = FIRST_HASH
    lines = await _lines(tx, subject)
    for number, (event, row) in enumerate(lines, start=1):
        expected = chained_hash(before, row["seq"], event, row["source"], row["data"])
        if row["seq"] != number or row["previous_hash"] != before or row["hash"] != expected:
            raise JournalBroken(f"line {number} of {subject} does not follow from the one before")
        before = row["hash"]
    return len(lines)


async def _lines(tx: Transaction, subject: UUID) -> list[tuple[Event, Row]]:
    lines = []
    for row in await tx.rows(STORY, subject_id=subject):
        event = decode_body(
            EVENT_TYPES.get(row["type"]) or JOURNAL_ONLY_TYPES[row["type"]],
            row["data"],
            id=row["event_id"],
            at=row["at"],
            sequence=row["sequence"],
            subject=subject,
        )
        lines.append((event, row))
    return lines


def append_parameters(pages: Pages, partition_of: dict[int, int]) -> dict[str, object]:
    """The parameters of APPEND; `partition_of` gives the partition of each published entry by its place."""
    touched = {entry.subject_id: pages.heads[entry.subject_id] for entry in pages.entries}
    heads, entries, out = list(touched.values()), pages.entries, pages.published
    return {
        "head_ids": [head.subject_id for head in heads],
        "head_seqs": [head.seq for head in heads],
        "head_published": [head.published for head in heads],
        "head_hashes": [head.hash for head in heads],
        "head_ats": [head.at for head in heads],
        "out_partitions": [partition_of[place] for place in range(len(out))],
        "out_topics": [entry.event.topic for entry in out],
        "out_keys": [entry.event.key for entry in out],
        "out_event_ids": [entry.event.id for entry in out],
        "out_types": [entry.event.type for entry in out],
        "out_sources": [entry.source for entry in out],
        "out_subject_ids": [entry.subject_id for entry in out],
        "out_sequences": [entry.event.sequence for entry in out],
        "out_ats": [entry.event.at for entry in out],
        "out_bodies": [entry.data for entry in out],
        "subject_ids": [entry.subject_id for entry in entries],
        "seqs": [entry.seq for entry in entries],
        "types": [entry.event.type for entry in entries],
        "ats": [entry.event.at for entry in entries],
        "event_ids": [entry.event.id for entry in entries],
        "sources": [entry.source for entry in entries],
        "sequences": [entry.event.sequence for entry in entries],
        "actors": [entry.event.actor.person_id or entry.event.actor.kind for entry in entries],
        "channels": [str(entry.event.channel) for entry in entries],
        "data": [entry.data for entry in entries],
        "previous_hashes": [entry.previous_hash for entry in entries],
        "hashes": [entry.hash for entry in entries],
    }
