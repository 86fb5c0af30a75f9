"""The series insight exports, beside those of shared/metrics.py."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS_FOLDED = Counter("yike_insight_events_folded_total", "Events folded into the rows of their cases")
BATCH_EVENTS = Histogram(
    "yike_insight_batch_events",
    "Events folded by one transaction; near 1 under load means that batches fail and go singly",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
BEHIND_SECONDS = Gauge(
    "yike_insight_behind_seconds",
    "Business time between the newest event folded and the moment it was folded",
)
BOARD_AGE_SECONDS = Gauge(
    "yike_insight_board_age_seconds", "Age of the board's picture when it was last sent to somebody"
)
BOARD_SECONDS = Histogram(
    "yike_insight_board_seconds",
    "Making one picture of the board",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2),
)
FIGURE_SECONDS = Histogram(
    "yike_insight_figure_seconds",
    "Computing one figure",
    ["figure"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
