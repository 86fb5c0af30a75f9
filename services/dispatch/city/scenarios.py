"""What kind of day it is: a scenario is numbers and nothing else, so that a supervisor can ask "what if" with others.

`SCENARIOS` are the days that policies are compared on. Everything a scenario leaves open is drawn (draws.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum


class BadScenario(ValueError):
    """A number that no day can have; one sentence per number, Chinese first."""


class Profile(StrEnum):
    """How a day's calls spread over its hours."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    FLAT = "flat"


@dataclass(frozen=True, slots=True)
class Surge:
    """Calls on top of the day's own. `radius_m` None: all over the city, else around one hot spot drawn per day.
    `recognised`: which part of its callers are known to report what is known already (merged, sent to nobody);
    `cases_per_hour` are what is left to send."""

    from_hour: float
    hours: float
    cases_per_hour: float
    radius_m: float | None = None
    recognised: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call: seconds from the start of the day, and where, as parts of the city's side (0 … 1)."""

    at: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A day. `people` are on duty at any time (at night `people_at_night`, if given), shifts and breaks included in
    the roster; `cases_per_hour` is the mean over the day of cases to be sent, each with its own clock.

    `speed_factor` is the weather, unknown to dispatch; `missing_share` did not come and never signed in;
    `routine_share` is the part of their free time people spend on routine rounds (1: a mass task, everybody always);
    `acceptance` is the mean chance on a normal day that an offer is accepted by somebody whose phone is on (0.88 there
    is 0.86 by night and in a shortage: hour, load and distance count, see behaviour.py, as for `wrong_category_share`);
    `advice_followed` is the part of the suggestions where to wait that are followed, 0: none is made; between
    `down_at_hour` and `down_minutes` later dispatch does nothing at all. `calls`, if given, replace the drawn
    ones."""

    name: str
    people: int = 120
    cases_per_hour: float = 40.0
    hours: float = 12.0
    starts_at_hour: int = 7
    profile: Profile = Profile.WORKDAY
    surges: tuple[Surge, ...] = ()
    people_at_night: int | None = None
    speed_factor: float = 1.0
    missing_share: float = 0.0
    acceptance: float = 0.88
    advice_followed: float = 0.6
    e_bike_share: float = 0.40
    routine_share: float = 0.35
    breaks: bool = True
    down_at_hour: float = 0.0
    down_minutes: float = 0.0
    wrong_category_share: float = 0.0
    cluster_share: float = 0.04
    walk_mps: float = 1.35
    e_bike_mps: float = 4.2
    travel_sigma: float = 0.25
    service_median_minutes: float = 22.0
    service_sigma: float = 0.4
    answer_median_seconds: float = 20.0
    offer_seconds: float = 60.0
    calls: tuple[Call, ...] | None = None

    def __post_init__(self) -> None:
        wrong = [*_out_of_range(self), *_bad_surges(self), *_bad_calls(self)]
        if wrong:
            raise BadScenario("\n".join(wrong))

    @property
    def seconds(self) -> float:
        return self.hours * 3600.0

    @property
    def mass_task(self) -> bool:
        """Everybody works through a list of visits and is busy on the way between them too."""
        return self.routine_share >= 1.0


_LIMITS: Mapping[str, tuple[float, float, str, str]] = {
    "people": (1, 2_000, "在岗人数", "people on duty"),
    "people_at_night": (1, 2_000, "夜间在岗人数", "people on duty at night"),
    "cases_per_hour": (0, 1_000, "每小时工单数", "cases per hour"),
    "hours": (0.25, 48, "时长（小时）", "hours"),
    "starts_at_hour": (0, 23, "开始的钟点", "hour of the day it starts at"),
    "speed_factor": (0.1, 2, "速度系数", "speed factor"),
    "missing_share": (0, 0.9, "缺勤比例", "share of people missing"),
    "acceptance": (0.05, 0.999, "接单率", "share of offers accepted"),
    "advice_followed": (0, 1, "听从待命建议的比例", "share of advice followed"),
    "e_bike_share": (0, 1, "骑电动车比例", "share on e-bikes"),
    "routine_share": (0, 1, "日常工作占比", "share of free time on routine rounds"),
    "down_at_hour": (0, 48, "派单停止的时刻（小时）", "hour dispatch goes down at"),
    "down_minutes": (0, 120, "派单停止（分钟）", "minutes dispatch is down"),
    "wrong_category_share": (0, 1, "归类错误比例", "share of wrong categories"),
    "cluster_share": (0, 0.5, "连带来电比例", "share of cases that start a cluster"),
    "walk_mps": (0.3, 3, "步行速度（米/秒）", "walking speed (m/s)"),
    "e_bike_mps": (1, 12, "电动车速度（米/秒）", "e-bike speed (m/s)"),
    "travel_sigma": (0, 1, "路程时间的离散度", "spread of travel times"),
    "service_median_minutes": (1, 240, "现场处置时间中位数（分钟）", "median time on site (minutes)"),
    "service_sigma": (0, 1.5, "现场处置时间的离散度", "spread of times on site"),
    "answer_median_seconds": (1, 60, "答复时间中位数（秒）", "median time to answer (s)"),
    "offer_seconds": (10, 600, "派单时效（秒）", "an offer's life (s)"),
}
"""Lowest and highest value of each number, and what it is called."""

SURGE_LIMITS: Mapping[str, tuple[float, float]] = {
    "from_hour": (0, 48),
    "hours": (0.05, 48),
    "cases_per_hour": (0, 2_000),
    "radius_m": (10, 6_000),
    "recognised": (0, 0.95),
}
CALLS_MAX = 20_000


def _out_of_range(scenario: Scenario) -> list[str]:
    wrong = []
    for field in fields(Scenario):
        value = getattr(scenario, field.name)
        if field.name not in _LIMITS or value is None:
            continue
        low, high, chinese, english = _LIMITS[field.name]
        if not low <= value <= high:
            wrong.append(
                f"{chinese}应在 {low:g} 到 {high:g} 之间，现为 {value:g} / "
                f"{english} must be between {low:g} and {high:g}, not {value:g}"
            )
    return wrong


def _bad_surges(scenario: Scenario) -> list[str]:
    return [
        f"高峰 {number + 1} 的 {name} 应在 {low:g} 到 {high:g} 之间 / "
        f"{name} of surge {number + 1} must be between {low:g} and {high:g}"
        for number, surge in enumerate(scenario.surges)
        for name, (low, high) in SURGE_LIMITS.items()
        if (value := getattr(surge, name)) is not None and not low <= value <= high
    ]


def _bad_calls(scenario: Scenario) -> list[str]:
    calls = scenario.calls or ()
    if len(calls) > CALLS_MAX:
        return [f"来电最多 {CALLS_MAX} 个 / at most {CALLS_MAX} calls"]
    return [
        f"第 {number + 1} 个来电不在当天或不在城内 / call {number + 1} is outside the day or the city"
        for number, call in enumerate(calls)
        if not (0 <= call.at < scenario.seconds and 0 <= call.x <= 1 and 0 <= call.y <= 1)
    ][:20]


def replay_scenario(
    calls: Sequence[Call], *, name: str = "replay", people: int = 60, people_at_night: int = 40
) -> Scenario:
    """A recorded day of 24 h from midnight: its calls as they came, everything else as on a normal day."""
    ordered = tuple(sorted(calls, key=lambda call: (call.at, call.x, call.y)))
    return Scenario(
        name, people=people, people_at_night=people_at_night, hours=24.0, starts_at_hour=0, calls=ordered
    )


_TABLE = (
    Scenario("day"),
    Scenario("night", people=40, cases_per_hour=14, starts_at_hour=19),
    Scenario("weekend", people=80, cases_per_hour=30, profile=Profile.WEEKEND),
    Scenario("heating", people=100, cases_per_hour=25, surges=(Surge(3, 4, 60, 400, recognised=0.2),)),
    Scenario("storm", cases_per_hour=110, speed_factor=0.75, surges=(Surge(4, 3, 50),)),
    Scenario("typhoon", cases_per_hour=100, speed_factor=0.5, missing_share=0.1, surges=(Surge(4, 4, 60),)),
    Scenario("shortage", people=22, cases_per_hour=14),
    Scenario("mass_testing", routine_share=1.0),
    Scenario("acceptance_60", acceptance=0.60),
    Scenario("dispatcher_down", down_at_hour=5.0, down_minutes=5.0),
    Scenario("wrong_category", wrong_category_share=0.25),
    Scenario("flash_crowd", surges=(Surge(5, 0.25, 360),)),
)
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _TABLE}
"""Heating: 300 callers in one area in 4 h, of whom one in five is recognised: 60 cases an hour. Flash crowd: ten times
the calls of a normal day for a quarter of an hour. Night is 19–07 h; the others 07–19 h."""
