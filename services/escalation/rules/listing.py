"""The named persons' daily list: what the last level did not deal with in time comes back every day until it is.

A deadline fires once; the list is what follows it, so that something always happens by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from services.escalation.rules.case import Case
from services.escalation.rules.clocks import Telling
from services.escalation.rules.limits import Station
from shared.events.escalation import CaseListed

LISTED_AT = time(8, 30)
"""Every day at this time of the unit's own clock, working day or not."""


def list_due_at(case: Case, stations: Sequence[Station]) -> datetime | None:
    """When the case is listed next; `None` if nothing of it is overdue where nobody is above."""
    first = _first_day(case, stations)
    if first is None:
        return None
    day = first if case.listed_on is None else max(first, case.listed_on + timedelta(days=1))
    return stations[case.rung].working.moment(day, LISTED_AT)


def list_case(telling: Telling, until: datetime) -> None:
    """Put it on today's list, once a day; an outage of days is one entry, and the count says how many days it is."""
    due_at = list_due_at(telling.case, telling.stations)
    first = _first_day(telling.case, telling.stations)
    if due_at is None or first is None or due_at > until:
        return
    case = telling.case
    place = min(case.rung + 1, len(case.ladder) - 1)
    day = telling.now.astimezone(telling.stations[case.rung].working.zone).date()
    telling.tell(
        CaseListed(
            **telling.said(),
            day=day,
            days=(day - first).days + 1,
            unit_id=case.ladder[place].unit_id,
            person_ids=telling.stations[place].named_ids,
            round=case.round,
            of_unit_id=case.unit_id,
            missed=tuple(dict.fromkeys(one.kind for one in case.overdue)),
        )
    )


def _first_day(case: Case, stations: Sequence[Station]) -> date | None:
    """The first day whose list the case is on: that of the next list after it was due and had come to its level."""
    if not case.overdue:
        return None
    due_at = min(one.due_at for one in case.overdue)
    came = (one.counts_from for one in case.raises if one.to_level is case.level and not one.voided)
    since = max(due_at, min(came, default=case.registered_at))
    local = since.astimezone(stations[case.rung].working.zone)
    return local.date() if local.time() < LISTED_AT else local.date() + timedelta(days=1)
