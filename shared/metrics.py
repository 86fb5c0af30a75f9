"""The series every service exports, with their meaning. A service's own are in its metrics.py."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.health import Beat, Health

REQUEST_SECONDS = Histogram(
    "yike_http_request_seconds",
    "From the first byte of a request to the last of its answer; streams are counted when they begin",
    ["route", "method", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REQUESTS_IN_PROGRESS = Gauge(
    "yike_http_requests_in_progress", "Requests being worked on now, streams left out"
)
STREAMS_OPEN = Gauge("yike_http_streams_open", "Server-sent event streams open now")
STREAMS_CUT = Counter("yike_http_streams_cut_total", "Streams cut because their reader stalled")
IDEMPOTENT_REPLAYS = Counter("yike_http_replays_total", "Commands answered from a stored answer")

EVENTS_PUBLISHED = Counter(
    "yike_events_published_total", "Events acknowledged by Kafka, repetitions included"
)
EVENTS_HEARD = Counter(
    "yike_events_heard_total",
    "Records read, by what became of them: applied, seen_before, skipped, …",
    ["what"],
)
TIMER_LATE_SECONDS = Histogram(
    "yike_timer_late_seconds",
    "Real time from a timer's due time to its firing",
    ["kind"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)


class LoopAges(Collector):
    """The age of each loop's last turn and last good turn, read when Prometheus asks."""

    def __init__(self, health: Health) -> None:
        self.health = health

    def collect(self) -> Iterable[Metric]:
        turn = GaugeMetricFamily("yike_loop_turn_age_seconds", "Since the loop's last turn", labels=["loop"])
        good = GaugeMetricFamily(
            "yike_loop_good_turn_age_seconds", "Since its last good turn", labels=["loop"]
        )
        beats: list[Beat] = list(self.health.beats.values())
        for beat in beats:
            turn.add_metric([beat.name], beat.turn_age_seconds)
            good.add_metric([beat.name], beat.good_age_seconds)
        return [turn, good]


def registry_of(health: Health, *collectors: Collector) -> CollectorRegistry:
    """What belongs to one service alone; several can run in one process in tests."""
    registry = CollectorRegistry()
    for collector in (LoopAges(health), *collectors):
        registry.register(collector)
    return registry
