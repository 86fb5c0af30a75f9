"""What people call the values that figures are split by, and the community's local time."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from services.insight.rules.words import WORDS
from shared.things import Name
from shared.vocabulary import Channel, Level, Urgency

if TYPE_CHECKING:
    from shared.directory import Directory


class Dimension(StrEnum):
    """What a figure may be split by. `level` is where the case is now, `resolved_level` where it was handled, `source`
    how the answer to a follow-up came; a day, week or month is the local one in which the figure's own time falls."""

    UNIT = "unit"
    LEVEL = "level"
    RESOLVED_LEVEL = "resolved_level"
    CATEGORY = "category"
    CHANNEL = "channel"
    URGENCY = "urgency"
    SOURCE = "source"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


KINDS = {
    Dimension.LEVEL: Level,
    Dimension.RESOLVED_LEVEL: Level,
    Dimension.CHANNEL: Channel,
    Dimension.SOURCE: Channel,
    Dimension.URGENCY: Urgency,
}
HOME_ZONE = "Asia/Shanghai"


def named(by: Dimension | None, key: str, directory: Directory) -> dict[str, str]:
    """What people call a value of a dimension; the value itself where it has no name here."""
    name: Name | None = None
    if by is Dimension.UNIT and (unit := directory.units.get(key)) is not None:
        name = unit.name
    elif by is Dimension.CATEGORY and (category := directory.categories.get(key)) is not None:
        name = category.name
    elif by in KINDS:
        name = WORDS[KINDS[by]].get(key)
    return name.model_dump() if name else {"zh": key, "en": key}


def zone_of(directory: Directory, unit_ids: Iterable[str] = ()) -> ZoneInfo:
    """Local time: that of the calendar of the first of these units that has one, or else of any calendar there is."""
    own = (directory.units[unit].calendar_id for unit in unit_ids if unit in directory.units)
    known = [
        directory.calendars[id_] for id_ in (*own, *sorted(directory.calendars)) if id_ in directory.calendars
    ]
    return ZoneInfo(known[0].time_zone if known else HOME_ZONE)
