"""Recorded calls as days of the city: the columns are mapped as for the demo, and so are the places."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from bench.city_days import CannotRun
from deploy.demo.calls import BadRow, Call, read_calls
from deploy.demo.city import ZONE
from deploy.demo.mapping import MappingError, read_mapping
from services.dispatch.city import scenarios as city
from services.dispatch.city.scenarios import Scenario, replay_scenario

ALL_DAYS = "all"


def recorded_days(calls: Path, mapping: Path, name: str) -> tuple[list[Scenario], list[BadRow]]:
    """One scenario `name` for every day of the file, in order, and the rows that were left out. What a clock on the
    wall said stays what it says; the recorded places are stretched over the city's 6 × 6 km, the outlying hundredth on
    each side to its edge. Raises CannotRun."""
    try:
        found, bad = read_calls(calls, read_mapping(mapping), ZONE, ALL_DAYS)
    except (OSError, UnicodeDecodeError) as wrong:
        raise CannotRun(f"来电文件读不出来 / the file of calls cannot be read: {wrong}") from wrong
    except MappingError as wrong:
        raise CannotRun(f"列对照文件不能用 / the mapping file cannot be used: {wrong}") from wrong
    except ValueError as wrong:
        raise CannotRun(f"来电文件的列不对 / the file of calls has other columns: {wrong}") from wrong
    if not found:
        raise CannotRun(f"{calls} 里没有一条能用的来电 / there is not one usable call in {calls}")
    return [replay_scenario(day, name=name) for _, day in sorted(_by_day(found).items())], bad


def _by_day(calls: list[Call]) -> dict[str, list[city.Call]]:
    days: dict[str, list[city.Call]] = defaultdict(list)
    for call in calls:
        local = call.at.astimezone(ZONE)
        seconds = local.hour * 3600.0 + local.minute * 60.0 + local.second
        days[local.date().isoformat()].append(city.Call(seconds, call.x, call.y))
    return days
