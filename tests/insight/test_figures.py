"""Figures: n/d from the read side, printed and drilled down; what counts and what does not."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from services.insight.figures.definition import (
    Form,
    MadeOf,
    Rounding,
    RoundingMode,
    Value,
    percentage,
    printed,
    text,
)
from services.insight.figures.printed import PRINTED, possible_numerators
from services.insight.figures.shipped import DEFINITIONS, SHIPPED, VERSIONS
from services.insight.queries import counts
from services.insight.queries.counts import Narrow
from services.insight.queries.grains import GRAINS
from shared.database import Database
from shared.vocabulary import ClosedBy, Outcome, Satisfaction, Urgency
from tests.insight.stories import dissatisfied, manhole_at_night, nobody_answers, satisfied
from tests.insight.story import CALLED, Story

FoldStories = Callable[..., Awaitable[None]]
TOP = ("civil-affairs",)
LATER = CALLED + timedelta(days=60)


def scope(
    starts: datetime = CALLED - timedelta(days=1),
    ends: datetime = CALLED + timedelta(days=30),
    now: datetime = LATER,
    units: tuple[str, ...] = TOP,
    narrow: Narrow = counts.EVERYTHING,
) -> counts.Scope:
    return counts.Scope(units, starts, ends, now, narrow)


async def figure(database: Database, name: str, within: counts.Scope | None = None) -> Value:
    async with database.transaction() as tx:
        return await counts.value(tx, DEFINITIONS[name], within or scope())


# ── printing ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("n", "d", "rounding", "expected"),
    [
        ("0", 0, Rounding(), "0/0 (n/a)"),
        ("0", 3, Rounding(), "0/3 (0.0 %)"),
        ("3", 3, Rounding(), "3/3 (100.0 %)"),
        ("687", 721, Rounding(), "687/721 (95.3 %)"),
        ("687", 721, Rounding(RoundingMode.TRUNCATE), "687/721 (95.2 %)"),
        ("1", 16, Rounding(), "1/16 (6.3 %)"),
        ("1", 16, Rounding(RoundingMode.HALF_EVEN), "1/16 (6.2 %)"),
        ("3", 16, Rounding(RoundingMode.HALF_EVEN), "3/16 (18.8 %)"),
        ("1", 16, Rounding(RoundingMode.TRUNCATE), "1/16 (6.2 %)"),
        ("2", 3, Rounding(RoundingMode.TRUNCATE, decimals=0), "2/3 (66 %)"),
        ("686", 721, Rounding(), "686/721 (95.1 %)"),
        ("18.9", 20, Rounding(), "18.9/20 (94.5 %)"),
        ("20.0", 20, Rounding(decimals=0), "20/20 (100 %)"),
        ("1", 3, Rounding(decimals=2), "1/3 (33.33 %)"),
    ],
)
def test_figures_are_printed_with_n_and_d(n: str, d: int, rounding: Rounding, expected: str) -> None:
    assert text(Value(Decimal(n), d), rounding) == expected


def test_no_rounding_of_721_gives_the_printed_95_2_but_truncation_of_687() -> None:
    """Product §10, S1-a: the article's own figure is undefined; it is kept as printed, ours with n and d."""
    [article] = [known for known in PRINTED if known.id == "S1-a"]
    assert (article.printed, article.n, article.d) == ("95.2 %", None, 721)
    assert article.rounding == Rounding(RoundingMode.TRUNCATE)
    found = {mode: possible_numerators(Decimal("95.2"), 721, Rounding(mode)) for mode in RoundingMode}
    assert found == {RoundingMode.HALF_UP: [], RoundingMode.HALF_EVEN: [], RoundingMode.TRUNCATE: [687]}


def test_nothing_to_divide_by_is_neither_nought_nor_all() -> None:
    assert percentage(Value(Decimal(0), 0), Rounding()) is None
    assert printed(Value(Decimal(0), 0)) == "0/0"


# ── definitions ───────────────────────────────────────────────────────────────────────────────────────────────────

EVERY_VERSION_SHIPPED = {
    ("solution_rate", 1): "52f9c5eb3f54",
    ("satisfaction_rate", 1): "5beac1d1173e",
    ("response_rate", 1): "77967e597110",
    ("follow_ups_reached", 1): "ef23f23f0041",
    ("follow_ups_coached", 1): "8f261a54e25d",
    ("on_time_arrival", 1): "fbeee5566be9",
    ("on_time_arrival_since_told", 1): "14cf39c299db",
    ("on_time_arrival", 2): "57dcb5a7d498",
    ("on_time_arrival_since_told", 2): "5976d5450c5f",
    ("device_times_accepted", 1): "e20741cac492",
    ("emergency_success", 1): "58dada6c9620",
    ("registered", 1): "d343130ec5df",
    ("resolved", 1): "5ded8daf58d7",
    ("handled_in_time", 1): "6419e72474f4",
    ("closed_in_time", 1): "29dabbf7797d",
    ("returned", 1): "90868311673f",
    ("reopened_within_30_days", 1): "0634bafb8b4a",
    ("hand_overs_per_case", 1): "a1ec45940e4e",
    ("duplicates", 1): "a84df83392aa",
    ("without_follow_up", 1): "182cc4d4b090",
    ("burden_commands", 1): "7b9b91673d21",
    ("burden_fields", 1): "52836731d53c",
    ("burden_photos", 1): "11934032ace1",
    ("burden_minutes", 1): "d4b7e88850d1",
    ("burden_double_entries", 1): "4c3ebd5061c7",
    ("burden_fields", 2): "6f19251daaf9",
    ("burden_taps", 1): "e2aa557d48d5",
    ("solution_rate", 2): "6ed3b19982d5",
    ("burden_commands", 2): "af76bfe84657",
    ("mass_task_reached", 1): "b3343980e427",
    ("round_stops_done", 1): "7fe202d6ded7",
}


def test_a_shipped_definition_never_changes_its_meaning() -> None:
    """Another meaning is another version: add it, and keep the old line here."""
    assert {(d.name, d.version): meaning(d) for d in SHIPPED}.items() <= EVERY_VERSION_SHIPPED.items()


LATER_FIELDS = {"form": Form.SHARE, "made_of": MadeOf.CASES}
"""Fields that came after the first definitions; at these values they say what was meant before."""


def meaning(definition: object) -> str:
    fields = {k: v for k, v in vars(definition).items() if k not in LATER_FIELDS or v != LATER_FIELDS[k]}
    told = repr([(name, _plain(fields[name])) for name in sorted(fields)]) + GRAINS[fields["counts"]]
    return hashlib.sha256("".join(told.split()).encode()).hexdigest()[:12]


def _plain(value: object) -> object:
    return sorted((str(k), str(v)) for k, v in value.items()) if hasattr(value, "items") else value


def test_every_definition_has_its_query_and_its_companions() -> None:
    assert {d.counts for d in SHIPPED} == set(GRAINS)
    assert len(VERSIONS) == len(SHIPPED)
    assert {other for d in SHIPPED for other in d.beside} <= set(DEFINITIONS)
    for rate in ("response_rate", "solution_rate", "satisfaction_rate"):
        assert "follow_ups_reached" in DEFINITIONS[rate].beside


def test_solved_and_satisfied_stand_before_on_time() -> None:
    order = list(DEFINITIONS)
    assert order.index("solution_rate") < order.index("satisfaction_rate") < order.index("on_time_arrival")


# ── on-time arrival ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("arrives", "n"), [(14.0, 1), (15.0, 1), (15.01, 0), (17.0, 0)])
async def test_arrival_counts_until_the_fifteenth_minute(
    database: Database, fold_stories: FoldStories, arrives: float, n: int
) -> None:
    await fold_stories(manhole_at_night(arrives=arrives))
    assert await figure(database, "on_time_arrival") == Value(Decimal(n), 1)


async def test_never_arrived_counts_as_late_once_due(database: Database, fold_stories: FoldStories) -> None:
    story = Story()
    story.registered()
    await fold_stories(story)
    before = scope(now=CALLED + timedelta(minutes=14, seconds=59))
    assert await figure(database, "on_time_arrival", before) == Value(Decimal(0), 0)
    due = scope(now=CALLED + timedelta(minutes=15))
    assert await figure(database, "on_time_arrival", due) == Value(Decimal(0), 1)


async def test_both_clocks_stand_side_by_side(database: Database, fold_stories: FoldStories) -> None:
    """B was told a minute after the call: 15 min 30 s from the call are 14 min 30 s from the offer."""
    await fold_stories(manhole_at_night(arrives=15.5))
    assert await figure(database, "on_time_arrival") == Value(Decimal(0), 1)
    assert await figure(database, "on_time_arrival_since_told") == Value(Decimal(1), 1)


@pytest.mark.parametrize("outcome", [Outcome.MERGED, Outcome.WITHDRAWN])
async def test_merged_and_withdrawn_cases_are_out(
    database: Database, fold_stories: FoldStories, outcome: Outcome
) -> None:
    story = Story()
    story.registered()
    story.closed(3, outcome=outcome, by=ClosedBy.WITHDRAWAL, level=None)
    await fold_stories(story)
    assert await figure(database, "on_time_arrival") == Value(Decimal(0), 0, excluded=1)


async def test_routine_cases_have_no_fifteen_minutes(database: Database, fold_stories: FoldStories) -> None:
    await fold_stories(manhole_at_night(urgency=Urgency.ROUTINE))
    assert (await figure(database, "on_time_arrival")).d == 0


@pytest.mark.parametrize(
    ("starts", "ends", "d"),
    [(15, 16, 1), (0, 15, 0), (15.001, 30, 0), (0, 15.001, 1)],
)
async def test_a_case_belongs_to_the_period_in_which_it_is_due(
    database: Database, fold_stories: FoldStories, starts: float, ends: float, d: int
) -> None:
    await fold_stories(manhole_at_night())
    span = scope(CALLED + timedelta(minutes=starts), CALLED + timedelta(minutes=ends))
    assert (await figure(database, "on_time_arrival", span)).d == d


async def test_a_unit_counts_everything_below_it_and_nothing_beside_it(
    database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(manhole_at_night(grid="grid-a1"), manhole_at_night(grid="grid-a2", arrives=20))
    found = {
        unit: await figure(database, "on_time_arrival", scope(units=(unit,)))
        for unit in ("grid-a1", "grid-a2", "community-a", "community-b")
    }
    assert {unit: printed(value) for unit, value in found.items()} == {
        "grid-a1": "1/1",
        "grid-a2": "0/1",
        "community-a": "1/2",
        "community-b": "0/0",
    }


async def test_721_emergencies_over_seven_grids(database: Database, fold_stories: FoldStories) -> None:
    """Scenario 4, with the 687 that truncation would need: the percentage never stands without its n/d."""
    stories = [
        manhole_at_night(
            arrives=14 if n < 687 else 18,
            grid=f"grid-a{n % 7 + 1}",
            number=f"2000-{n:04}",
            called=CALLED + timedelta(minutes=n),
        )
        for n in range(721)
    ]
    await fold_stories(*stories)
    value = await figure(database, "on_time_arrival")
    assert text(value, DEFINITIONS["on_time_arrival"].rounding) == "687/721 (95.3 %)"
    by_grid = [await figure(database, "on_time_arrival", scope(units=(f"grid-a{n}",))) for n in range(1, 8)]
    assert (sum(v.n for v in by_grid), sum(v.d for v in by_grid)) == (value.n, value.d)
    assert await drilled_down(database, "on_time_arrival", "n", page=100) == 687
    assert await drilled_down(database, "on_time_arrival", "d", page=100) == 721


async def drilled_down(database: Database, name: str, side: str, page: int = 2) -> int:
    """How many different members all the pages together list."""
    seen: set[tuple[object, int]] = set()
    place: counts.Place | None = None
    while True:
        async with database.transaction() as tx:
            rows = await counts.members(tx, DEFINITIONS[name], scope(), side, place, page)
        seen |= {(row["case_id"], row["part"]) for row in rows}
        if len(rows) < page:
            return len(seen)
        place = counts.Place(rows[-1]["at"], rows[-1]["case_id"], rows[-1]["part"])


# ── the three rates ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_satisfaction_is_weighted_by_the_definition(
    database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(*(satisfied(manhole_at_night(), satisfaction=answer) for answer in Satisfaction))
    value = await figure(database, "satisfaction_rate")
    assert (printed(value), percentage(value, Rounding())) == ("2.9/6", Decimal("48.3"))
    assert await drilled_down(database, "satisfaction_rate", "n") == 3
    assert await drilled_down(database, "satisfaction_rate", "d") == 6


async def test_a_question_not_answered_is_left_out_of_its_rate_only(
    database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(satisfied(manhole_at_night(), satisfaction=None), satisfied(manhole_at_night()))
    assert await figure(database, "satisfaction_rate") == Value(Decimal(1), 1, excluded=1)
    assert await figure(database, "solution_rate") == Value(Decimal(2), 2)


@pytest.mark.parametrize(("days", "n"), [(29, 0), (31, 1)])
async def test_reopened_within_thirty_days_was_not_solved(
    database: Database, fold_stories: FoldStories, days: int, n: int
) -> None:
    story = satisfied(manhole_at_night())
    story.reopened(60 + days * 24 * 60)
    await fold_stories(story)
    assert await figure(database, "solution_rate") == Value(Decimal(n), 1)


async def test_each_round_has_a_follow_up_of_its_own(database: Database, fold_stories: FoldStories) -> None:
    await fold_stories(dissatisfied(manhole_at_night()))
    assert await figure(database, "solution_rate") == Value(Decimal(1), 2)
    assert await figure(database, "satisfaction_rate") == Value(Decimal(1), 2)
    assert await figure(database, "response_rate") == Value(Decimal(2), 2)
    assert await drilled_down(database, "solution_rate", "d", page=1) == 2


async def test_nobody_reached_is_in_no_rate_but_beside_them(
    database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(nobody_answers(), satisfied(manhole_at_night()))
    assert await figure(database, "solution_rate") == Value(Decimal(1), 1)
    assert await figure(database, "follow_ups_reached") == Value(Decimal(1), 2)


async def test_a_follow_up_counts_as_not_reached_after_a_day(
    database: Database, fold_stories: FoldStories
) -> None:
    story = manhole_at_night()  # asked 34 minutes after the call
    await fold_stories(story)
    same_day = scope(now=CALLED + timedelta(hours=24))
    next_day = scope(now=CALLED + timedelta(hours=24, minutes=34))
    assert await figure(database, "follow_ups_reached", same_day) == Value(Decimal(0), 0, excluded=1)
    assert await figure(database, "follow_ups_reached", next_day) == Value(Decimal(0), 1)


async def test_coached_answers_are_seen(database: Database, fold_stories: FoldStories) -> None:
    await fold_stories(satisfied(manhole_at_night(), coached=True), satisfied(manhole_at_night()))
    assert await figure(database, "follow_ups_coached") == Value(Decimal(1), 2)


async def test_with_no_cases_every_figure_is_empty(database: Database) -> None:
    for name in DEFINITIONS:
        assert await figure(database, name) == Value(Decimal(0), 0)


async def test_every_drill_down_is_as_long_as_its_figure(
    database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(
        satisfied(manhole_at_night()),
        satisfied(manhole_at_night(arrives=17), satisfaction=None),
        dissatisfied(manhole_at_night()),
        nobody_answers(),
    )
    for name in DEFINITIONS:
        value = await figure(database, name)
        async with database.transaction() as tx:
            rows = await counts.members(tx, DEFINITIONS[name], scope(), "n", None, 100)
        assert sum(row["counted"] for row in rows) == value.n
        assert await drilled_down(database, name, "d") == value.d
        assert await drilled_down(database, name, "excluded") == value.excluded
