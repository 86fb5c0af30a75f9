"""The series intake exports, beside those of shared/metrics.py."""

from prometheus_client import Counter, Gauge, Histogram

CASES_REGISTERED = Counter("yike_intake_cases_registered_total", "Cases registered", ["channel", "urgency"])
REGISTRATION_BATCH = Histogram(
    "yike_intake_registration_batch_rows",
    "Registrations written by one transaction; 1 when idle, the configured limit when saturated",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
REGISTRATIONS_WAITING = Gauge(
    "yike_intake_registrations_waiting", "Registrations received and not yet being written"
)
BATCHES_BROKEN = Counter(
    "yike_intake_registration_batches_broken_total", "Batches that failed and whose registrations went singly"
)
REPORTS_REFUSED = Counter(
    "yike_intake_reports_refused_total", "Reports without sign-in refused because their source sent too many"
)
FOLLOW_UPS_RECORDED = Counter(
    "yike_intake_follow_ups_recorded_total",
    "Attempts to ask residents, links that ran out among them",
    ["channel", "reached"],
)
CASES_CLOSED = Counter(
    "yike_intake_cases_closed_total", "Cases closed, by what allowed it", ["closed_by", "outcome"]
)
CASES_REOPENED = Counter("yike_intake_cases_reopened_total", "Cases sent back by a resident or a verifier")
CASES_MERGED = Counter("yike_intake_cases_merged_total", "Cases that became part of another one")
REVEALS = Counter(
    "yike_intake_requesters_revealed_total", "Times a requester's data was shown in clear", ["purpose"]
)
WRONG_CODES = Counter("yike_intake_wrong_pickup_codes_total", "Wrong pickup codes given on the tracking page")
PHONES_SEARCHED = Counter(
    "yike_intake_phones_searched_total", "Searches for the cases of a phone number", ["purpose"]
)
SEARCH_ENTRIES_WRITTEN = Counter(
    "yike_intake_search_entries_written_total", "Cases that are found by what they say now"
)
REQUESTERS_ERASED = Counter(
    "yike_intake_requesters_erased_total",
    "Cases whose requester was erased, by the retention (system) or because they asked (desk)",
    ["channel"],
)
