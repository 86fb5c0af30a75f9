"""Which windows may be agreed with a resident."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.intake.rules.refusals import Refused, RefusedBecause

WINDOW_AT_LEAST = timedelta(minutes=15)
WINDOW_AT_MOST = timedelta(hours=8)
AGREED_AHEAD_AT_MOST = timedelta(days=90)


def refuse_window(starts_at: datetime, ends_at: datetime, now: datetime) -> Refused | None:
    """Long enough to come, short enough to wait for, not in the past and not a quarter of a year away."""
    if not WINDOW_AT_LEAST <= ends_at - starts_at <= WINDOW_AT_MOST:
        return Refused(RefusedBecause.WINDOW_LENGTH)
    if ends_at <= now or starts_at > now + AGREED_AHEAD_AT_MOST:
        return Refused(RefusedBecause.WINDOW_TIME)
    return None
