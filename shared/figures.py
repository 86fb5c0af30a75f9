"""What only the database can tell, read every second for /metrics; and old idempotency keys swept away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared import idempotency
from shared.health import Beat
from shared.kafka import BrokerAway

if TYPE_CHECKING:
    from shared.inbox import Inbox
    from shared.service import Service

EVERY_SECONDS = 1.0
SWEEP_SECONDS = 60.0
KEYS_MAX = 1000
KAFKA_SECONDS_MAX = 2.0

READ = """
    SELECT (SELECT count(*) FROM outbox) AS outbox_rows,
           (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(written_at)), 0) FROM outbox)
               AS outbox_oldest_seconds,
           (SELECT count(*) FROM dead_letters) AS dead_letters,
           (SELECT count(DISTINCT subject_id) FROM dead_letters) AS parked_cases,
           (SELECT coalesce(max(real_lateness_ms(due_at, armed_at)), 0) / 1000.0 FROM timers
            WHERE due_at <= business_now()) AS timer_overdue_seconds,
           extract(epoch FROM clock_timestamp()) AS database_time
"""

MEANINGS = {
    "outbox_rows": "Events announced and not yet published",
    "outbox_oldest_seconds": "Age of the oldest of them",
    "dead_letters": "Records set aside because they could not be applied, and those waiting behind them",
    "parked_cases": "Cases waiting behind such a record",
    "timer_overdue_seconds": "How long the timer that waits longest has been due",
    "inbox_behind_records": "Records of yike.cases that this service has not passed yet",
    "clock_skew_seconds": "The database's clock minus this machine's",
    "directory_revision": "Revision of the registry that this process knows",
    "directory_unreadable": "Records of the registry that this version could not read and went past",
}
"""Each is exported as `yike_<name>`."""


class Figures(Collector):
    """The last reading; every value is as old as the loop `figures` is late."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def collect(self) -> Iterable[Metric]:
        for name, meaning in MEANINGS.items():
            family = GaugeMetricFamily(f"yike_{name}", meaning)
            if name in self.values:
                family.add_metric([], self.values[name])
            yield family


async def keep_reading(service: Service, beat: Beat) -> None:
    swept_at = float("-inf")
    while True:
        await read(service)
        beat()
        if time.monotonic() - swept_at > SWEEP_SECONDS:
            swept_at = time.monotonic() if await _sweep(service) < KEYS_MAX else swept_at
        await asyncio.sleep(EVERY_SECONDS)


async def read(service: Service) -> None:
    """One reading."""
    async with service.database.transaction() as tx:
        row = dict((await tx.rows(READ))[0])
    figures = {name: float(value) for name, value in row.items()}
    figures["clock_skew_seconds"] = figures.pop("database_time") - time.time()
    figures["directory_revision"] = service.directory.revision
    figures["directory_unreadable"] = service.directory.unreadable
    service.figures.values = figures | await _behind(service.plumbing.inbox)


async def _behind(inbox: Inbox | None) -> dict[str, float]:
    """Nothing while Kafka does not answer: then the other figures are needed most, above all the outbox's age."""
    if inbox is None or not inbox.listens:
        return {}
    try:
        async with asyncio.timeout(KAFKA_SECONDS_MAX):
            return {"inbox_behind_records": await inbox.behind()}
    except (BrokerAway, TimeoutError):
        return {}


async def _sweep(service: Service) -> int:
    hours = service.settings.idempotency_kept_hours
    async with service.database.transaction() as tx:
        return await idempotency.forget_old(tx, kept_hours=hours, rows_max=KEYS_MAX)
