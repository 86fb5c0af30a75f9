"""Who may read what. A grant holds for its unit and everything below; the case's own path decides, as it was when
the case was registered, so that a reorganisation does not open old cases to new people.

Readers see figures and lists without personal data: no headline, no place, no names, no person ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from shared.directory import Directory
from shared.identity import SignedIn, not_allowed
from shared.problems import Problem, not_found
from shared.vocabulary import Role

WORKING = (
    Role.SUPERVISOR,
    Role.UNIT_OFFICER,
    Role.OPERATOR,
    Role.GRID_LEADER,
    Role.ADMINISTRATOR,
    Role.DATA_PROTECTION_OFFICER,
)
"""May list every case of their units, and read each whole."""
IN_THEIR_UNIT = (*WORKING, Role.GRID_WORKER, Role.SOCIAL_WORKER, Role.FOLLOW_UP_CALLER)
"""May read a single case of their units whole."""
WITH_A_PART = (Role.BUILDING_HEAD, Role.VOLUNTEER, Role.BEAT_POLICE, Role.PROPERTY_MANAGER)
"""May read a single case whole if they were asked to take, hold or held a part of it; so may everybody above."""
MASKED = (Role.READER, Role.EVALUATOR)
"""May read everything of their units without personal data."""

LISTING = (*WORKING, *MASKED)
READING = (*IN_THEIR_UNIT, *MASKED, *WITH_A_PART)

PERSONAL = (
    *("headline", "place", "place_label", "holder_id", "going_id", "person_id"),
    *("owner_id", "handled_by", "answered_by"),
)
DEFAULT_DAYS = 30
YEARS = range(2000, 2101)


class Period(BaseModel):
    """From `starts_at` to `ends_at` (exclusive)."""

    starts_at: datetime
    ends_at: datetime


def units_of(who: SignedIn, unit: str | None, directory: Directory) -> tuple[str, ...]:
    """The unit asked for, or all those where the caller may list; 403 for a unit outside of them."""
    own = {grant.unit_id for grant in who.grants if grant.role in LISTING}
    if unit is None:
        return tuple(sorted(own))
    if unit not in directory.units:
        raise not_found("没有这个单位 / There is no such unit")
    if not own & {above.id for above in directory.path(unit)}:
        raise not_allowed(LISTING)
    return (unit,)


def everything_below(who: SignedIn, directory: Directory) -> list[str]:
    """Every unit where the caller may list."""
    own = {grant.unit_id for grant in who.grants if grant.role in LISTING}
    return sorted(unit for unit in directory.units if own & {above.id for above in directory.path(unit)})


def sees_whole(who: SignedIn, path: Iterable[str], part_holders: Iterable[str | None] = ()) -> bool:
    """Whether the caller may see the case with its personal data."""
    path = set(path)
    if any(grant.role in IN_THEIR_UNIT and grant.unit_id in path for grant in who.grants):
        return True
    return who.person_id in set(part_holders)


def supervises(who: SignedIn, path: Iterable[str]) -> bool:
    """Whether the caller may see what is odd about an entry (product §5): supervisors only, not even officers."""
    path = set(path)
    return any(grant.role is Role.SUPERVISOR and grant.unit_id in path for grant in who.grants)


def narrowed_to(
    who: SignedIn, roles: Iterable[Role], unit_ids: tuple[str, ...], directory: Directory
) -> tuple[str, ...]:
    """Those of the units where the caller holds one of `roles`; 403 without one."""
    roles = tuple(roles)
    found = tuple(unit for unit in unit_ids if any(who.may(role, unit, directory) for role in roles))
    if not found:
        raise not_allowed(roles)
    return found


def sees_masked(who: SignedIn, path: Iterable[str]) -> bool:
    path = set(path)
    return any(grant.role in MASKED and grant.unit_id in path for grant in who.grants)


def without_personal_data(value: Any) -> Any:
    """The same without headline, place and people, at any depth."""
    if isinstance(value, Mapping):
        return {
            name: None if name in PERSONAL else without_personal_data(inner) for name, inner in value.items()
        }
    if isinstance(value, list):
        return [without_personal_data(inner) for inner in value]
    return value


def period(starts: datetime | None, ends: datetime | None, now: datetime, zone: ZoneInfo) -> Period:
    """What was asked for; a time without a zone is local. Default: the last thirty days."""
    ends_at = aware(ends, zone) if ends else now
    starts_at = aware(starts, zone) if starts else ends_at - timedelta(days=DEFAULT_DAYS)
    if starts_at >= ends_at:
        raise Problem(
            422,
            "empty-period",
            "统计期为空 / The period is empty",
            detail="from 须早于 to / from must be before to",
        )
    return Period(starts_at=starts_at, ends_at=ends_at)


def from_midnight(given: Any) -> Any:
    """A day by itself, as people write a period, is when it begins; what is no time is left for pydantic to say."""
    if not isinstance(given, str):
        return given
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        return given


def aware(moment: datetime, zone: ZoneInfo) -> datetime:
    """A time without a zone is local. 422 for a year in which there can be no cases."""
    if moment.year not in YEARS:
        raise Problem(
            422,
            "no-such-period",
            "时间超出范围 / The time is out of range",
            detail=f"年份须在 {YEARS[0]} 至 {YEARS[-1]} 之间 / A year from {YEARS[0]} to {YEARS[-1]}, please",
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
