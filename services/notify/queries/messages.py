"""SQL of messages: written, claimed for all channels at once, recorded together, held, gathered, received."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.rules.ways import Priority, Tried, Via
from shared.database import Transaction
from shared.vocabulary import NoticeKind


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to write or to send. `body` is JSON text when written, decoded when claimed. `is_over`: what it speaks
    of has ended meanwhile. `waited_seconds`: real ones, since it first was to be sent."""

    notice_id: UUID
    key: str
    event_id: UUID
    case_id: UUID
    kind: NoticeKind
    person_id: str | None
    via: Via
    body: Any
    attempts: int = 0
    priority: Priority = Priority.ORDINARY
    held_until: datetime | None = None
    is_over: bool = False
    waited_seconds: float = 0.0


ByWay = Mapping[str, Mapping[Via, Tried]]
"""By the key of a notice."""

KINDS, VIAS = [str(kind) for kind in NoticeKind], [str(via) for via in Via]
"""While replicas are replaced a newer one may write a kind that this one does not know: it is left to whoever does."""

# A channel told this twice (a timer fired again after a crash) has it already.
WRITE = """
    INSERT INTO messages (notice_id, key, event_id, case_id, kind, person_id, via, body, priority, held_until, state)
    SELECT notice_id, key, event_id, case_id, kind, person_id, via, CAST(body AS jsonb), priority, held_until,
           CASE WHEN held_until IS NULL THEN 'due' ELSE 'held' END
    FROM unnest(CAST(:notice_ids AS uuid[]), CAST(:keys AS text[]), CAST(:event_ids AS uuid[]),
                CAST(:case_ids AS uuid[]), CAST(:kinds AS text[]), CAST(:person_ids AS text[]),
                CAST(:vias AS text[]), CAST(:bodies AS text[]), CAST(:priorities AS smallint[]),
                CAST(:held_untils AS timestamptz[]))
         AS new(notice_id, key, event_id, case_id, kind, person_id, via, body, priority, held_until)
    ON CONFLICT (key, via) DO NOTHING
"""
# What was worth saying when it was written may be over when the channel is back: an offer that ran out or was answered,
# a call for help that somebody took care of.
IS_OVER = """
    CASE messages.kind
    WHEN 'offer' THEN coalesce(CAST(body->>'expires_at' AS timestamptz) <= business_now(), false) OR NOT EXISTS (
        SELECT 1 FROM cases AS c, jsonb_array_elements(c.parts) AS part
        WHERE c.case_id = messages.case_id AND part->>'told_by' = messages.event_id::text
          AND part->>'hold' = 'offered'
    )
    WHEN 'alarm_raised' THEN EXISTS (
        SELECT 1 FROM alarms AS a
        WHERE a.alarm_id = messages.case_id AND (a.ended OR a.answered_by IS NOT NULL)
    )
    ELSE false END
"""
# All channels in one statement, each up to its own room, what is most urgent first. The lease is the new due time: a
# sender that died leaves a message that is simply due again. The clock stands in a SELECT of its own, because a
# volatile bound would not use the index.
CLAIM = f"""
    UPDATE messages SET attempts = attempts + 1, due_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    WHERE notice_id = ANY(ARRAY(
        SELECT due.notice_id
        FROM unnest(CAST(:vias AS text[]), CAST(:rooms AS integer[])) AS channel(via, room),
        LATERAL (
            SELECT next.notice_id FROM (VALUES (0), (1), (2)) AS level(priority), LATERAL (
                SELECT m.notice_id FROM messages AS m
                WHERE m.state = 'due' AND m.via = channel.via AND m.priority = level.priority
                  AND m.due_at <= (SELECT clock_timestamp())
                  AND m.kind = ANY(CAST(:kinds AS text[])) AND (m.kind <> 'digest' OR NOT EXISTS (
                      SELECT 1 FROM messages AS g WHERE g.digest_id = m.notice_id AND g.state = 'gathered'
                        AND g.kind <> ALL(CAST(:kinds AS text[]))))
                ORDER BY m.due_at LIMIT channel.room FOR UPDATE SKIP LOCKED
            ) AS next LIMIT channel.room
        ) AS due
    ))
    RETURNING notice_id, key, event_id, case_id, kind, person_id, via, body, attempts, priority,
              {IS_OVER} AS is_over,
              extract(epoch FROM clock_timestamp() - waits_since)::float8 AS waited_seconds
"""
FINISH = """
    UPDATE messages AS m SET state = new.state, because = new.because
    FROM unnest(CAST(:notice_ids AS uuid[]), CAST(:states AS text[]), CAST(:becauses AS text[]))
         AS new(notice_id, state, because)
    WHERE m.notice_id = new.notice_id AND m.state = 'due' RETURNING m.notice_id
"""
AGAIN = """
    UPDATE messages AS m SET due_at = clock_timestamp() + make_interval(secs => new.in_seconds),
           because = new.because, attempts = m.attempts - new.given_back
    FROM unnest(CAST(:notice_ids AS uuid[]), CAST(:attempts AS integer[]), CAST(:in_seconds AS float8[]),
                CAST(:becauses AS text[]), CAST(:given_back AS integer[]))
         AS new(notice_id, attempts, in_seconds, because, given_back)
    WHERE m.notice_id = new.notice_id AND m.state = 'due' AND m.attempts = new.attempts
"""
FINISH_GATHERED = """
    UPDATE messages SET state = :state, because = CAST(:because AS text)
    WHERE digest_id = :digest_id AND state = 'gathered'
    RETURNING notice_id, key, event_id, case_id, kind, person_id, via
"""
CASES_GATHERED = """
    SELECT DISTINCT case_id FROM messages WHERE digest_id = ANY(CAST(:digest_ids AS uuid[])) AND state = 'gathered'
"""
# A member of staff's own webhook that does not answer is theirs to mend: what waits for it is no age of ours.
QUEUE = """
    SELECT via, count(*) AS rows,
           coalesce(extract(epoch FROM clock_timestamp() - min(waits_since) FILTER (
               WHERE NOT (via = 'webhook' AND person_id IS NOT NULL AND because IS NOT NULL))), 0)::float8 AS seconds,
           count(*) FILTER (WHERE due_at <= clock_timestamp() OR because IS NULL) AS in_flight
    FROM messages WHERE state = 'due' AND kind = ANY(CAST(:kinds AS text[])) AND via = ANY(CAST(:vias AS text[]))
    GROUP BY via
"""
UNKNOWN = """
    SELECT count(*) AS rows, min(kind || ' by ' || via) AS example FROM messages
    WHERE state = 'due' AND NOT (kind = ANY(CAST(:kinds AS text[])) AND via = ANY(CAST(:vias AS text[])))
"""
HELD = """
    SELECT count(*) AS rows, min(held_until) AS next_at FROM messages WHERE state = 'held'
"""


async def write(tx: Transaction, messages: Iterable[Outgoing]) -> None:
    rows = list(messages)
    if not rows:
        return
    await tx.rows(
        WRITE,
        notice_ids=[row.notice_id for row in rows],
        keys=[row.key for row in rows],
        event_ids=[row.event_id for row in rows],
        case_ids=[row.case_id for row in rows],
        kinds=[str(row.kind) for row in rows],
        person_ids=[row.person_id for row in rows],
        vias=[str(row.via) for row in rows],
        bodies=[row.body for row in rows],
        priorities=[int(row.priority) for row in rows],
        held_untils=[row.held_until for row in rows],
    )


async def claim(tx: Transaction, rooms: Mapping[Via, int], lease_seconds: float) -> list[Outgoing]:
    """The messages that are due, for each channel as many as it has room for, each for one sender until its lease
    runs out."""
    rows = await tx.rows(
        CLAIM,
        vias=[str(via) for via in rooms],
        rooms=list(rooms.values()),
        kinds=KINDS,
        lease_seconds=lease_seconds,
    )
    claimed = [
        Outgoing(
            **{
                **row,
                "kind": NoticeKind(row["kind"]),
                "via": Via(row["via"]),
                "priority": Priority(row["priority"]),
            }
        )
        for row in rows
    ]
    return sorted(claimed, key=lambda outgoing: outgoing.priority)


async def finish(tx: Transaction, ended: Sequence[tuple[UUID, str, str | None]]) -> set[UUID]:
    """Say which messages are `sent` or `failed`, and why; those that no other sender has said so of already."""
    if not ended:
        return set()
    notice_ids, states, becauses = zip(*ended, strict=True)
    rows = await tx.rows(FINISH, notice_ids=list(notice_ids), states=list(states), becauses=list(becauses))
    return {row["notice_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class Again:
    """Due again later. `untried`: this time nothing was sent, so the attempt does not count."""

    outgoing: Outgoing
    in_seconds: float
    because: str
    untried: bool = False


async def send_again(tx: Transaction, again: Sequence[Again]) -> None:
    """Due again later, unless somebody else has claimed it since."""
    if again:
        await tx.rows(
            AGAIN,
            notice_ids=[one.outgoing.notice_id for one in again],
            attempts=[one.outgoing.attempts for one in again],
            in_seconds=[one.in_seconds for one in again],
            becauses=[one.because for one in again],
            given_back=[int(one.untried) for one in again],
        )


async def cases_gathered(tx: Transaction, digest_ids: Sequence[UUID]) -> list[UUID]:
    """The cases of the messages gathered in these digests."""
    if not digest_ids:
        return []
    rows = await tx.rows(CASES_GATHERED, digest_ids=list(digest_ids))
    return [row["case_id"] for row in rows]


async def finish_gathered(
    tx: Transaction, digest_id: UUID, state: str, because: str | None
) -> list[Outgoing]:
    """What became of a digest became of everything gathered in it."""
    rows = await tx.rows(FINISH_GATHERED, digest_id=digest_id, state=state, because=because)
    return [
        Outgoing(**{**row, "kind": NoticeKind(row["kind"]), "via": Via(row["via"]), "body": None})
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Queue:
    """Rows not finished, how long the oldest has waited to be sent in real seconds, and how many are due now or being
    sent."""

    rows: int = 0
    seconds: float = 0.0
    in_flight: int = 0


async def queues(tx: Transaction) -> dict[Via, Queue]:
    """Of every channel that has something waiting."""
    rows = await tx.rows(QUEUE, kinds=KINDS, vias=VIAS)
    return {Via(row["via"]): Queue(row["rows"], row["seconds"], row["in_flight"]) for row in rows}


async def unknown(tx: Transaction) -> tuple[int, str | None]:
    """How many messages wait for a newer replica, and what one of them is."""
    [row] = await tx.rows(UNKNOWN, kinds=KINDS, vias=VIAS)
    return row["rows"], row["example"]


async def held(tx: Transaction) -> tuple[int, datetime | None]:
    """How many messages wait for the end of quiet hours or for a digest, and until when the first does."""
    [row] = await tx.rows(HELD)
    return row["rows"], row["next_at"]


# ── held messages ─────────────────────────────────────────────────────────────────────────────────────────────────

RELEASABLE = """
    SELECT notice_id, person_id, via, body, case_id, event_id FROM messages
    WHERE state = 'held' AND held_until <= :now ORDER BY held_until, notice_id LIMIT :limit
    FOR UPDATE SKIP LOCKED
"""
OTHERS_HELD = """
    SELECT notice_id, person_id, via, body, case_id, event_id FROM messages
    WHERE state = 'held' AND held_until <= :now AND person_id = ANY(CAST(:people AS text[]))
    ORDER BY held_until, notice_id FOR UPDATE SKIP LOCKED
"""
RELEASE = """
    UPDATE messages SET state = 'due', due_at = clock_timestamp(), waits_since = clock_timestamp()
    WHERE notice_id = ANY(CAST(:notice_ids AS uuid[])) AND state = 'held'
"""
GATHER = """
    UPDATE messages AS m SET state = 'gathered', digest_id = new.digest_id
    FROM unnest(CAST(:notice_ids AS uuid[]), CAST(:digest_ids AS uuid[])) AS new(notice_id, digest_id)
    WHERE m.notice_id = new.notice_id AND m.state = 'held'
"""


@dataclass(frozen=True, slots=True)
class HeldMessage:
    notice_id: UUID
    person_id: str | None
    via: str
    body: Mapping[str, Any]
    case_id: UUID
    event_id: UUID


async def releasable(tx: Transaction, now: datetime, limit: int) -> list[HeldMessage]:
    """Messages whose wait is over, with everything else of the same people that is over too."""
    first = [HeldMessage(**row) for row in await tx.rows(RELEASABLE, now=now, limit=limit)]
    if len(first) < limit:
        return first
    people = sorted({one.person_id for one in first if one.person_id is not None})
    rest = [HeldMessage(**row) for row in await tx.rows(OTHERS_HELD, now=now, people=people)]
    return list({one.notice_id: one for one in [*first, *rest]}.values())


async def release(tx: Transaction, notice_ids: Sequence[UUID]) -> None:
    if notice_ids:
        await tx.rows(RELEASE, notice_ids=list(notice_ids))


async def gather(tx: Transaction, into: Mapping[UUID, UUID]) -> None:
    """Put each message into its digest."""
    if into:
        await tx.rows(GATHER, notice_ids=list(into), digest_ids=list(into.values()))


# ── the unread ladder, receipts, erasing, forgetting ──────────────────────────────────────────────────────────────

LADDER = """
    SELECT f.notice_id, f.body, f.read_at IS NOT NULL AS read,
           ARRAY(SELECT m.via FROM messages AS m WHERE m.key = :key) AS used
    FROM feed AS f WHERE f.event_id = :event_id AND f.kind = 'offer' AND f.person_id = :person_id
"""
TRIED = """
    SELECT key, via, state IN ('sent', 'held', 'gathered') AS done, state = 'failed' AS failed, attempts AS tries
    FROM messages WHERE key = ANY(CAST(:keys AS text[])) AND via = ANY(CAST(:vias AS text[]))
"""
# A person may be told one thing over both, and a receipt is of one of them.
SENT_AS = """
    SELECT id, notice_id, case_id, kind, person_id, via, key, event_id, body, attempts FROM (
        SELECT m.key AS id, m.* FROM messages AS m WHERE m.key = ANY(CAST(:keys AS text[])) AND m.via = 'webhook'
        UNION ALL
        SELECT m.notice_id::text AS id, m.* FROM messages AS m
        WHERE m.notice_id = ANY(CAST(:notice_ids AS uuid[])) AND m.via = 'sms'
    ) AS sent WHERE state IN ('due', 'sent', 'failed')
"""
RECEIVED = """
    UPDATE messages SET received_at = :now, state = CASE state WHEN 'failed' THEN 'sent' ELSE state END
    WHERE notice_id = ANY(CAST(:notice_ids AS uuid[])) AND received_at IS NULL RETURNING notice_id
"""
NOT_RECEIVED = """
    UPDATE messages AS m SET state = 'failed', because = new.because
    FROM unnest(CAST(:notice_ids AS uuid[]), CAST(:becauses AS text[])) AS new(notice_id, because)
    WHERE m.notice_id = new.notice_id AND m.received_at IS NULL AND m.state <> 'failed' RETURNING m.notice_id
"""
DROP_OF_REQUESTER = """
    UPDATE messages SET state = 'failed', because = 'the requester was erased', body = '{}'
    WHERE case_id = :case_id AND person_id IS NULL AND state IN ('due', 'held')
    RETURNING notice_id, key, event_id, case_id, kind, person_id, via, attempts
"""
# By real time, like the sending itself; asked in a SELECT of its own, because a volatile bound would not use the index.
FORGET = """
    DELETE FROM messages WHERE notice_id = ANY(ARRAY(
        SELECT notice_id FROM messages
        WHERE state IN ('sent', 'failed')
          AND written_at < (SELECT clock_timestamp() - make_interval(days => :days_kept))
        ORDER BY written_at LIMIT :limit
    )) RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class Climb:
    """An offer's place on the unread ladder: whether it was read, and over which channels it went."""

    notice_id: UUID
    body: Mapping[str, Any]
    read: bool
    used: frozenset[Via]


async def ladder(tx: Transaction, event_id: UUID, person_id: str, key: str) -> Climb | None:
    rows = await tx.rows(LADDER, event_id=event_id, person_id=person_id, key=key)
    if not rows:
        return None
    row = rows[0]
    used = frozenset(Via(via) for via in row["used"] if via in VIAS)
    return Climb(row["notice_id"], row["body"], row["read"], used)


async def tried(tx: Transaction, keys: Iterable[str]) -> ByWay:
    """How far each of these notices came over each channel it was put on."""
    found: defaultdict[str, dict[Via, Tried]] = defaultdict(dict)
    for row in await tx.rows(TRIED, keys=list(keys), vias=VIAS):
        found[row["key"]][Via(row["via"])] = Tried(row["done"], row["failed"], row["tries"])
    return found


async def sent_as(tx: Transaction, ids: Sequence[str]) -> dict[str, Outgoing]:
    """The messages that went out under these ids: texts under the notice's own, webhooks under its key."""
    texts = [id for id in map(_uuid, ids) if id is not None]
    rows = await tx.rows(SENT_AS, keys=list(ids), notice_ids=texts)
    return {
        row["id"]: Outgoing(
            **{name: value for name, value in row.items() if name != "id"}
            | {"kind": NoticeKind(row["kind"]), "via": Via(row["via"])}
        )
        for row in rows
    }


def _uuid(id: str) -> UUID | None:
    """Only as we write them ourselves."""
    try:
        found = UUID(id)
    except ValueError:
        return None
    return found if str(found) == id else None


async def mark_received(tx: Transaction, notice_ids: Sequence[UUID], now: datetime) -> set[UUID]:
    """Those that were not known to be received before."""
    rows = await tx.rows(RECEIVED, notice_ids=list(notice_ids), now=now)
    return {row["notice_id"] for row in rows}


async def mark_not_received(tx: Transaction, why: Mapping[UUID, str]) -> set[UUID]:
    """Those that were not known to have failed before."""
    rows = await tx.rows(NOT_RECEIVED, notice_ids=list(why), becauses=list(why.values()))
    return {row["notice_id"] for row in rows}


async def drop_of_requester(tx: Transaction, case_id: UUID) -> list[Outgoing]:
    """Give up what still waits for a requester who was erased; those of them that this process knows."""
    rows = await tx.rows(DROP_OF_REQUESTER, case_id=case_id)
    return [
        Outgoing(**{**row, "kind": NoticeKind(row["kind"]), "via": Via(row["via"]), "body": None})
        for row in rows
        if row["kind"] in KINDS and row["via"] in VIAS
    ]


async def forget(tx: Transaction, *, days_kept: int, limit: int) -> int:
    """Delete some of the messages that were sent or given up so long ago; how many went."""
    return len(await tx.rows(FORGET, days_kept=days_kept, limit=limit))
