"""What may be put into the registry, by whom, and what becomes of a refresh token; no database needed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from services.registry import defaults
from services.registry.demo.people import people
from services.registry.demo.units import units
from services.registry.rules import duty
from services.registry.rules.flaws import flaws
from services.registry.rules.sign_in import ShownToken, Step, next_step
from services.registry.rules.things import Known, Thing, may_change, shown_to, stamped
from shared.things import (
    Calendar,
    Grant,
    LevelLimits,
    Limit,
    Name,
    OpeningHours,
    Person,
    Point,
    PostHeld,
    Shift,
    Unit,
)
from shared.vocabulary import ClockKind, Level, Post, Role, Urgency

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
UNITS = units(1)
DEMO = Known.of([*defaults.things(), *UNITS, *people(UNITS, 1)])
GRID, A_HOLDER = DEMO.units["grid-a1"], DEMO.people["p-grid-a1-a"]
EMERGENCY, MANHOLE, CALENDAR = (
    DEMO.policies["emergency"],
    DEMO.categories["manhole-cover"],
    DEMO.calendars["cn"],
)
BOW_TIE = tuple(Point(lon=lon, lat=lat) for lon, lat in ((0, 0), (1, 1), (1, 0), (0, 1)))


def a_shift(**changes: object) -> Shift:
    shift = Shift(
        id="s-1", person_id=A_HOLDER.id, unit_id=GRID.id, starts_at=NOON, ends_at=NOON + timedelta(hours=8)
    )
    return shift.model_copy(update=changes)


def altered(thing: Thing, **changes: object) -> Thing:
    return thing.model_copy(update=changes)


def test_the_demo_and_the_defaults_have_no_flaw() -> None:
    assert flaws(DEMO.things(), Known()) == []


@pytest.mark.parametrize(
    ("thing", "code"),
    [
        (altered(GRID, id=" "), "no-id"),
        (altered(GRID, parent_id="nowhere"), "unknown-parent"),
        (altered(DEMO.units["street"], parent_id="grid-a1"), "parent-circle"),
        (altered(GRID, id="grid-x", parent_id=None, polygon=()), "second-top"),
        (altered(GRID, level=Level.COMMUNITY), "level-not-below"),
        (altered(DEMO.units["community-a"], level=Level.GRID), "level-not-below"),
        (altered(DEMO.units["community-a"], retired_at=NOON), "has-units-below"),
        (altered(GRID, calendar_id="us"), "unknown-calendar"),
        (altered(GRID, households=-1), "households-negative"),
        (altered(GRID, polygon=BOW_TIE), "polygon-not-simple"),
        (altered(GRID, polygon=GRID.polygon[:2]), "polygon-too-small"),
        (altered(GRID, polygon=(Point(lon=500, lat=0), *GRID.polygon)), "polygon-off-earth"),
        (altered(GRID, polygon=DEMO.units["community-a"].polygon), "ground-shared"),
        (
            altered(GRID, opening_hours=(OpeningHours(weekday=8, opens=time(8), closes=time(9)),)),
            "weekday-unknown",
        ),
        (
            altered(GRID, opening_hours=(OpeningHours(weekday=1, opens=time(9), closes=time(8)),)),
            "closes-before-opening",
        ),
        (
            altered(GRID, opening_hours=(OpeningHours(weekday=1, opens=time(8), closes=time(12)),) * 2),
            "hours-overlap",
        ),
        (altered(A_HOLDER, posts=(PostHeld(post=Post.A, unit_id="nowhere"),)), "unknown-unit"),
        (altered(A_HOLDER, grants=(Grant(role=Role.READER, unit_id="nowhere"),)), "unknown-unit"),
        (a_shift(person_id="p-nobody"), "unknown-person"),
        (a_shift(unit_id="nowhere"), "unknown-unit"),
        (a_shift(ends_at=NOON), "ends-before-start"),
        (a_shift(starts_at=datetime(2026, 11, 20)), "no-time-zone"),  # noqa: DTZ001
        (altered(MANHOLE, policy_id="none"), "unknown-policy"),
        (altered(MANHOLE, urgency=Urgency.ROUTINE), "policy-of-other-urgency"),
        (altered(MANHOLE, levels=()), "no-level"),
        (altered(EMERGENCY, levels=()), "no-level"),
        (altered(EMERGENCY, levels=EMERGENCY.levels[:1] * 2), "level-twice"),
        (altered(EMERGENCY, levels=(LevelLimits(level=Level.GRID),)), "no-limit-that-raises"),
        (altered(EMERGENCY, follow_up=Limit(clock=ClockKind.MINUTES, amount=0)), "limit-not-positive"),
        (altered(EMERGENCY, offer_expires_after_seconds=0), "limit-not-positive"),
        (altered(EMERGENCY, amber_percent=100), "amber-out-of-range"),
        (altered(EMERGENCY, retired_at=NOON), "policy-in-use"),
        (altered(CALENDAR, time_zone="Mars/Olympus"), "unknown-time-zone"),
        (altered(CALENDAR, known_until=date(2020, 1, 1)), "day-after-known"),
        (altered(CALENDAR, workdays=CALENDAR.holidays[:1]), "holiday-and-workday"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_flaw_is_named(thing: Thing, code: str) -> None:
    assert code in {flaw.code for flaw in flaws([thing], DEMO)}


def test_what_one_change_brings_may_be_used_by_another_of_the_same() -> None:
    crossing = Unit(id="crossing", kind="building", name=Name(zh="路口", en="Crossing"), parent_id="grid-a1")
    keeper = altered(A_HOLDER, id="p-keeper", posts=(PostHeld(post=Post.WORKER, unit_id="crossing"),))

    assert flaws([keeper, crossing], DEMO) == []


def test_nothing_hangs_on_a_retired_unit() -> None:
    known = DEMO.after([altered(GRID, retired_at=NOON)])

    assert "retired-unit" in {flaw.code for flaw in flaws([A_HOLDER], known)}


def test_a_retired_grid_leaves_its_ground_to_another() -> None:
    known = DEMO.after([altered(GRID, retired_at=NOON)])

    assert flaws([altered(GRID, id="grid-a8")], known) == []


@pytest.mark.parametrize(
    ("granted_at", "thing", "allowed"),
    [
        ("civil-affairs", GRID, True),
        ("community-a", GRID, True),
        ("community-b", GRID, False),
        ("grid-a1", GRID, False),
        ("community-a", A_HOLDER, True),
        ("community-b", A_HOLDER, False),
        ("community-a", a_shift(), True),
        ("community-b", a_shift(), False),
        ("civil-affairs", EMERGENCY, True),
        ("street", EMERGENCY, False),
        ("civil-affairs", CALENDAR, True),
        (
            "community-a",
            altered(A_HOLDER, grants=(Grant(role=Role.ADMINISTRATOR, unit_id="civil-affairs"),)),
            False,
        ),
        ("community-b", altered(A_HOLDER, posts=(), grants=()), False),
    ],
)
def test_an_administrator_changes_what_lies_below(granted_at: str, thing: Thing, allowed: bool) -> None:
    grants = (Grant(role=Role.ADMINISTRATOR, unit_id=granted_at),)

    assert may_change(grants, thing, DEMO) is allowed


def test_other_roles_change_nothing() -> None:
    grants = tuple(
        Grant(role=role, unit_id="civil-affairs") for role in Role if role is not Role.ADMINISTRATOR
    )

    assert not may_change(grants, GRID, DEMO)


def test_retiring_happens_now_and_once() -> None:
    first = stamped(altered(GRID, retired_at=NOON - timedelta(days=9)), GRID, NOON)
    again = stamped(altered(GRID, retired_at=NOON), first, NOON + timedelta(days=1))

    assert first.retired_at == NOON == again.retired_at


def test_where_a_colleague_lives_is_not_shown() -> None:
    worker = (Grant(role=Role.GRID_WORKER, unit_id="grid-a1"),)
    administrator = (Grant(role=Role.ADMINISTRATOR, unit_id="street"),)

    assert shown_to(A_HOLDER, "p-grid-a2-a", worker).base is None
    assert shown_to(A_HOLDER, A_HOLDER.id, worker).base is not None
    assert shown_to(A_HOLDER, "p-administrator-1", administrator).base is not None


# ── duty ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_going_on_duty_makes_a_shift_in_the_unit_of_the_post() -> None:
    shift = duty.on_duty(A_HOLDER, [], NOON, NOON + timedelta(hours=4))

    assert shift is not None
    assert (shift.unit_id, shift.starts_at, shift.ends_at) == ("grid-a1", NOON, NOON + timedelta(hours=4))


def test_going_on_duty_again_makes_the_running_shift_longer() -> None:
    running = a_shift(starts_at=NOON - timedelta(hours=1), ends_at=NOON + timedelta(hours=1))

    shift = duty.on_duty(A_HOLDER, [running], NOON, NOON + timedelta(hours=4))

    assert shift == running.model_copy(update={"ends_at": NOON + timedelta(hours=4)})


def test_going_on_duty_never_makes_a_shift_shorter() -> None:
    assert duty.on_duty(A_HOLDER, [a_shift()], NOON, NOON + timedelta(hours=1)) == a_shift()


def test_nobody_is_on_duty_without_a_post() -> None:
    assert duty.on_duty(Person(id="p-1", name=A_HOLDER.name), [], NOON, NOON + timedelta(hours=1)) is None


def test_going_off_duty_ends_what_runs_and_nothing_else() -> None:
    running = a_shift(starts_at=NOON - timedelta(hours=1))
    later = a_shift(id="s-2", starts_at=NOON + timedelta(days=1), ends_at=NOON + timedelta(days=2))

    assert duty.off_duty([running, later], NOON) == [running.model_copy(update={"ends_at": NOON})]


def test_a_shift_begun_this_moment_is_taken_back() -> None:
    [shift] = duty.off_duty([a_shift()], NOON)

    assert shift.retired_at == NOON


@pytest.mark.parametrize(("hours", "possible"), [(-1, False), (0, False), (1, True), (24, True), (25, False)])
def test_nobody_stays_on_duty_for_more_than_a_day(hours: int, possible: bool) -> None:
    assert duty.may_stay_until(NOON, NOON + timedelta(hours=hours)) is possible


# ── refresh tokens ────────────────────────────────────────────────────────────────────────────────────────────────

UNUSED = ShownToken(NOON + timedelta(days=1), None, False, False, False)
USED = ShownToken(NOON + timedelta(days=1), NOON - timedelta(seconds=30), False, False, False)


@pytest.mark.parametrize(
    ("token", "step"),
    [
        (None, Step.REFUSE),
        (UNUSED, Step.ROTATE),
        (ShownToken(NOON, None, False, False, False), Step.REFUSE),
        (ShownToken(NOON + timedelta(days=1), None, False, True, False), Step.REFUSE),
        (ShownToken(NOON + timedelta(days=1), None, False, False, True), Step.REFUSE),
        (USED, Step.REPEAT),
        (ShownToken(USED.expires_at, USED.used_at, True, False, False), Step.REVOKE),
        (ShownToken(USED.expires_at, NOON - timedelta(seconds=61), False, False, False), Step.REVOKE),
    ],
)
def test_what_becomes_of_a_refresh_token(token: ShownToken | None, step: Step) -> None:
    assert next_step(token, NOON, lost_answer=timedelta(seconds=60)) is step


# ── policies and catalogue ────────────────────────────────────────────────────────────────────────────────────────

MINUTES, WORKING_HOURS = ClockKind.MINUTES, ClockKind.WORKING_HOURS
WORKING_DAYS, NATURAL_DAYS = ClockKind.WORKING_DAYS, ClockKind.NATURAL_DAYS


@pytest.mark.parametrize(
    ("policy_id", "level", "acknowledge", "handle"),
    [
        ("emergency", Level.GRID, (MINUTES, 6), (MINUTES, 240)),
        ("emergency", Level.COMMUNITY, (MINUTES, 10), (MINUTES, 720)),
        ("emergency", Level.STREET, (MINUTES, 15), (MINUTES, 1440)),
        ("emergency", Level.CIVIL_AFFAIRS, (MINUTES, 30), (NATURAL_DAYS, 3)),
        ("routine", Level.GRID, (WORKING_HOURS, 2), (WORKING_DAYS, 2)),
        ("routine", Level.COMMUNITY, (WORKING_HOURS, 2), (WORKING_DAYS, 3)),
        ("routine", Level.STREET, (WORKING_HOURS, 2), (WORKING_DAYS, 5)),
        ("routine", Level.CIVIL_AFFAIRS, (WORKING_HOURS, 2), (WORKING_DAYS, 10)),
        ("appointment", Level.GRID, (WORKING_HOURS, 4), (NATURAL_DAYS, 1)),
        ("appointment", Level.CIVIL_AFFAIRS, (WORKING_HOURS, 4), (WORKING_DAYS, 10)),
    ],
)
def test_the_clocks_are_those_of_the_policy_table(
    policy_id: str, level: Level, acknowledge: tuple[ClockKind, int], handle: tuple[ClockKind, int]
) -> None:
    limits = DEMO.policies[policy_id].limits(level)

    assert limits.acknowledge is not None
    assert limits.handle is not None
    assert (limits.acknowledge.clock, limits.acknowledge.amount) == acknowledge
    assert (limits.handle.clock, limits.handle.amount) == handle


def test_an_emergency_is_reached_within_fifteen_minutes() -> None:
    assert EMERGENCY.limits(Level.GRID).arrive == Limit(clock=MINUTES, amount=15)
    assert (EMERGENCY.offer_expires_after_seconds, EMERGENCY.leader_after_seconds) == (60, 180)
    assert all(policy.amber_percent == 80 for policy in DEMO.policies.values())
    assert all(policy.follow_up == Limit(clock=MINUTES, amount=1440) for policy in DEMO.policies.values())


def test_the_catalogue_is_broad_and_bilingual() -> None:
    categories = DEMO.categories.values()

    assert len(categories) >= 30
    assert {"市容环卫", "市政公用", "宣传广告", "施工管理", "突发事件", "街面秩序"} <= {
        c.class_name.zh for c in categories
    }
    assert all(c.name.zh and c.name.en and c.keywords for c in categories)
    emergencies = {c.code for c in categories if c.urgency is Urgency.EMERGENCY}
    assert len(emergencies) == 14, "the ten of the articles, and four of their other sudden events by name"


def test_the_calendar_knows_make_up_days_and_where_it_ends() -> None:
    calendar = next(thing for thing in defaults.things() if isinstance(thing, Calendar))

    assert date(2024, 2, 10) in calendar.holidays
    assert date(2024, 2, 4) in calendar.workdays
    assert calendar.known_until == date(2026, 12, 31)
