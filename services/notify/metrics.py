"""The series notify exports, with their meaning."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

QUEUE_AGE_SECONDS = Gauge(
    "yike_notify_queue_age_seconds",
    "How long the oldest message of a channel has been waiting to be sent, in real seconds; 0 if none waits. Without "
    "what waits for a person's own webhook that did not answer",
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
UNTITLED = Counter(
    "yike_notify_untitled_total",
    "Messages that waited and went by themselves because a digest could not name them",
)
UNKNOWN_ROWS = Gauge(
    "yike_notify_unknown_rows",
    "Messages of a kind or channel that this process does not know; a newer one sends them",
)
HELD_ROWS = Gauge("yike_notify_held_rows", "Messages that wait for the end of quiet hours or for a digest")
CIRCUITS_OPEN = Gauge(
    "yike_notify_circuits_open",
    "Receivers of a channel that this process leaves alone now, or only tries",
    ["via"],
)
CIRCUIT_OPENINGS = Counter(
    "yike_notify_circuit_openings_total", "How often a receiver of a channel was found to be away", ["via"]
)
RATE_ROWS_PER_SECOND = Gauge(
    "yike_notify_rate_rows_per_second", "What this process may send over a channel; 0 is no limit", ["via"]
)
RATE_LIMITED = Counter(
    "yike_notify_rate_limited_total",
    "Turns in which a channel took nothing because its rate was used up",
    ["via"],
)
RECEIPTS = Counter(
    "yike_notify_receipts_total",
    "Receipts of gateways by what they said: delivered, undelivered, unknown",
    ["status"],
)
RINGS = Counter("yike_notify_alarm_rings_total", "How often an SOS rang again because nobody had answered it")
CLIMBED = Counter(
    "yike_notify_climbed_total", "Emergency offers that stayed unread and went on to this channel", ["via"]
)
WENT_ON = Counter(
    "yike_notify_went_on_total",
    "Messages that another channel of a member of staff did not take and that went on to this one",
    ["via"],
)
DEVICES_DROPPED = Counter(
    "yike_notify_devices_dropped_total", "Devices forgotten because their push service no longer knew them"
)
