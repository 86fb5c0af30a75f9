"""The calls of a demo: read from a recorded file, or a synthetic day drawn from a seed."""

from __future__ import annotations

import csv
import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from deploy.demo.mapping import CallMapping

SYNTHETIC_DAY = date(2026, 11, 20)
SYNTHETIC_CALLS = 240
URGENT_SHARE = 0.4
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
OUTLYING_SHARE = 0.01
"""The share of recorded places on each side that the map of the demo is not stretched to."""


@dataclass(frozen=True)
class Call:
    """`at` is UTC; `x` and `y` place it in the demo's area, 0 to 1 from the south-west."""

    index: int
    at: datetime
    category_code: str
    x: float
    y: float
    label: str


@dataclass(frozen=True)
class BadRow:
    line: int
    because: str


@dataclass(frozen=True)
class Recorded:
    at: datetime
    category_code: str
    lon: float
    lat: float
    label: str


def read_calls(
    path: Path, mapping: CallMapping, zone: ZoneInfo, day: str | None
) -> tuple[list[Call], list[BadRow]]:
    """The calls of `day` (ISO date; the file's first if None) in the order they came in, and the rows left out."""
    recorded: dict[str, Recorded] = {}
    bad: list[BadRow] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = sorted(set(mapping.columns.values()) - set(rows.fieldnames or ()))
        if missing:
            raise ValueError(
                f"{path} has no column {', '.join(missing)}: another mapping file is needed (MAPPING=)"
            )
        for row in rows:
            try:
                key, call = _recorded(row, mapping, zone)
            except ValueError as wrong:
                bad.append(BadRow(rows.line_num, str(wrong)))
                continue
            recorded.setdefault(key, call)
    chosen = list(_of_day(recorded.values(), day, zone))
    return list(_placed(chosen)), bad


def _recorded(row: Mapping[str, str], mapping: CallMapping, zone: ZoneInfo) -> tuple[str, Recorded]:
    columns = mapping.columns
    key = (row[columns["call"]] or "").strip()
    if not key:
        raise ValueError("no call number")
    wall = (row[columns["received"]] or "").strip()
    at = datetime.strptime(f"{wall} +0000", f"{mapping.received_format} %z").replace(tzinfo=zone)
    if "location" in columns:
        found = NUMBER.findall(row[columns["location"]] or "")
        if len(found) != 2:
            raise ValueError("no location")
        lat, lon = map(float, found)
    else:
        lon, lat = float(row[columns["lon"]] or "nan"), float(row[columns["lat"]] or "nan")
    if not (math.isfinite(lon) and math.isfinite(lat)) or abs(lon) > 180 or abs(lat) > 90:
        raise ValueError("the location is not on the earth")
    category = mapping.categories.get((row[columns["type"]] or "").strip(), mapping.other_category)
    label = (row[columns["place"]] or "").strip() if "place" in columns else ""
    return key, Recorded(at.astimezone(UTC), category, lon, lat, label)


def _of_day(recorded: Iterable[Recorded], day: str | None, zone: ZoneInfo) -> Iterator[Recorded]:
    calls = sorted(recorded, key=lambda call: call.at)
    if not calls:
        return
    wanted = day or calls[0].at.astimezone(zone).date().isoformat()
    if wanted == "all":
        yield from calls
        return
    yield from (call for call in calls if call.at.astimezone(zone).date().isoformat() == wanted)


def _placed(recorded: Sequence[Recorded]) -> Iterator[Call]:
    """Stretch the recorded places over the demo's area; what lies far out ends at its edge."""
    if not recorded:
        return
    west, east = _spread([call.lon for call in recorded])
    south, north = _spread([call.lat for call in recorded])
    for index, call in enumerate(recorded):
        x = min(1.0, max(0.0, (call.lon - west) / (east - west)))
        y = min(1.0, max(0.0, (call.lat - south) / (north - south)))
        yield Call(index, call.at, call.category_code, x, y, call.label)


def _spread(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)
    cut = int(len(ordered) * OUTLYING_SHARE)
    low, high = ordered[cut], ordered[-1 - cut]
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def synthetic_calls(seed: int, urgent: Sequence[str], routine: Sequence[str], zone: ZoneInfo) -> list[Call]:
    """A day that looks like a day: few calls before dawn, most in the morning and the early evening."""
    draw = random.Random(f"calls {seed}")
    hours = [1, 1, 1, 1, 1, 2, 4, 7, 9, 9, 8, 7, 6, 6, 6, 6, 7, 8, 9, 8, 6, 4, 2, 1]
    midnight = datetime.combine(SYNTHETIC_DAY, time(), zone)
    times = sorted(
        midnight + timedelta(hours=draw.choices(range(24), hours)[0], seconds=draw.uniform(0, 3600))
        for _ in range(SYNTHETIC_CALLS)
    )
    calls = []
    for index, local in enumerate(times):
        codes = urgent if draw.random() < URGENT_SHARE else routine
        at = local.astimezone(UTC)
        x, y = (min(1.0, max(0.0, draw.gauss(0.5, 0.28))) for _ in range(2))
        calls.append(Call(index, at, draw.choice(codes), x, y, f"演示路{draw.randint(1, 99)}号"))
    return calls
