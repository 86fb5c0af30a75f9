"""Work that time starts. `timers` holds pending ones only; firing one deletes it in the transaction of its effect.

The case is locked first (SKIP LOCKED) and the timer deleted under that lock, so a timer fires once, however many
processes look; cancelling and arming happen under the same lock, so they never cross a firing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, Uuid, func

from shared.clock import Reading
from shared.health import Beat
from shared.retry import is_transient

if TYPE_CHECKING:
    from shared.database import Database, Row, Transaction

log = logging.getLogger(__name__)

NO_PART = UUID(int=0)
CASES_MAX = 100
"""Cases whose timers are fired in one transaction."""
SLEEP_SECONDS_MAX = 0.2
CROSSED_SECONDS = 0.005
"""A due timer's case is locked by somebody else, who is done in milliseconds."""
SWEEP_SECONDS = 5.0
"""How often the due timers are looked for without the lower bound."""


def timer_tables(metadata: MetaData) -> None:
    table = Table(
        "timers",
        metadata,
        Column("subject_id", Uuid, primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("part_id", Uuid, primary_key=True),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("armed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    )
    Index("timers_due_at", table.c.due_at)


@dataclass(frozen=True)
class Due:
    """A timer that came due; `late_ms` is real milliseconds after it was due."""

    subject_id: UUID
    kind: str
    part_id: UUID | None
    due_at: datetime
    late_ms: int


TimerHandlers = Mapping[str, Callable[["Transaction", Due, datetime], Awaitable[None]]]

DISARM = """
    DELETE FROM timers USING unnest(CAST(:subject_ids AS uuid[]), CAST(:kinds AS text[]), CAST(:part_ids AS uuid[]))
        AS gone(subject_id, kind, part_id)
    WHERE timers.subject_id = gone.subject_id
      AND (gone.kind IS NULL OR timers.kind = gone.kind)
      AND (gone.part_id IS NULL OR timers.part_id = gone.part_id)
"""

ARM = """
    INSERT INTO timers (subject_id, kind, part_id, due_at)
    SELECT * FROM unnest(CAST(:subject_ids AS uuid[]), CAST(:kinds AS text[]), CAST(:part_ids AS uuid[]),
                         CAST(:due_ats AS timestamptz[]))
    ON CONFLICT (subject_id, kind, part_id) DO UPDATE SET due_at = excluded.due_at, armed_at = clock_timestamp()
"""

DUE_CASES = """
    SELECT subject_id FROM (
        SELECT subject_id, min(due_at) AS due_at FROM (
            SELECT subject_id, due_at FROM timers
            WHERE due_at <= :now AND due_at >= :low AND subject_id <> ALL(CAST(:resting AS uuid[]))
            ORDER BY due_at LIMIT :most
        ) AS oldest GROUP BY subject_id
    ) AS cases ORDER BY due_at
"""

TAKE = """
    DELETE FROM timers WHERE subject_id = ANY(CAST(:subject_ids AS uuid[])) AND due_at <= :now
    RETURNING subject_id, kind, part_id, due_at, real_lateness_ms(due_at, armed_at) AS late_ms
"""

NEXT = "SELECT due_at FROM timers WHERE due_at >= $1 ORDER BY due_at LIMIT 1"

BEGINNING = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass
class Changes:
    """Timers armed and disarmed by one transaction; the last word on each counts."""

    armed: dict[tuple[UUID, str, UUID], datetime] = field(default_factory=dict)
    disarmed: list[tuple[UUID, str | None, UUID | None]] = field(default_factory=list)

    def arm(self, subject: UUID, kind: str, due_at: datetime, part_id: UUID | None) -> None:
        self.armed[subject, kind, part_id or NO_PART] = due_at

    def disarm(self, subject: UUID, kind: str | None, part_id: UUID | None) -> None:
        self.disarmed.append((subject, kind, part_id))
        for key in [
            key
            for key in self.armed
            if key[0] == subject and kind in (None, key[1]) and part_id in (None, key[2])
        ]:
            del self.armed[key]

    def cancels(self, due: Due) -> bool:
        """Whether an earlier effect of the same transaction took this one back, or put another in its place."""
        if (due.subject_id, due.kind, due.part_id or NO_PART) in self.armed:
            return True
        return any(
            subject == due.subject_id and kind in (None, due.kind) and part in (None, due.part_id or NO_PART)
            for subject, kind, part in self.disarmed
        )

    def first_due(self) -> datetime | None:
        return min(self.armed.values(), default=None)

    async def write(self, tx: Transaction) -> None:
        if self.disarmed:
            subjects, kinds, parts = zip(*self.disarmed, strict=True)
            await tx.rows(DISARM, subject_ids=list(subjects), kinds=list(kinds), part_ids=list(parts))
        if self.armed:
            subjects, armed_kinds, armed_parts = zip(*self.armed, strict=True)
            await tx.rows(
                ARM,
                subject_ids=list(subjects),
                kinds=list(armed_kinds),
                part_ids=list(armed_parts),
                due_ats=list(self.armed.values()),
            )


class TimerLoop:
    """Fires what is due, oldest first, until nothing is; then sleeps until the next is due."""

    def __init__(self, database: Database, handlers: TimerHandlers, observe: Callable[[Due], None]) -> None:
        self._database = database
        self._handlers = handlers
        self._observe = observe
        self._low = BEGINNING
        self._swept_at: datetime | None = None
        self._resting: dict[UUID, datetime] = {}
        self._crossed = False
        self._seconds_to_next = 0.0

    async def run(self, beat: Beat) -> None:
        """Fire for ever; what came due while the database was away fires when it is back."""
        while True:
            fired = await self.fire()
            beat()
            if not fired:
                await self._database.due_soon.wait(self._seconds_to_next)

    async def fire(self) -> int:
        """One turn: fire what is due now for up to CASES_MAX cases; how many timers fired."""
        reading, read_at = await self._database.read_clock(), time.monotonic()
        now, low = reading.now, self._bound(reading.now)
        self._resting = {case: until for case, until in self._resting.items() if until > now}
        next_due = await self._next(low)
        if next_due is None or next_due > now:
            self._low = now
            self._seconds_to_next = self._ahead(reading, next_due) - (time.monotonic() - read_at)
            return 0
        self._crossed, self._seconds_to_next = False, SLEEP_SECONDS_MAX
        try:
            due = await self._fire(None, now, low)
        except Exception as wrong:
            if is_transient(wrong):
                raise
            log.exception("a batch of timers failed; firing its cases one by one")
            return await self._fire_singly(now, low)
        if self._crossed:
            self._seconds_to_next = CROSSED_SECONDS
        else:
            self._low = min((timer.due_at for timer in due), default=now)
        return len(due)

    async def _next(self, low: datetime) -> datetime | None:
        async with self._database.connection() as connection:
            due_at: datetime | None = await connection.fetchval(NEXT, low)
        return due_at

    def _ahead(self, reading: Reading, due_at: datetime | None) -> float:
        """Real seconds until `due_at`, SLEEP_SECONDS_MAX at most."""
        if due_at is None:
            return SLEEP_SECONDS_MAX
        return reading.real_seconds_until(due_at, at_most=SLEEP_SECONDS_MAX)

    def _bound(self, now: datetime) -> datetime:
        """Deleted timers leave dead index entries at the old end; the bound keeps scans from walking over them."""
        if self._swept_at is None or not timedelta() <= now - self._swept_at < timedelta(
            seconds=SWEEP_SECONDS
        ):
            self._swept_at = now
            return BEGINNING
        armed, self._database.armed_in_the_past = self._database.armed_in_the_past, None
        return min(self._low, armed or now, now)

    async def _fire(self, only: UUID | None, now: datetime, low: datetime) -> list[Due]:
        async with self._database.transaction() as tx:
            cases = [only] if only else await self._due_cases(tx, now, low)
            if not cases:
                return []
            locked, business_now = await tx.try_lock(cases)
            self._crossed = len(locked) < len(cases)
            if business_now is None:
                return []
            taken = await tx.rows(TAKE, subject_ids=list(locked), now=business_now)
            due = sorted((_due(row) for row in taken), key=lambda timer: timer.due_at)
            for timer in due:
                if tx.took_back(timer):
                    continue
                handler = self._handlers.get(timer.kind)
                if handler is None:
                    raise LookupError(f"no handler for timer {timer.kind!r}")
                await handler(tx, timer, business_now)
        for timer in due:
            self._observe(timer)
        return due

    async def _due_cases(self, tx: Transaction, now: datetime, low: datetime) -> list[UUID]:
        rows = await tx.rows(DUE_CASES, now=now, low=low, resting=list(self._resting), most=CASES_MAX)
        return [row["subject_id"] for row in rows]

    async def _fire_singly(self, now: datetime, low: datetime) -> int:
        async with self._database.transaction() as tx:
            cases = await self._due_cases(tx, now, low)
        fired = 0
        for case in cases:
            try:
                fired += len(await self._fire(case, now, low))
            except Exception as wrong:
                if is_transient(wrong):
                    raise
                log.exception("a timer of this case failed; it is tried again", extra={"case_id": str(case)})
                self._resting[case] = now + timedelta(seconds=SWEEP_SECONDS)
        return fired


def _due(row: Row) -> Due:
    part = row["part_id"]
    return Due(
        subject_id=row["subject_id"],
        kind=row["kind"],
        part_id=None if part == NO_PART else part,
        due_at=row["due_at"],
        late_ms=int(row["late_ms"]),
    )
