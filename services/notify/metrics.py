"""The series notify exports, with their meaning."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

QUEUE_AGE_SECONDS = Gauge(
    "yike_notify_queue_age_seconds",
    "How long the oldest message of a channel has been waiting, in real seconds; 0 if none waits",
    ["via"],
)
QUEUE_ROWS = Gauge(
    "yike_notify_queue_rows", "Messages of a channel not yet sent, refused or given up", ["via"]
)
MESSAGES = Counter(
    "yike_notify_messages_total",
    "Attempts to send, by channel and what became of them: sent, refused, unreachable",
    ["via", "result"],
)
FAILED = Counter(
    "yike_notify_failed_total", "Messages given up: refused, or not reached by the last attempt", ["via"]
)
OPEN_STREAMS = Gauge("yike_notify_open_streams", "Feed streams open in this process")
FEED_LAG_SECONDS = Histogram(
    "yike_notify_feed_lag_seconds",
    "From a feed row's writing to its sending on a stream that was open by then, in real seconds",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
RESETS = Counter("yike_notify_feed_resets_total", "Streams told that what they asked for is no longer kept")
FORGOTTEN = Counter(
    "yike_notify_feed_forgotten_total",
    "Feed rows and finished messages deleted because they were old or too many",
)
