"""What an appraisal looks at, of a unit or of a person: several figures beside each other, never one made of them."""

from __future__ import annotations

from dataclasses import dataclass

from services.insight.figures.definition import CountUnit, Definition, Form, Rounding
from services.insight.figures.shipped import DEFINITIONS
from shared.things import Name

ONE_DECIMAL = Rounding()
SMALL_BELOW = 20
"""A share of fewer says little about whoever it is of, and is marked."""

# Solved and satisfied first, the door after them, and what the work costs beside both.
OF_UNITS: tuple[Definition, ...] = tuple(
    DEFINITIONS[name]
    for name in (
        "solution_rate",
        "satisfaction_rate",
        "response_rate",
        "follow_ups_reached",
        "on_time_arrival",
        "on_time_arrival_since_told",
        "handled_in_time",
        "closed_in_time",
        "reopened_within_30_days",
        "returned",
        "hand_overs_per_case",
        "burden_taps",
        "burden_commands",
        "burden_minutes",
        "burden_double_entries",
    )
)


@dataclass(frozen=True)
class OfPerson:
    """A figure of one person: `n` and `d` name columns of `queries.appraisal`."""

    name: str
    title: Name
    unit: CountUnit
    n: str
    d: str
    form: Form = Form.SHARE
    rounding: Rounding = ONE_DECIMAL


def _per_case(name: str, zh: str, en: str, unit: CountUnit, n: str) -> OfPerson:
    return OfPerson(name, Name(zh=zh, en=en), unit, n, "cases", Form.PER_CASE, Rounding(decimals=2))


OF_PEOPLE: tuple[OfPerson, ...] = (
    OfPerson(
        "solved",
        Name(zh="本人办结、居民说已解决", en="Handled by them and solved, says the resident"),
        CountUnit.CASE_TIMES,
        "solved",
        "answered",
    ),
    OfPerson(
        "reopened",
        Name(zh="本人办结后重办", en="Reopened after they handled it"),
        CountUnit.CASE_TIMES,
        "reopened",
        "handled_rounds",
    ),
    OfPerson(
        "on_time_since_told",
        Name(zh="应急件接到派单后 15 分钟内到场", en="At an emergency within 15 minutes of being told"),
        CountUnit.CASES,
        "on_time",
        "arrivals",
    ),
    OfPerson("accepted", Name(zh="接单", en="Offers accepted"), CountUnit.CASE_TIMES, "accepts", "offers"),
    OfPerson(
        "lapsed", Name(zh="派单超时", en="Offers not answered"), CountUnit.CASE_TIMES, "lapses", "offers"
    ),
    _per_case("taps", "件均点按次数（至少）", "Taps per case, at least", CountUnit.CASE_TIMES, "taps"),
    _per_case("commands", "件均操作次数", "Commands per case", CountUnit.CASE_TIMES, "commands"),
    _per_case("fields", "件均填写项数", "Fields per case", CountUnit.ITEMS, "fields"),
    _per_case("photos", "件均照片数", "Photos per case", CountUnit.ITEMS, "photos"),
    _per_case("minutes", "件均占用分钟", "Minutes per case", CountUnit.MINUTES, "minutes"),
    _per_case(
        "double_entries", "件均重复录入", "Double entries per case", CountUnit.CASE_TIMES, "double_entries"
    ),
)
