"""Open streams are woken, what is in memory is kept up to date, what waited is released, old rows are forgotten."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from services.notify import metrics
from services.notify.channels.feed import OpenStreams, streams_of
from services.notify.handlers import digests
from services.notify.handlers.office import Office
from services.notify.handlers.things import tell_of_things
from services.notify.queries import feeds, messages, people, templates
from services.notify.settings import Settings
from shared.database import Database, Transaction
from shared.health import Beat
from shared.retry import forever
from shared.simulation import Pending

FORGET_PAUSE_SECONDS = 1.0
FORGET_PEOPLE_MAX = 100
FORGET_MESSAGES_MAX = 1000
WAKE_PAUSE_SECONDS = 0.005
"""Under load every commit would be a look at the table; at most one in so long is enough."""
KNOW_SECONDS = 1.0
COMMIT_SECONDS = 0.05
"""Whoever wakes us commits right afterwards."""
OVERLAP = timedelta(seconds=60)
"""A row is stamped before its COMMIT, so what changed a while ago may only be visible now."""
RELEASE_SECONDS = 0.5
LOOK_SECONDS = 5.0


class FeedWatch:
    """Wakes the open streams of this process when something was written for them: at once after its own commits,
    within a poll after another replica's. One question for all streams together."""

    def __init__(self, settings: Settings) -> None:
        self._poll_seconds = settings.feed_poll_seconds
        self._streams = OpenStreams()

    async def run(self, database: Database, beat: Beat) -> None:
        self._streams = streams_of(database)

        async def turn() -> None:
            await database.committed.wait(self._poll_seconds)
            async with database.transaction() as tx:
                self._streams.wake(await self._last_seqs(tx))
            await asyncio.sleep(WAKE_PAUSE_SECONDS)

        await forever(turn, beat)

    async def pending(self, tx: Transaction) -> Pending:
        """For the simulation: streams not yet sent all there is."""
        return Pending(in_flight=self._streams.behind(await self._last_seqs(tx)))

    async def _last_seqs(self, tx: Transaction) -> dict[str, int]:
        people = self._streams.people
        return dict(await feeds.last_seqs(tx, people)) if people else {}


class Knowing:
    """Keeps preferences and edited words in memory: right after a change in this process, within a second after
    another's."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._since = datetime(1970, 1, 1, tzinfo=UTC)
        self._editions = -1

    async def run(self, database: Database, beat: Beat) -> None:
        async def turn() -> None:
            await self.refresh(database)
            calls = self._office.changed.calls
            await self._office.changed.wait(KNOW_SECONDS)
            if self._office.changed.calls != calls:
                await asyncio.sleep(COMMIT_SECONDS)

        await forever(turn, beat)

    async def refresh(self, database: Database) -> None:
        """Take what changed since the last look."""
        async with database.transaction() as tx:
            rows = await people.changed(tx, self._since)
            editions = await templates.count(tx)
            latest = await templates.current(tx) if editions != self._editions else None
        self._office.take_people(rows)
        if rows:
            self._since = max(self._since, max(row.changed_at for row in rows) - OVERLAP)
        if latest is not None:
            self._office.take_editions(latest)
            self._editions = editions


class Digests:
    """Releases messages whose quiet hours are over, or whose digest's hour has come."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def run(self, database: Database, beat: Beat) -> None:
        async def turn() -> None:
            async with database.transaction() as tx:
                released = await digests.release(self._office, tx)
            if not released:
                await asyncio.sleep(RELEASE_SECONDS)

        await forever(turn, beat)

    async def pending(self, tx: Transaction) -> Pending:
        """For the simulation: what is over already but not yet released, and when the next wait is over."""
        rows, next_at = await messages.held(tx)
        now = await tx.now()
        if not rows or next_at is None:
            return Pending()
        return Pending(in_flight=int(next_at <= now), next_due_at=next_at if next_at > now else None)


class Things:
    """Tells people what the registry did to their own work: soon after something changed there, and now and then for
    what has begun by itself."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._revision = -1
        self._looked_at = float("-inf")

    async def run(self, database: Database, beat: Beat) -> None:
        loop = asyncio.get_running_loop()

        async def turn() -> None:
            moved = await database.directory.reached(self._revision + 1, KNOW_SECONDS)
            if not moved and loop.time() < self._looked_at + LOOK_SECONDS:
                return
            self._revision, self._looked_at = database.directory.revision, loop.time()
            async with database.transaction() as tx:
                await tell_of_things(self._office, tx, await tx.now())
            await asyncio.sleep(KNOW_SECONDS)

        await forever(turn, beat)


class Forgetting:
    """Deletes what is older or more than a feed keeps, some people at a time, round and round; and messages that were
    sent or given up as long ago."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._after = ""

    async def run(self, database: Database, beat: Beat) -> None:
        async def turn() -> None:
            await self.forget(database)
            await asyncio.sleep(FORGET_PAUSE_SECONDS)

        await forever(turn, beat)

    async def forget(self, database: Database) -> int:
        """One batch of people and of messages; how many rows went."""
        async with database.transaction() as tx:
            older_than = await tx.now() - timedelta(days=self._settings.feed_kept_days)
            kept = self._settings.feed_kept_rows
            people, following = await feeds.overfull(
                tx, after=self._after, people_max=FORGET_PEOPLE_MAX, rows_kept=kept, older_than=older_than
            )
            gone = await feeds.forget(tx, people, rows_kept=kept, older_than=older_than) if people else 0
            gone += await messages.forget(
                tx, days_kept=self._settings.feed_kept_days, limit=FORGET_MESSAGES_MAX
            )
        self._after = following or ""
        metrics.FORGOTTEN.inc(gone)
        return gone
