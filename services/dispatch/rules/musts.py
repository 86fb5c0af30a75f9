"""The four musts (四个必须) of an emergency: gates for the first three, and whether somebody came too late."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.dispatch.rules.facts import Case, State
from shared.things import Policy
from shared.vocabulary import ClockKind, Level, Must, NoteKind


def met(state: State) -> tuple[Must, ...]:
    """Which musts are met, by whichever part; the fourth is met at closing and never stands here."""
    notes = {note.note for note in state.notes}
    photo = any(file.is_photo for file in state.evidence)
    facts = {
        Must.ARRIVE: bool(state.arrivals),
        Must.PHOTOGRAPH_AND_ACCOUNT: photo and NoteKind.ACCOUNT in notes,
        Must.MEASURE: NoteKind.MEASURE in notes,
    }
    return tuple(must for must, done in facts.items() if done)


def missing(state: State) -> tuple[Must, ...]:
    """What still stands between the case and `handled`. Outside emergencies nothing is ever forced."""
    if not state.case.emergency:
        return ()
    done = met(state)
    return tuple(must for must in Must if must is not Must.FOLLOW_THROUGH and must not in done)


def arrive_by(case: Case) -> datetime | None:
    """Fifteen minutes from registration by the default policy; the clock never restarts. People on a care register
    are owed what the policy says of them, whatever the category."""
    return arrive_within(case.policy, case.ladder[0].level, case.registered_at, care=case.care)


def arrive_within(policy: Policy, lowest: Level, registered_at: datetime, *, care: bool) -> datetime | None:
    """`arrive_by`, of what it is made from; `lowest` is the first rung of the ladder."""
    limit = policy.limits(lowest).arrive
    if care and (limit is None or limit.clock is not ClockKind.MINUTES):
        limit = policy.care_arrive
    if limit is None or limit.clock is not ClockKind.MINUTES:
        return None
    return registered_at + timedelta(minutes=limit.amount)


def arrived_late(state: State) -> bool:
    """Whether the first who came, came after the limit. Accepted all the same, and recorded as late. A phone's own
    time counts once a supervisor has accepted it."""
    due = arrive_by(state.case)
    if not state.case.urgent or due is None or not state.arrivals:
        return False
    return min(arrival.counts_at for arrival in state.arrivals) > due
