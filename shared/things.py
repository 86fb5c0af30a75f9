"""What registry knows and tells everybody: units, people with their roles and skills, shifts, the catalogue, its
clocks and lists.

Each is published whole on the compacted topic `yike.registry` under its own key, so the topic alone gives the
latest of each. Nothing is ever tombstoned: what ends gets `retired_at`.
"""

from __future__ import annotations

from datetime import date, datetime, time

from pydantic import BaseModel, ConfigDict

from shared.going import MatchingPolicy, TravelMode
from shared.vocabulary import ClockKind, EmergencyService, Language, Level, Post, Role, ShiftKind, Urgency


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
    """单位: a node of the organisation tree. `level` is set on units that are a rung of the ladder.
    `shows_posted_names`: residents see the posted name and badge of who comes, else only the role.

    Of a street, whose emergencies are sent together: `matching_policy` sends them (None: the engine), `shadow_policy`
    is asked beside it and its choice only recorded, `advises` whether free people hear where they would best wait."""

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
    shows_posted_names: bool = False
    matching_policy: MatchingPolicy | None = None
    shadow_policy: MatchingPolicy | None = None
    advises: bool = False
    retired_at: datetime | None = None


class JobRole(Value):
    """岗位角色: what a city calls whoever holds these powers. The roles that ship have one each: that of their id."""

    id: str
    name: Name
    powers: tuple[Role, ...]
    retired_at: datetime | None = None


class Grant(Value):
    """A power held in a unit, valid for the unit and everything below it. `held_as` is the id of the city's own role it
    came with; without it, the role that ships under the power's name."""

    role: Role
    unit_id: str
    held_as: str | None = None


class PostHeld(Value):
    """A post in a unit. While a unit has no such holder the post counts as not filled (product rule 4)."""

    post: Post
    unit_id: str


class Delegation(Value):
    """委托: `person_id` lends the roles in these units from `starts_at` to `ends_at` (exclusive); both names are
    journalled with whatever is done by it."""

    id: str
    person_id: str
    grants: tuple[Grant, ...]
    starts_at: datetime
    ends_at: datetime


class Person(Value):
    """A member of staff or a volunteer, without credentials. `base` is where the person starts from when free;
    `acts_for` is whose work this person does by delegation, and until when."""

    id: str
    name: Name
    grants: tuple[Grant, ...] = ()
    posts: tuple[PostHeld, ...] = ()
    mode: TravelMode = TravelMode.WALK
    base: Point | None = None
    language: Language = Language.CHINESE
    email: str | None = None
    webhook_url: str | None = None
    badge: str | None = None
    skills: tuple[str, ...] = ()
    acts_for: tuple[Delegation, ...] = ()
    retired_at: datetime | None = None


class Shift(Value):
    """On duty from `starts_at` to `ends_at` (exclusive) in a unit."""

    id: str
    person_id: str
    unit_id: str
    starts_at: datetime
    ends_at: datetime
    kind: ShiftKind = ShiftKind.ON_DUTY
    retired_at: datetime | None = None


class Category(Value):
    """事项/派单目录: a node of the dispatch catalogue. `levels` are those where the case may be handled; where a
    community may not be asked, `rightful_unit_id` names who may. `group` joins what may be one and the same thing
    when duplicates are looked for. `script` is what the operator asks; `evidence_wanted` what the worker is asked
    to bring."""

    code: str
    name: Name
    class_name: Name
    urgency: Urgency
    policy_id: str
    levels: tuple[Level, ...]
    keywords: tuple[str, ...] = ()
    group: str | None = None
    script: Name | None = None
    evidence_wanted: tuple[Name, ...] = ()
    rightful_unit_id: str | None = None
    skills_wanted: tuple[str, ...] = ()
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
    """The clocks of a case: default limits of product.md §3, changed by an administrator without a release.
    `care_arrive` is owed to people on a care register in urgent need, whatever the category."""

    id: str
    urgency: Urgency
    levels: tuple[LevelLimits, ...]
    follow_up: Limit
    ruling: Limit | None = None
    supervision: Limit | None = None
    co_handle: Limit | None = None
    reply: Limit | None = None
    extension_max: Limit | None = None
    care_arrive: Limit = Limit(clock=ClockKind.MINUTES, amount=15)
    unread_after_seconds: int = 15
    amber_percent: int = 80
    offer_expires_after_seconds: int = 60
    leader_after_seconds: int | None = None
    retired_at: datetime | None = None

    def limits(self, level: Level) -> LevelLimits:
        """The limits of `level`; a level the policy does not name has none."""
        return next((limits for limits in self.levels if limits.level == level), LevelLimits(level=level))


class Skill(Value):
    """技能: what people may be able to do beside what everybody is, and a category may wish for; both name it by
    its id."""

    id: str
    name: Name
    retired_at: datetime | None = None


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


class PolicyUse(Value):
    """Which policy holds where and when: the most specific unit wins, then the category, then the latest
    `valid_from`. Without a use the category's own policy holds. `valid_until` is exclusive."""

    id: str
    policy_id: str
    category_code: str | None = None
    unit_id: str | None = None
    valid_from: datetime
    valid_until: datetime | None = None
    retired_at: datetime | None = None


class DutyList(Value):
    """社区职责清单: the categories a unit may be sent; nothing else may reach it. Units without one take all."""

    id: str
    unit_id: str
    category_codes: tuple[str, ...]
    retired_at: datetime | None = None


class WordList(Value):
    """Words that may only raise the urgency (danger to life), or open the crisis path: the caller is put through to
    `service` first, then the case is written."""

    id: str
    words: tuple[str, ...]
    urgency: Urgency | None = None
    service: EmergencyService | None = None
    retired_at: datetime | None = None


class Snippet(Value):
    """知识: what an operator may answer at once."""

    id: str
    title: Name
    text: Name
    category_code: str | None = None
    keywords: tuple[str, ...] = ()
    retired_at: datetime | None = None
