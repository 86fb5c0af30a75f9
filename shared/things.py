"""What registry knows and tells everybody: units, people, shifts, categories, policies, calendars.

Each is published whole on the compacted topic `yike.registry` under its own key, so the topic alone gives the
latest of each. Nothing is ever tombstoned: what ends gets `retired_at`.
"""

from __future__ import annotations

from datetime import date, datetime, time

from pydantic import BaseModel, ConfigDict

from shared.vocabulary import ClockKind, Language, Level, Post, Role, TravelMode, Urgency


class Value(BaseModel):
    """A frozen value inside an event; unknown fields are dropped, because events grow by addition."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Point(Value):
    """WGS-84 degrees."""

    lon: float
    lat: float


class Name(Value):
    zh: str
    en: str


class OpeningHours(Value):
    """One opening on one weekday, in the community's local time. ISO weekday: Monday 1 … Sunday 7."""

    weekday: int
    opens: time
    closes: time


class Unit(Value):
    """单位: a node of the organisation tree. `level` is set on units that are a rung of the ladder."""

    id: str
    kind: str
    name: Name
    parent_id: str | None = None
    level: Level | None = None
    polygon: tuple[Point, ...] = ()
    centre: Point | None = None
    opening_hours: tuple[OpeningHours, ...] = ()
    calendar_id: str = "cn"
    households: int | None = None
    retired_at: datetime | None = None


class Grant(Value):
    """A role held in a unit, valid for the unit and everything below it."""

    role: Role
    unit_id: str


class PostHeld(Value):
    """A post in a unit. While a unit has no such holder the post counts as not filled (product rule 4)."""

    post: Post
    unit_id: str


class Person(Value):
    """A member of staff or a volunteer, without credentials. `base` is where the person starts from when free."""

    id: str
    name: Name
    grants: tuple[Grant, ...] = ()
    posts: tuple[PostHeld, ...] = ()
    mode: TravelMode = TravelMode.WALK
    base: Point | None = None
    language: Language = Language.CHINESE
    email: str | None = None
    webhook_url: str | None = None
    retired_at: datetime | None = None


class Shift(Value):
    """On duty from `starts_at` to `ends_at` (exclusive) in a unit."""

    id: str
    person_id: str
    unit_id: str
    starts_at: datetime
    ends_at: datetime
    retired_at: datetime | None = None


class Category(Value):
    """事项/派单目录: a node of the dispatch catalogue. `levels` are those where the case may be handled."""

    code: str
    name: Name
    class_name: Name
    urgency: Urgency
    policy_id: str
    levels: tuple[Level, ...]
    keywords: tuple[str, ...] = ()
    retired_at: datetime | None = None


class Limit(Value):
    """`amount` is minutes, working hours, working days or natural days, as `clock` says."""

    clock: ClockKind
    amount: int


class LevelLimits(Value):
    """The limits of one level, counted from entering it; `None` sets no deadline of that kind."""

    level: Level
    acknowledge: Limit | None = None
    arrive: Limit | None = None
    contact: Limit | None = None
    handle: Limit | None = None


class Policy(Value):
    """The clocks of a case: default limits of product.md §3, changed by an administrator without a release."""

    id: str
    urgency: Urgency
    levels: tuple[LevelLimits, ...]
    follow_up: Limit
    amber_percent: int = 80
    offer_expires_after_seconds: int = 60
    leader_after_seconds: int | None = None
    retired_at: datetime | None = None

    def limits(self, level: Level) -> LevelLimits:
        """The limits of `level`; a level the policy does not name has none."""
        return next((limits for limits in self.levels if limits.level == level), LevelLimits(level=level))


class Calendar(Value):
    """Official working days: Monday to Friday, but for `holidays` and the make-up `workdays` (调休).

    Nothing is known after `known_until`; whoever counts past it must say so.
    """

    id: str
    time_zone: str
    holidays: tuple[date, ...]
    workdays: tuple[date, ...]
    known_until: date
    retired_at: datetime | None = None
