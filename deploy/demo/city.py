"""What everybody in the demo shares: the clock, the agenda, the map, and the record of what was done."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from deploy.demo.agenda import Agenda, Deed
from deploy.demo.api import Api
from deploy.demo.calls import Call
from deploy.demo.clock import SimulatedClock

ZONE = ZoneInfo("Asia/Shanghai")
METRES_PER_DEGREE = 111_320.0
DETOUR = 1.3
METRES_PER_SECOND = {"walk": 1.3, "e_bike": 4.5, "car": 6.0}
SPREAD = 0.25
"""Sigma of the lognormal factor on a trip's time."""


@dataclass(frozen=True)
class Habits:
    """How often people do what, as shares; the same for everybody."""

    declines: float = 0.05
    lapses: float = 0.08
    lapses_at_night: float = 0.2
    loses_signal: float = 0.05
    cannot_solve: float = 0.1
    raises_by_hand: float = 0.5
    officer_cannot_solve: float = 0.4
    answers_link: float = 0.55
    answers_phone: float = 0.7
    dissatisfied: float = 0.05


@dataclass
class Known:
    """A call that became a case."""

    call: Call
    case_id: str
    number: str
    lon: float
    lat: float


@dataclass
class City:
    client: httpx.AsyncClient
    clock: SimulatedClock
    agenda: Agenda
    seed: int
    area: tuple[float, float, float, float]
    habits: Habits = field(default_factory=Habits)
    passwords: Mapping[str, str] = field(default_factory=dict)
    cases: dict[str, Known] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    heard: int = 0
    """Numbers of all feeds together that have reached their readers."""

    @property
    def now(self) -> datetime:
        return self.clock.now

    def api(self, account: str) -> Api:
        return Api(self.client, account, self.passwords[account])

    def draw(self, *about: object) -> random.Random:
        """Chance that hangs only on the seed and on what it is about."""
        return random.Random(" ".join(map(str, (self.seed, *about))))

    def later(self, seconds: float, who: str, deed: Deed) -> None:
        self.agenda.add(self.now + timedelta(seconds=seconds), who, deed)

    def place(self, call: Call) -> tuple[float, float]:
        west, south, east, north = self.area
        return round(west + call.x * (east - west), 6), round(south + call.y * (north - south), 6)

    def is_night(self) -> bool:
        return not 6 <= self.now.astimezone(ZONE).hour < 23


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Straight line over a small area."""
    east = (one[0] - other[0]) * math.cos(math.radians(one[1]))
    return math.hypot(east, one[1] - other[1]) * METRES_PER_DEGREE


def trip_seconds(
    start: tuple[float, float], end: tuple[float, float], mode: str, draw: random.Random
) -> float:
    return 30 + metres(start, end) * DETOUR / METRES_PER_SECOND[mode] * draw.lognormvariate(0, SPREAD)


def area_of(units: list[dict[str, Any]]) -> tuple[float, float, float, float]:
    """West, south, east, north of all grids together."""
    corners = [(corner["lon"], corner["lat"]) for unit in units for corner in unit.get("polygon") or ()]
    lons, lats = zip(*corners, strict=True)
    return min(lons), min(lats), max(lons), max(lats)
