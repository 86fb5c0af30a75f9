"""The clocks of a case, as product.md §3 prints them; an administrator changes them without a release.

A place nobody knows starts its case at the community, so arrival and first contact are limited at every level;
they are armed at registration only.
"""

from __future__ import annotations

from typing import TypedDict

from shared.things import LevelLimits, Limit, Policy
from shared.vocabulary import ClockKind, Level, Urgency


class SideMatters(TypedDict):
    ruling: Limit
    supervision: Limit
    co_handle: Limit
    reply: Limit
    extension_max: Limit


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


SIDE_MATTERS = SideMatters(
    ruling=working_hours(4),
    supervision=working_days(3),
    co_handle=working_days(2),
    reply=working_days(1),
    extension_max=working_days(5),
)
"""The same for every policy a city starts from: a return is ruled, an order answered, a co-handler done, a raiser
replied to within these; one extension is at most so long."""


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
    **SIDE_MATTERS,
)


def _routine(id: str, *handle: Limit) -> Policy:
    """`handle` of each level, lowest first; everything else is the same for all routine cases."""
    return Policy(
        id=id,
        urgency=Urgency.ROUTINE,
        levels=tuple(
            _calm(level, working_hours(2), limit) for level, limit in zip(Level, handle, strict=True)
        ),
        follow_up=hours(24),
        amber_percent=80,
        offer_expires_after_seconds=1800,
        **SIDE_MATTERS,
    )


ROUTINE = _routine("routine", working_days(2), working_days(3), working_days(5), working_days(10))
QUICK = _routine("quick", working_days(1), working_days(2), working_days(3), working_days(5))
"""What people cannot live without for long: water, power, a lift, their wages."""

SLOW = _routine("slow", working_days(5), working_days(10), working_days(15), working_days(20))
"""What has to be built, or waits for a season."""

APPOINTMENT = Policy(
    id="appointment",
    urgency=Urgency.APPOINTMENT,
    # Counted from registration until a window is agreed; from then on arrive and handle follow the window.
    levels=(
        _calm(Level.GRID, working_hours(4), natural_days(1)),
        _calm(Level.COMMUNITY, working_hours(4), working_days(3)),
        _calm(Level.STREET, working_hours(4), working_days(5)),
        _calm(Level.CIVIL_AFFAIRS, working_hours(4), working_days(10)),
    ),
    follow_up=hours(24),
    amber_percent=80,
    offer_expires_after_seconds=3600,
    **SIDE_MATTERS,
)

POLICIES = (EMERGENCY, ROUTINE, QUICK, SLOW, APPOINTMENT)
