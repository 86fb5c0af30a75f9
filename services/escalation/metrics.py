"""The series escalation exports, with their meaning."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

MISSED_LATE_SECONDS = Histogram(
    "yike_deadline_late_seconds",
    "Real seconds between a deadline's due time and the moment it was said to be missed",
    ["kind", "level"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 120, 600, 3600),
)
RAISES = Counter("yike_raises_total", "Cases raised, by why and to which level", ["cause", "to_level"])
RAISES_VOIDED = Counter("yike_raises_voided_total", "Raises that crossed a handled case and do not count")
LEVELS_SKIPPED = Counter("yike_levels_skipped_total", "Levels passed over because nobody was there")
DEADLINES_ASSUMED = Counter(
    "yike_deadlines_assumed_total", "Deadlines set past the end of the official calendar, by weekdays alone"
)
DEADLINES_OPEN = Gauge(
    "yike_deadlines_open",
    "Deadlines that run, are amber or stand red; as of the last look",
    ["kind", "colour"],
)
DEADLINES_MOVED = Counter(
    "yike_deadlines_moved_total",
    "Deadlines fixed again: the case, its appointment or the calendar changed, or a parking ended",
    ["because"],
)
RULINGS = Counter(
    "yike_rulings_total", "Rulings on returns; unanswered ones were refused by time", ["ruling", "unanswered"]
)
LISTED = Counter("yike_cases_listed_total", "Entries on the named persons' daily list")
PARKED = Counter("yike_cases_parked_total", "Cases parked with owner, plan and review date")
SWEEP_UNFINISHED = Gauge(
    "yike_calendar_sweep_unfinished",
    "1 while running clocks are still counted anew by a calendar that changed, 0 otherwise",
)
