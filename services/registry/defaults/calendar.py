"""The State Council's working days, as `chinesecalendar` knows them."""

from __future__ import annotations

from datetime import date

from chinese_calendar.constants import holidays, workdays

from shared.things import Calendar

TIME_ZONE = "Asia/Shanghai"


def official_calendar() -> Calendar:
    """Holidays and make-up workdays (调休) of every year the library has.

    The library has whole years only, so the last one is known to its end; next year's notice comes in November.
    """
    return Calendar(
        id="cn",
        time_zone=TIME_ZONE,
        holidays=tuple(sorted(holidays)),
        workdays=tuple(sorted(workdays)),
        known_until=date(max(holidays).year, 12, 31),
    )
