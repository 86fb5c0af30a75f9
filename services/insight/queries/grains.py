"""One query per `Definition.counts`: a row per member of the denominator, (case_id, number, part, at, counted,
excluded), and `listed` where a member may be more than one of d. A text that shipped never changes: another meaning is
another one beside it.
"""

from __future__ import annotations

ARRIVALS = """
    SELECT case_id, number, 0 AS part, due.at, coalesce({counted}, false)::int::numeric AS counted,
           coalesce(outcome IN ('merged', 'withdrawn'), false) AS excluded
    FROM cases, LATERAL (SELECT registered_at + make_interval(secs => :within_seconds) AS at) AS due
    WHERE urgency = 'emergency' AND unit_path && CAST(:unit_ids AS text[])
      AND registered_at >= CAST(:starts_at AS timestamptz) - make_interval(secs => :within_seconds)
      AND registered_at < CAST(:ends_at AS timestamptz) - make_interval(secs => :within_seconds)
      AND due.at <= :now
"""
ANSWERS = """
    SELECT f.case_id, c.number, f.round AS part, f.reached_at AS at, coalesce({counted}, 0)::numeric AS counted,
           {question} IS NULL AS excluded
    FROM follow_ups AS f JOIN cases AS c USING (case_id)
    WHERE f.reached_at >= :starts_at AND f.reached_at < :ends_at AND f.reached_at <= :now
      AND c.unit_path && CAST(:unit_ids AS text[])
"""
REACHED = """
    SELECT f.case_id, c.number, f.round AS part, f.opened_at AS at,
           (f.reached_at IS NOT NULL)::int::numeric AS counted,
           f.reached_at IS NULL AND f.given_up_at IS NULL
               AND f.opened_at + make_interval(secs => :open_for_seconds) > :now AS excluded
    FROM follow_ups AS f JOIN cases AS c USING (case_id)
    WHERE f.opened_at >= :starts_at AND f.opened_at < :ends_at AND f.opened_at <= :now
      AND c.unit_path && CAST(:unit_ids AS text[])
"""
KEPT_SOLVED = """
    (f.solved AND NOT coalesce(
        f.reopened_at <= f.reached_at + make_interval(secs => :reopened_within_seconds), false))::int
"""
# By whomever: through the tracking page, or, where it is a part of another case, through any of that one's requesters.
SENT_BACK = """
    EXISTS (SELECT FROM rounds AS sent WHERE sent.case_id IN (c.case_id, c.parent_id) AND sent.reopened_at > f.opened_at
            AND sent.reopened_at <= f.reached_at + make_interval(secs => :reopened_within_seconds))
"""
SATISFIED = "(CAST(:weights AS jsonb) ->> f.satisfaction)::numeric"

OUT_OF_ARRIVALS = "parent_id IS NOT NULL OR coalesce(outcome IN ('merged', 'withdrawn'), false)"
NEVER_WENT_OUT = """
    parent_id IS NOT NULL OR coalesce(outcome IN ('merged', 'withdrawn', 'answered', 'not_accepted'), false)
"""
COUNTED = f"""
    SELECT case_id, number, 0 AS part, due.at, coalesce({{counted}}, false)::int::numeric AS counted,
           {OUT_OF_ARRIVALS} AS excluded
    FROM cases, LATERAL (SELECT registered_at + make_interval(secs => :within_seconds) AS at) AS due
    WHERE urgency = 'emergency' AND unit_path && CAST(:unit_ids AS text[])
      AND registered_at >= CAST(:starts_at AS timestamptz) - make_interval(secs => :within_seconds)
      AND registered_at < CAST(:ends_at AS timestamptz) - make_interval(secs => :within_seconds)
      AND due.at <= :now
"""
COUNTED_ARRIVALS = {
    "counted_since_registration": "arrival_counts_at <= due.at",
    "counted_since_told": "arrival_counts_at <= arrived_told_at + make_interval(secs => :within_seconds)",
}
DEVICE_TIMES = COUNTED.format(counted="device_time_accepted < arrived_at") + " AND arrived_at IS NOT NULL"
# Whoever still may become a success is neither one nor a failure yet.
SUCCESS = f"""
    SELECT case_id, number, 0 AS part, due.at,
           (in_time AND documented AND handled AND closed_at IS NOT NULL AND reopened_count = 0)::int::numeric
               AS counted,
           {OUT_OF_ARRIVALS}
               OR (in_time AND closed_at IS NULL AND reopened_count = 0
                   AND (handled OR done_at IS NULL AND coalesce(handle_due_at > :now, true))) AS excluded
    FROM cases JOIN (
        SELECT case_id, handled_at AS done_at, handle_due_at FROM rounds WHERE round = 1
    ) AS first USING (case_id),
    LATERAL (SELECT registered_at + make_interval(secs => :within_seconds) AS at) AS due,
    LATERAL (SELECT coalesce(arrival_counts_at <= due.at, false) AS in_time,
                    coalesce(greatest(photographed_at, account_at, measure_at) <= done_at
                             AND photographed_at IS NOT NULL AND account_at IS NOT NULL
                             AND measure_at IS NOT NULL, false) AS documented,
                    done_at IS NOT NULL AND coalesce(done_at <= handle_due_at, true) AS handled) AS musts
    WHERE urgency = 'emergency' AND unit_path && CAST(:unit_ids AS text[])
      AND registered_at >= CAST(:starts_at AS timestamptz) - make_interval(secs => :within_seconds)
      AND registered_at < CAST(:ends_at AS timestamptz) - make_interval(secs => :within_seconds)
      AND due.at <= :now
"""
REGISTERED = """
    SELECT case_id, number, 0 AS part, registered_at AS at, ({counted})::numeric AS counted, {left_out} AS excluded
    FROM cases
    WHERE registered_at >= :starts_at AND registered_at < :ends_at AND registered_at <= :now
      AND unit_path && CAST(:unit_ids AS text[])
"""
OF_REGISTERED = {
    "registered": ("1", "false"),
    "returned": ("(returns <> '[]')::int", NEVER_WENT_OUT),
    "hand_overs": ("hand_overs", NEVER_WENT_OUT),
    "duplicates": ("(parent_id IS NOT NULL)::int", "false"),
}
CLOSED = """
    SELECT case_id, number, 0 AS part, closed_at AS at, coalesce({counted}, 0)::numeric AS counted,
           {left_out} AS excluded
    FROM cases
    WHERE closed_at >= :starts_at AND closed_at < :ends_at AND closed_at <= :now
      AND unit_path && CAST(:unit_ids AS text[]) {more}
"""
OF_CASE = "FROM works AS w WHERE w.case_id = cases.case_id"
SPENT = {
    **{
        name: f"(SELECT sum(w.{name}) {OF_CASE})"
        for name in ("commands", "fields", "photos", "double_entries")
    },
    "taps": f"(SELECT sum(w.commands + w.fields + w.photos) {OF_CASE})",
    "minutes": f"(SELECT round(sum(w.seconds) / 60.0, 1) {OF_CASE})",
}
ROUNDS = """
    SELECT r.case_id, c.number, r.round AS part, {at} AS at, coalesce({counted}, false)::int::numeric AS counted,
           c.parent_id IS NOT NULL OR coalesce(c.outcome IN ('merged', 'withdrawn'), false) AS excluded
    FROM rounds AS r JOIN cases AS c USING (case_id)
    WHERE {at} >= :starts_at AND {at} < :ends_at AND {at} <= :now
      AND c.unit_path && CAST(:unit_ids AS text[])
"""
OF_ROUNDS = {
    "handled_in_time": {"at": "r.handle_due_at", "counted": "r.handled_at <= r.handle_due_at"},
    "closed_in_time": {
        "at": "r.follow_up_due_at",
        "counted": "r.closed_at <= r.follow_up_due_at AND r.reopened_at IS NULL",
    },
    "reopened": {
        "at": "r.handled_at",
        "counted": "r.reopened_at <= r.handled_at + make_interval(secs => :reopened_within_seconds)",
    },
}
WITHOUT_FOLLOW_UP = """
    SELECT r.case_id, c.number, r.round AS part, r.handled_at + make_interval(secs => :open_for_seconds) AS at,
           (NOT EXISTS (SELECT FROM follow_ups AS f WHERE f.case_id = r.case_id AND f.round = r.round
                        AND f.attempts > 0))::int::numeric AS counted,
           NOT c.requester_can_be_asked OR c.parent_id IS NOT NULL
               OR coalesce(c.outcome IN ('merged', 'withdrawn'), false) AS excluded
    FROM rounds AS r JOIN cases AS c USING (case_id)
    WHERE r.handled_at >= CAST(:starts_at AS timestamptz) - make_interval(secs => :open_for_seconds)
      AND r.handled_at < CAST(:ends_at AS timestamptz) - make_interval(secs => :open_for_seconds)
      AND r.handled_at <= CAST(:now AS timestamptz) - make_interval(secs => :open_for_seconds)
      AND c.unit_path && CAST(:unit_ids AS text[])
"""
# The id of a mass task or a day stands where others have their case's.
RESULTS = """
    SELECT work_id AS case_id, number, 0 AS part, counts_at AS at, done::numeric AS counted, false AS excluded, listed
    FROM fieldwork
    WHERE kind = '{kind}' AND counts_at >= :starts_at AND counts_at < :ends_at AND counts_at <= :now
      AND unit_path && CAST(:unit_ids AS text[])
"""
OF_FIELDWORK = {
    "mass_tasks_closed": RESULTS.format(kind="mass_task"),
    "round_days": RESULTS.format(kind="round_day"),
}

GRAINS: dict[str, str] = {
    "arrived_since_registration": ARRIVALS.format(counted="arrived_at <= due.at"),
    "arrived_since_told": ARRIVALS.format(
        counted="arrived_at <= arrived_told_at + make_interval(secs => :within_seconds)"
    ),
    "contacted": ANSWERS.format(counted="f.contacted::int", question="f.contacted"),
    "solved": ANSWERS.format(counted=KEPT_SOLVED, question="f.solved"),
    "solved_and_kept": ANSWERS.format(counted=f"(f.solved AND NOT {SENT_BACK})::int", question="f.solved"),
    "satisfied": ANSWERS.format(counted=SATISFIED, question="f.satisfaction"),
    "coached": ANSWERS.format(counted="f.coached::int", question="f.coached"),
    "reached": REACHED,
    **{name: COUNTED.format(counted=counted) for name, counted in COUNTED_ARRIVALS.items()},
    "device_times_accepted": DEVICE_TIMES,
    "emergency_success": SUCCESS,
    **{
        name: REGISTERED.format(counted=counted, left_out=out)
        for name, (counted, out) in OF_REGISTERED.items()
    },
    "resolved": CLOSED.format(
        counted="(outcome IN ('solved', 'partly_solved'))::int", left_out=NEVER_WENT_OUT, more=""
    ),
    **{name: ROUNDS.format(**words) for name, words in OF_ROUNDS.items()},
    "without_follow_up": WITHOUT_FOLLOW_UP,
    **{
        f"burden_{name}": CLOSED.format(counted=spent, left_out=NEVER_WENT_OUT, more="AND offers > 0")
        for name, spent in SPENT.items()
    },
    **OF_FIELDWORK,
}
MEMBERS = {
    counts: grain if counts in OF_FIELDWORK else f"SELECT *, 1 AS listed FROM ({grain}) AS one"
    for counts, grain in GRAINS.items()
}
"""The same, with `listed` in all of them."""
# What figures are split and narrowed by. Work that is no case has a place and nothing else of these.
OF_NO_CASE = """(
    SELECT work_id AS case_id, unit_path, '' AS level, '' AS resolved_level, '' AS category_code, '' AS channel,
           '' AS urgency FROM fieldwork)"""
SUBJECTS = {counts: OF_NO_CASE if counts in OF_FIELDWORK else "cases" for counts in GRAINS}
