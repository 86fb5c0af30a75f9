"""Going on and off duty by oneself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.things import Person, Shift
from shared.vocabulary import ShiftKind

SHIFT_HOURS_MAX = 24


def running(shifts: Sequence[Shift], now: datetime) -> list[Shift]:
    """The shifts somebody is at work on at `now`; being on call is none."""
    return [
        shift
        for shift in shifts
        if shift.kind is ShiftKind.ON_DUTY
        and shift.retired_at is None
        and shift.starts_at <= now < shift.ends_at
    ]


def may_stay_until(now: datetime, until: datetime) -> bool:
    """Nobody puts themself on duty for more than a day: who forgets to leave is not called at night."""
    return now < until <= now + timedelta(hours=SHIFT_HOURS_MAX)


def on_duty(person: Person, shifts: Sequence[Shift], now: datetime, until: datetime) -> Shift | None:
    """The shift that keeps `person` on duty until `until`: the running one made longer, or a new one in the unit of
    their first post. `None` without a post, for nobody can be sent anything there."""
    if at_work := running(shifts, now):
        longest = max(at_work, key=lambda shift: shift.ends_at)
        return longest.model_copy(update={"ends_at": max(until, longest.ends_at)})
    if not person.posts:
        return None
    return Shift(
        id=f"{person.id}:{now:%Y%m%dT%H%M%S.%f}",
        person_id=person.id,
        unit_id=person.posts[0].unit_id,
        starts_at=now,
        ends_at=until,
    )


def off_duty(shifts: Sequence[Shift], now: datetime) -> list[Shift]:
    """Every running shift, ended now; one that began in this very moment never was."""
    return [
        shift.model_copy(update={"ends_at": now} if shift.starts_at < now else {"retired_at": now})
        for shift in running(shifts, now)
    ]
