"""The loops of the plumbing: reading the registry, publishing, listening, firing timers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from shared.directory import DirectoryReader
from shared.health import Beat
from shared.inbox import Inbox, Tally
from shared.kafka import Producer
from shared.metrics import EVENTS_HEARD, EVENTS_PUBLISHED, TIMER_LATE_SECONDS
from shared.outbox import Relay
from shared.simulation import follow_clock
from shared.timers import Due, TimerLoop

if TYPE_CHECKING:
    from shared.service import Service

log = logging.getLogger(__name__)

HEAR_FIRST_SECONDS_MAX = 10.0

Run = Callable[[Beat], Awaitable[None]]


class Plumbing:
    """Made once per process. A service without subscriptions has no inbox, one without timers no timer loop."""

    def __init__(self, service: Service) -> None:
        settings, database = service.settings, service.database
        where = {"bootstrap": settings.kafka_bootstrap, "topic_prefix": settings.topic_prefix}
        self._database, self._simulation = database, settings.simulation
        self.events_moved = 0
        self.reader = None if service.directory_is_given else DirectoryReader(service.directory, **where)
        self.producer = Producer(settings.kafka_bootstrap, f"yike-{service.name}")
        self.relay = Relay(
            database,
            self.producer,
            topic_prefix=settings.topic_prefix,
            partitions_max=settings.outbox_partitions_max,
            published=self._published,
        )
        self.inbox: Inbox | None = None
        if service.subscriptions:
            self.inbox = Inbox(
                database,
                service.subscriptions,
                group=f"{settings.topic_prefix}yike-{service.name}",
                journal=service.journal,
                complete=service.hears_everything,
                tally=self._heard,
                **where,
            )
        self.timers = TimerLoop(database, service.timers, _observe) if service.timers else None

    def loops(self) -> dict[str, Run]:
        """Each by its name; `directory` comes first, the others wait for it."""
        parts = {"directory": self.reader, "relay": self.relay, "inbox": self.inbox}
        loops: dict[str, Run] = {name: part.run for name, part in parts.items() if part is not None}
        if self.timers is not None:
            loops["timers"] = self._fire_timers
        return loops | ({"clock": partial(follow_clock, self._database)} if self._simulation else {})

    async def _fire_timers(self, beat: Beat) -> None:
        """After an outage, hear first what happened meanwhile: a case accepted in time must not be raised because its
        acceptance is still unread. But never for long, since deadlines do not wait for Kafka."""
        assert self.timers is not None
        until = asyncio.get_running_loop().time() + HEAR_FIRST_SECONDS_MAX
        while self.inbox is not None and not self.inbox.caught_up.is_set():
            if asyncio.get_running_loop().time() > until:
                log.warning("timers start although what happened meanwhile could not be heard yet")
                break
            await asyncio.sleep(0.05)
            beat()
        await self.timers.run(beat)

    async def close(self) -> None:
        await self.producer.close()

    def _published(self, count: int) -> None:
        self.events_moved += count
        EVENTS_PUBLISHED.inc(count)

    def _heard(self, tally: Tally) -> None:
        self.events_moved += tally.applied
        for what, count in vars(tally).items():
            EVENTS_HEARD.labels(what).inc(count)


def _observe(due: Due) -> None:
    TIMER_LATE_SECONDS.labels(due.kind).observe(due.late_ms / 1000)
