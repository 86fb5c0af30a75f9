"""A service's database and its one transaction edge.

Handlers load, decide, save and announce through a Transaction; they never commit. The edge commits: one transaction
per command, per consumed batch, or per micro-batch of registrations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CursorResult, RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from shared import clock, journal, timers
from shared.event import Event
from shared.telemetry import current_traceparent
from shared.wake import Wake

if TYPE_CHECKING:
    from shared.directory import Directory

SOON = timedelta(milliseconds=250)
"""Timers armed for sooner than this wake the timer loop at once; later ones are found by its own polling."""


class Transaction:
    """One unit of work. Everything announced, armed or disarmed is written when it commits, and not otherwise."""

    def __init__(self, session: AsyncSession, source: str, directory: Directory) -> None:
        self.session = session
        self.directory = directory
        self._source = source
        self._pages = journal.Pages()
        self._timers = timers.Changes()
        self._endings: list[Callable[[], Awaitable[None]]] = []

    async def rows(self, sql: str, **parameters: Any) -> Sequence[RowMapping]:
        """Run constant SQL; its rows, none for a statement that returns none."""
        result = await self.session.execute(text(sql), parameters)
        return result.mappings().all() if isinstance(result, CursorResult) and result.returns_rows else []

    async def now(self) -> datetime:
        """Business time without a lock: for reads. What is decided uses the time that `lock` gives."""
        moment: datetime = (await self.rows("SELECT business_now() AS now"))[0]["now"]
        return moment

    async def lock(self, *subjects: UUID) -> datetime:
        """Lock these cases, making their heads where missing; business time after the locks are held.

        Never earlier than the last entry of any of them. Lock all the cases of a transaction in one call.
        """
        locked = await self._lock(subjects, skip=False)
        missing = set(subjects) - set(locked)
        if missing:
            raise AssertionError(f"heads of {missing} could not be locked")
        return self._now

    async def try_lock(self, subjects: Iterable[UUID]) -> tuple[set[UUID], datetime | None]:
        """Lock those cases nobody else holds; which they are, and business time if there is any."""
        locked = await self._lock(tuple(subjects), skip=True)
        return set(locked), self._now if locked else None

    async def _lock(self, subjects: Iterable[UUID], *, skip: bool) -> list[UUID]:
        rows = await self.rows(journal.LOCK, ids=sorted(set(subjects)), skip=skip)
        for row in rows:
            head = journal.Head(row["subject_id"], row["seq"], row["published"], row["hash"], row["at"])
            self._pages.heads.setdefault(head.subject_id, head)
        if rows:
            self._now: datetime = max([row["now"] for row in rows] + [row["at"] for row in rows if row["at"]])
        return [row["subject_id"] for row in rows]

    def announce(self, *events: Event) -> None:
        """Write these to the journal and publish them, in this order, when the transaction commits."""
        for event in events:
            if event.source != self._source:
                raise AssertionError(f"{event.type} belongs to {event.source}, not to {self._source}")
            self._pages.append(event, self._source, publish=True)

    def note(self, *events: Event) -> None:
        """Write these to the journal only: what was heard, and what is kept but not published."""
        for event in events:
            self._pages.append(event, getattr(event, "source", self._source), publish=False)

    def arm(self, subject: UUID, kind: str, due_at: datetime, part_id: UUID | None = None) -> None:
        """Set the one timer of (subject, kind, part); it replaces an earlier one."""
        self._timers.arm(subject, kind, due_at, part_id)

    def disarm(self, subject: UUID, kind: str | None = None, part_id: UUID | None = None) -> None:
        """Remove timers of the subject; `None` means every kind, or every part."""
        self._timers.disarm(subject, kind, part_id)

    def at_end(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do this after everything else was written, just before COMMIT: for locks that come after all the cases of
        a batch and are held as briefly as can be."""
        self._endings.append(work)

    async def write(self) -> None:
        """Write the story and the timers; called once, by the edge, before COMMIT."""
        from shared.topics import partition_of

        if self._pages.entries:
            partitions = {
                place: partition_of(entry.event.topic, entry.event.key)
                for place, entry in enumerate(self._pages.published)
            }
            parameters = journal.append_parameters(self._pages, partitions)
            await self.rows(journal.APPEND, **parameters, traceparent=current_traceparent() or "")
        await self._timers.write(self)
        for work in self._endings:
            await work()

    def version(self, subject: UUID) -> int:
        """How many lines the story of a locked subject has, with those this transaction adds: what its ETag says."""
        return self._pages.heads[subject].seq

    @property
    def locked(self) -> bool:
        return bool(self._pages.heads)

    @property
    def published(self) -> int:
        """How many events this transaction announced."""
        return len(self._pages.published)

    def took_back(self, due: timers.Due) -> bool:
        """Whether this timer, taken to be fired, was disarmed earlier in this transaction."""
        return self._timers.cancels(due)

    def first_due(self) -> datetime | None:
        """The earliest timer armed here."""
        return self._timers.first_due()


class Database:
    """One per process. `committed` wakes the loops that act on what was written."""

    def __init__(
        self,
        url: str,
        *,
        source: str,
        directory: Directory | None = None,
        pool_size: int = 10,
        echo: bool = False,
    ) -> None:
        from shared.directory import Directory

        self.source = source
        self.directory = directory if directory is not None else Directory()
        self.committed = Wake()
        self.due_soon = Wake()
        self.armed_in_the_past: datetime | None = None
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,
            echo=echo,
            hide_parameters=True,  # an error's text goes to the log, and parameters are people's data
            connect_args={
                "timeout": 10,
                "server_settings": {"timezone": "UTC", "application_name": f"yike-{source}", "jit": "off"},
            },
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commits at the end of the block; any exception rolls everything back."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            tx = Transaction(session, self.source, self.directory)
            yield tx
            await session.flush()
            await tx.write()
            await session.commit()
        if tx.locked:
            self.committed.set()
            first = tx.first_due()
            if first is not None and first <= tx._now + SOON:
                self.armed_in_the_past = min(first, self.armed_in_the_past or first)
                self.due_soon.set()

    async def read_clock(self) -> clock.Reading:
        async with self.engine.connect() as connection:
            return await clock.read(connection)

    async def close(self) -> None:
        await self.engine.dispose()
