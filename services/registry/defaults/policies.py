"""The clocks of a case, as product.md §3 prints them; an administrator changes them without a release.

A place nobody knows starts its case at the community, so arrival and first contact are limited at every level;
they are armed at registration only.
"""

from __future__ import annotations

from shared.things import LevelLimits, Limit, Policy
from shared.vocabulary import ClockKind, Level, Urgency


def minutes(amount: int) -> Limit:
    return Limit(clock=ClockKind.MINUTES, amount=amount)


def hours(amount: int) -> Limit:
    """Natural hours, day and night."""
    return minutes(amount * 60)


def working_hours(amount: int) -> Limit:
    return Limit(clock=ClockKind.WORKING_HOURS, amount=amount)


def working_days(amount: int) -> Limit:
    return Limit(clock=ClockKind.WORKING_DAYS, amount=amount)


def natural_days(amount: int) -> Limit:
    return Limit(clock=ClockKind.NATURAL_DAYS, amount=amount)


def _emergency(level: Level, acknowledge: Limit, handle: Limit) -> LevelLimits:
    """First contact is the arrival itself, so it has no clock of its own."""
    return LevelLimits(level=level, acknowledge=acknowledge, arrive=minutes(15), handle=handle)


def _calm(level: Level, acknowledge: Limit, handle: Limit) -> LevelLimits:
    return LevelLimits(level=level, acknowledge=acknowledge, contact=hours(24), handle=handle)


EMERGENCY = Policy(
    id="emergency",
    urgency=Urgency.EMERGENCY,
    levels=(
        _emergency(Level.GRID, minutes(6), hours(4)),
        _emergency(Level.COMMUNITY, minutes(10), hours(12)),
        _emergency(Level.STREET, minutes(15), hours(24)),
        _emergency(Level.CIVIL_AFFAIRS, minutes(30), natural_days(3)),
    ),
    follow_up=hours(24),
    amber_percent=80,
    offer_expires_after_seconds=60,
    leader_after_seconds=180,
)

ROUTINE = Policy(
    id="routine",
    urgency=Urgency.ROUTINE,
    levels=(
        _calm(Level.GRID, working_hours(2), working_days(2)),
        _calm(Level.COMMUNITY, working_hours(2), working_days(3)),
        _calm(Level.STREET, working_hours(2), working_days(5)),
        _calm(Level.CIVIL_AFFAIRS, working_hours(2), working_days(10)),
    ),
    follow_up=hours(24),
    amber_percent=80,
    offer_expires_after_seconds=1800,
)

APPOINTMENT = Policy(
    id="appointment",
    urgency=Urgency.APPOINTMENT,
    # "The day agreed + 1": counted from registration until a case can carry the day that was agreed.
    levels=(
        _calm(Level.GRID, working_hours(4), natural_days(1)),
        _calm(Level.COMMUNITY, working_hours(4), working_days(3)),
        _calm(Level.STREET, working_hours(4), working_days(5)),
        _calm(Level.CIVIL_AFFAIRS, working_hours(4), working_days(10)),
    ),
    follow_up=hours(24),
    amber_percent=80,
    offer_expires_after_seconds=3600,
)

POLICIES = (EMERGENCY, ROUTINE, APPOINTMENT)
