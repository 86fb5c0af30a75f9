"""The series registry exports beside the common ones."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CHANGES = Counter("yike_registry_changes_total", "Things changed and announced", ["thing"])
REFUSED_CHANGES = Counter(
    "yike_registry_changes_refused_total", "Changes refused, by their first flaw", ["flaw"]
)
PLANS = Counter(
    "yike_registry_plans_total",
    "Planned changes that became valid, by their end: applied, or refused because they no longer fitted",
    ["end"],
)
IMPORT_LINES = Counter(
    "yike_registry_import_lines_total",
    "Lines of imports by their end: in, unchanged (it was so already), or refused",
    ["end"],
)
CALENDAR_DAYS_LEFT = Gauge(
    "yike_registry_calendar_days_left",
    "Days that a calendar in use still knows; negative when it is over and working days are guessed",
    ["calendar"],
)
SIGN_INS = Counter(
    "yike_registry_sign_ins_total",
    "Sign-ins by outcome: signed_in, wrong, or busy (too many at once)",
    ["outcome"],
)
LOCKED_ACCOUNTS = Counter(
    "yike_registry_accounts_locked_total", "Accounts that were locked after too many wrong passwords or codes"
)
REFRESHES = Counter(
    "yike_registry_refreshes_total",
    "Refreshes by outcome: rotated, repeated (the answer was lost), reused (session ended), or refused",
    ["outcome"],
)
HASH_SECONDS = Histogram(
    "yike_registry_hash_seconds",
    "From asking for a password check to its result, waiting included",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
