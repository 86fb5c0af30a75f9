"""Work that time starts: due messages are claimed and sent, open streams are woken, old feed rows are forgotten."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from services.notify import handlers, metrics, queries
from services.notify.channels import Channel, Message, Result, Unreachable
from services.notify.channels.console import Console
from services.notify.channels.contact import Contacts
from services.notify.channels.feed import OpenStreams, streams_of
from services.notify.channels.smtp import Smtp
from services.notify.channels.webhook import Webhook
from services.notify.queries import Outgoing
from services.notify.rules import Via
from services.notify.settings import Settings
from shared.database import Database, Transaction
from shared.health import Beat
from shared.identity import internal_headers
from shared.logs import about
from shared.retry import forever
from shared.simulation import Pending

log = logging.getLogger(__name__)

SEND_POLL_SECONDS = 0.1
MEASURE_SECONDS = 2.0
FORGET_PAUSE_SECONDS = 1.0
FORGET_PEOPLE_MAX = 100
FORGET_MESSAGES_MAX = 1000
WAKE_PAUSE_SECONDS = 0.005
"""Under load every commit would be a look at the table; at most one in so long is enough."""


# ── senders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def channel_of(via: Via, settings: Settings) -> Channel | None:
    """The channel as the environment opens it; `None` if it does not."""
    timeout = settings.send_timeout_seconds
    if via is Via.CONSOLE:
        return Console(is_read=settings.demo_is_allowed)
    if via is Via.WEBHOOK and settings.webhook_secrets:
        return Webhook(settings.webhook_secrets, timeout)
    if via is Via.SMTP and settings.smtp_host is not None:
        return Smtp(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender=settings.smtp_sender,
            user=settings.smtp_user,
            password=settings.smtp_password,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout_seconds=timeout,
        )
    return None


class Sender:
    """One channel's loop. Each channel has its own, so that a dead mail server delays no webhook.

    A claimed message is leased: if this process dies between sending and recording, the message is due again when
    the lease ends and goes out once more under the same key."""

    def __init__(self, via: Via, settings: Settings) -> None:
        self.via = via
        self._settings = settings
        self._channel: Channel | None = None
        self._contacts: Contacts | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self, database: Database, beat: Beat) -> None:
        settings = self._settings
        self._database, self._measured_at = database, 0.0
        self._channel = channel_of(self.via, settings)
        if settings.intake_url:
            headers, timeout = internal_headers(settings), settings.send_timeout_seconds
            self._contacts = Contacts(settings.intake_url, headers, timeout)
        try:
            await forever(self._turn, beat)
        finally:
            await self._close()

    async def pending(self, tx: Transaction) -> Pending:
        """For the simulation: messages due now or being sent."""
        return Pending(in_flight=(await queries.queue(tx, self.via))[2])

    async def _turn(self) -> None:
        """Claim as many as there is room for, begin sending them, look after those that ended."""
        room = self._settings.send_at_once_max - len(self._sending)
        claimed = await self._claim(room) if room and self._channel else []
        self._sending |= {asyncio.create_task(self._send(outgoing)) for outgoing in claimed}
        await self._measure()
        if self._sending:
            done, self._sending = await asyncio.wait(
                self._sending, timeout=SEND_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for fault in [task.exception() for task in done]:
                if fault is not None:
                    raise fault
        elif not claimed:
            await asyncio.sleep(SEND_POLL_SECONDS)

    async def _claim(self, room: int) -> list[Outgoing]:
        async with self._database.transaction() as tx:
            return await queries.claim(tx, self.via, room, self._settings.send_lease_seconds)

    async def _send(self, outgoing: Outgoing) -> None:
        with about(case_id=outgoing.case_id, event_id=outgoing.event_id):
            result = await self._handed_over(outgoing)
            async with self._database.transaction() as tx:
                await handlers.record(tx, outgoing, result, self._settings)

    async def _handed_over(self, outgoing: Outgoing) -> Result:
        """A fault of ours in one message is logged and counts as not reached, so that it cannot stop the others."""
        assert self._channel is not None
        try:
            message = await handlers.compose(
                self._database.directory, outgoing, self._contacts, self._settings
            )
            return await self._channel.send(message) if isinstance(message, Message) else message
        except Exception as wrong:
            log.exception("message %s could not be sent", outgoing.key)
            return Unreachable(f"{type(wrong).__name__} of ours")

    async def _measure(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._measured_at < MEASURE_SECONDS:
            return
        self._measured_at = now
        async with self._database.transaction() as tx:
            rows, seconds, _ = await queries.queue(tx, self.via)
        metrics.QUEUE_ROWS.labels(self.via).set(rows)
        metrics.QUEUE_AGE_SECONDS.labels(self.via).set(seconds)

    async def _close(self) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        self._sending = set()
        for open_end in (self._channel, self._contacts):
            if open_end is not None:
                await open_end.close()


# ── open streams ──────────────────────────────────────────────────────────────────────────────────────────────────


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
        return dict(await queries.last_seqs(tx, people)) if people else {}


# ── forgetting ────────────────────────────────────────────────────────────────────────────────────────────────────


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
            people, following = await queries.overfull(
                tx, after=self._after, people_max=FORGET_PEOPLE_MAX, rows_kept=kept, older_than=older_than
            )
            gone = await queries.forget(tx, people, rows_kept=kept, older_than=older_than) if people else 0
            gone += await queries.forget_messages(
                tx, days_kept=self._settings.feed_kept_days, limit=FORGET_MESSAGES_MAX
            )
        self._after = following or ""
        metrics.FORGOTTEN.inc(gone)
        return gone
