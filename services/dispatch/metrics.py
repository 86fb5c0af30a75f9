"""Every series dispatch exports, with its meaning."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

OFFERS = Counter("yike_dispatch_offers_total", "Offers by what became of them", ["result"])
OFFERED_AFTER = Histogram(
    "yike_dispatch_offered_after_seconds",
    "Business seconds from opening a part to its first offer",
    ["urgency"],
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800),
)
WAITING_PARTS = Gauge("yike_dispatch_waiting_parts", "Parts with nobody on them that are being searched for")
STARVED_PARTS = Gauge("yike_dispatch_starved_parts", "Waiting parts for which nobody is available now")
MATCHING_SECONDS = Histogram(
    "yike_dispatch_matching_turn_seconds",
    "Real seconds of one turn of the matching loop",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
MATCHING_COLLISIONS = Counter(
    "yike_dispatch_matching_collisions_total",
    "Offers that another replica was faster with; tried again next turn",
)
SOLVER_SECONDS = Histogram(
    "yike_dispatch_solver_seconds",
    "Real seconds a street's policy took to decide over one batch",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
BATCH_CASES = Histogram(
    "yike_dispatch_batch_cases",
    "Emergencies that were matched together",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
FALLBACKS = Counter(
    "yike_dispatch_fallbacks_total",
    "Matchings in which the closest pair stood in for the solver, by reason: error, time",
    ["reason"],
)
TAKEOVERS = Counter(
    "yike_dispatch_takeovers_total",
    "Offers to take over the way of somebody still far off (接替): offered, accepted, declined, lapsed, withdrawn.",
    ["result"],
)
SWAPS = Counter(
    "yike_dispatch_swaps_total",
    "Offers to leave the way for a more pressing emergency, by what became of them",
    ["result"],
)
ADVICE = Counter("yike_dispatch_advice_total", "Free people who were told where they might wait")
SHADOW = Counter(
    "yike_dispatch_shadow_total",
    "Offers beside which another policy's choice was recorded, by whether it is the same person",
    ["agrees"],
)
SEARCH_FAULTS = Counter(
    "yike_dispatch_search_faults_total",
    "Searches for one case that failed for a reason of their own; the log says which case and why",
)
ARRIVALS = Counter(
    "yike_dispatch_arrivals_total", "Arrivals of emergencies by whether they were in time", ["in_time"]
)
EVIDENCE_BYTES = Counter("yike_dispatch_evidence_bytes_total", "Bytes of evidence received")
SYNC_COMMANDS = Counter(
    "yike_dispatch_sync_commands_total",
    "Commands of offline phones by result: done, refused, failed",
    ["result"],
)
POSITIONS_DELETED = Counter(
    "yike_dispatch_positions_deleted_total", "People's positions deleted after their time"
)
ALARMS = Counter("yike_dispatch_alarms_total", "Calls for help (SOS) raised, answered, ended", ["step"])
FLAGS = Counter("yike_dispatch_flags_total", "What was odd about entries, by kind of flag", ["flag"])
HANDED_OVER = Counter("yike_dispatch_handed_over_total", "Parts handed over, by reason", ["reason"])
ROUND_ENTRIES = Counter(
    "yike_dispatch_round_entries_total",
    "Entries at the stops of the rounds: done, not done, corrected",
    ["entry"],
)
MASS_TASKS = Counter("yike_dispatch_mass_tasks_total", "Mass tasks opened, split again, closed", ["step"])
MASS_TASK_TRIES = Counter(
    "yike_dispatch_mass_task_tries_total",
    "Entries on the lists of mass tasks: done, not done, corrected",
    ["entry"],
)
DAY_PLANS = Counter(
    "yike_dispatch_day_plans_total",
    "Orders of a day asked for: solved, kept (asked before), or greedy because of error, time or busy",
    ["result"],
)
DAY_PLAN_SECONDS = Histogram(
    "yike_dispatch_day_plan_seconds",
    "Real seconds from asking for the order of a day to having it, waiting for the process included",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
TRAVEL_SECONDS = Histogram(
    "yike_dispatch_travel_seconds",
    "Real seconds until the travel times for a matching were there",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1),
)
TRAVEL_QUESTIONS = Counter(
    "yike_dispatch_travel_questions_total",
    "Questions to the router: answered, refused, failed, late (not within the time box), resting (not asked)",
    ["result"],
)
TRAVEL_STANDS_IN = Gauge(
    "yike_dispatch_travel_stands_in",
    "1 while the straight line stands in for a router or a street map that is not there",
)
TRAVEL_LEARNED = Counter(
    "yike_dispatch_travel_learned_total", "Real ways to emergencies that the travel times learned from"
)
TRAVEL_CONDITIONS = Gauge(
    "yike_dispatch_travel_conditions",
    "How many times longer ways by a mode take at present than learned, as seen by this process; 1 is as usual",
    ["mode"],
)
