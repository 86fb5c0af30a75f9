"""The ground a decision stands on: the case, and each rung of its ladder as the registry knows it now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.escalation.queries import cases
from services.escalation.rules.case import Case
from services.escalation.rules.limits import Station
from services.escalation.rules.working_time import UNKNOWN_CALENDAR, WorkingTime
from shared.database import Transaction
from shared.directory import Directory
from shared.events.intake import Rung
from shared.problems import Problem
from shared.vocabulary import Level, Post, Role, Urgency


async def case_of(tx: Transaction, case_id: UUID) -> Case:
    """The case, or 404: one registered a moment ago may not have been heard of yet."""
    case = await cases.load(tx, case_id)
    if case is None:
        detail = "刚登记的工单请几秒后重试 / If it was registered just now, try again in a few seconds"
        raise Problem(404, "not-found", "没有这个工单 / There is no such case", detail=detail)
    return case


def stations(
    directory: Directory, ladder: Sequence[Rung], urgency: Urgency, category_code: str, now: datetime
) -> tuple[Station, ...]:
    """Each rung as the registry knows it now."""
    return tuple(
        Station(
            working_time_of(directory, rung.unit_id),
            _empty_because(directory, rung, urgency, category_code, now),
            _named(directory, rung.unit_id),
        )
        for rung in ladder
    )


def stations_of(directory: Directory, case: Case, now: datetime) -> tuple[Station, ...]:
    return stations(directory, case.ladder, case.urgency, case.category_code, now)


def _named(directory: Directory, unit_id: str) -> tuple[str, ...]:
    """The unit's supervisors, or its officers where it has none: somebody is told."""
    named = directory.with_role(Role.SUPERVISOR, unit_id) or directory.with_role(Role.UNIT_OFFICER, unit_id)
    return tuple(person.id for person in named)


def working_time_of(directory: Directory, unit_id: str) -> WorkingTime:
    """The unit's opening hours, or those of the nearest unit above that has any; its official calendar."""
    path = directory.path(unit_id)
    hours = next((unit.opening_hours for unit in reversed(path) if unit.opening_hours), ())
    calendar = directory.calendars.get(path[-1].calendar_id) if path else None
    return WorkingTime(hours, calendar or UNKNOWN_CALENDAR)


def _empty_because(
    directory: Directory, rung: Rung, urgency: Urgency, category_code: str, now: datetime
) -> str | None:
    """Why a case cannot be raised to there: nothing outside its duty list is sent to a community. A department on that
    rung is there because the catalogue names it, whatever the community's list says."""
    unit = directory.units.get(rung.unit_id)
    its_own_rung = unit is not None and unit.level is Level.COMMUNITY
    if its_own_rung and not directory.may_be_sent(rung.unit_id, category_code):
        return "outside_duty_list"
    officers = directory.holders(rung.unit_id, Post.DUTY_OFFICER)
    if urgency is Urgency.EMERGENCY:
        on_duty = any(directory.is_on_duty(officer.id, now) for officer in officers)
        return None if on_duty else "nobody_rostered"
    return None if officers else "post_not_filled"
