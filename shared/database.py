"""A service's database and its one transaction edge.

Handlers load, decide, save and announce through a Transaction; they never commit. The edge commits: one transaction
per command, per consumed batch, or per micro-batch of registrations.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from shared import clock, journal, timers
from shared.event import Event
from shared.telemetry import current_traceparent
from shared.wake import Wake

if TYPE_CHECKING:
    from shared.directory import Directory

SOON = timedelta(milliseconds=250)
"""Timers armed for sooner than this wake the timer loop at once; later ones are found by its own polling."""
CONNECT_SECONDS_MAX = 10
WAIT_FOR_CONNECTION_SECONDS_MAX = 10
STATEMENTS_PREPARED_MAX = 500
"""Per connection. The SQL is constant, so this is more than any service has."""

Row = Mapping[str, Any]
"""A row, read by the names of its columns."""
PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")


class Record(asyncpg.Record):  # type: ignore[misc]
    """The driver's record as a mapping: it is walked by names, as every other mapping is."""

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())


Mapping.register(Record)


@lru_cache(maxsize=4096)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """SQL with `:name` parameters as PostgreSQL wants it, `$1` …, and the names in that order."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${names.setdefault(found[1], len(names) + 1)}"

    return PARAMETER.sub(number, sql), tuple(names)


class Transaction:
    """One unit of work. Everything announced, armed or disarmed is written when it commits, and not otherwise."""

    def __init__(self, begin: Callable[[bool], Awaitable[Any]], source: str, directory: Directory) -> None:
        self.directory = directory
        self.read_only = False
        """Set before the first statement; PostgreSQL then refuses to write."""
        self.kept: dict[str, Any] = {}
        """What handlers of one transaction gather, to write it once at its end."""
        self._begin = begin
        self._connection: asyncpg.Connection | None = None
        self._source = source
        self._pages = journal.Pages()
        self._timers = timers.Changes()
        self._endings: list[Callable[[], Awaitable[None]]] = []

    async def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """Run constant SQL; its rows, none for a statement that returns none. The first takes a connection and
        begins: a request that is still being read holds none."""
        if self._connection is None:
            self._connection = await self._begin(self.read_only)
        statement, names = numbered(sql)
        found: list[Row] = await self._connection.fetch(statement, *(parameters[name] for name in names))
        return found

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
    ) -> None:
        from shared.directory import Directory

        self.url, self.source = url, source
        self.directory = directory if directory is not None else Directory()
        self.committed = Wake()
        self.due_soon = Wake()
        self.armed_in_the_past: datetime | None = None
        self._settings: dict[str, Any] = {
            **_address(url),
            "record_class": Record,
            "timeout": CONNECT_SECONDS_MAX,
            "statement_cache_size": STATEMENTS_PREPARED_MAX,
            "server_settings": {"timezone": "UTC", "application_name": f"yike-{source}", "jit": "off"},
        }
        self._pool_size = pool_size
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def connect(self) -> asyncpg.Connection:
        """A connection outside the pool, for who keeps one: locks of the session, LISTEN. The caller closes it."""
        return await asyncpg.connect(**self._settings)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A pooled connection outside any transaction; whoever takes it leaves nothing behind on it."""
        async with (await self._opened()).acquire(timeout=WAIT_FOR_CONNECTION_SECONDS_MAX) as connection:
            yield connection

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    min_size=0,
                    max_size=self._pool_size,
                    init=_read_json,
                    reset=_nothing_to_reset,
                    **self._settings,
                )
        return self._pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commits at the end of the block; any exception rolls everything back."""
        async with AsyncExitStack() as held:

            async def begin(read_only: bool) -> asyncpg.Connection:
                connection = await held.enter_async_context(self.connection())
                await held.enter_async_context(connection.transaction(readonly=read_only))
                return connection

            tx = Transaction(begin, self.source, self.directory)
            yield tx
            await tx.write()
        if tx.locked:
            self.committed.set()
            first = tx.first_due()
            if first is not None and first <= tx._now + SOON:
                self.armed_in_the_past = min(first, self.armed_in_the_past or first)
                self.due_soon.set()

    async def read_clock(self) -> clock.Reading:
        async with self.connection() as connection:
            return await clock.read(connection)

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()


async def _read_json(connection: asyncpg.Connection) -> None:
    """JSON comes as what it says and is given as text."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, schema="pg_catalog", encoder=str, decoder=orjson.loads)


async def _nothing_to_reset(connection: asyncpg.Connection) -> None:
    """Pooled connections carry no state from one use to the next, so a round trip to clear it would be for nothing."""


def _address(url: str) -> dict[str, Any]:
    """The driver's connection arguments of an SQLAlchemy URL, which the migrations use as well."""
    arguments: dict[str, Any] = PGDialect_asyncpg().create_connect_args(make_url(url))[1]  # type: ignore[no-untyped-call]
    return arguments
