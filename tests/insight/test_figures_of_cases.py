"""How cases went, in figures: what is split, drilled down and counted once each thing happened to a case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from services.insight.figures.definition import Form, Value, change, percentage, printed, told
from services.insight.figures.printed import PRINTED
from services.insight.figures.shipped import DEFINITIONS, SHIPPED
from services.insight.queries import counts
from services.insight.queries.counts import Narrow
from services.insight.rules.naming import Dimension
from shared.database import Database
from shared.vocabulary import Channel, Level, Satisfaction
from tests.insight.matters import MATTERS, every_matter
from tests.insight.stories import dissatisfied, manhole_at_night, nobody_answers, satisfied
from tests.insight.story import CALLED, Story
from tests.insight.test_figures import figure, scope

FoldStories = Callable[..., Awaitable[None]]


def everything_that_happens() -> list[Story]:
    """Every straight story and every matter, each in a grid and channel of its own."""
    stories = [
        satisfied(manhole_at_night()),
        satisfied(manhole_at_night(arrives=17, grid="grid-a2"), satisfaction=None),
        dissatisfied(manhole_at_night(grid="grid-a3")),
        nobody_answers(),
        manhole_at_night(grid="grid-a4"),
        *every_matter(),
    ]
    for number, story in enumerate(stories):
        first = story.told[0]
        first.event = first.event.model_copy(update={"channel": list(Channel)[number % 3]})
    return stories


async def test_every_figure_is_as_long_as_its_drill_down_however_it_is_split(
    database: Database, fold_stories: FoldStories
) -> None:
    """n, d and what is left out are the cases listed; the groups of every dimension are its parts; and a drill-down
    into one group is as long as the group."""
    await fold_stories(*everything_that_happens())
    async with database.transaction() as tx:
        for definition in SHIPPED:
            value = await counts.value(tx, definition, scope())
            for side, length in (("d", value.d), ("excluded", value.excluded)):
                assert len(await counts.members(tx, definition, scope(), side, None, 500)) == length
            n = await counts.members(tx, definition, scope(), "n", None, 500)
            assert sum(row["counted"] for row in n) == value.n
            if definition.form is not Form.PER_CASE and not definition.weights:
                assert len(n) == value.n
            for by in Dimension:
                split = await counts.groups(tx, definition, scope(), by)
                assert sum(part.n for part in split.values()) == value.n
                assert sum(part.d for part in split.values()) == value.d
                if by is Dimension.CHANNEL:
                    for key, part in split.items():
                        within = scope(narrow=Narrow(channel=key))
                        assert await counts.value(tx, definition, within) == part
                        assert len(await counts.members(tx, definition, within, "d", None, 500)) == part.d


async def test_721_runs_with_687_successes(database: Database, fold_stories: FoldStories) -> None:
    """S1-a: the events of a year; n and d apart, the printed figure beside them."""
    stories = [
        satisfied(
            manhole_at_night(
                arrives=14 if n < 687 else 18,
                grid=f"grid-a{n % 7 + 1}",
                number=f"2000-{n:04}",
                called=CALLED + timedelta(minutes=n),
            )
        )
        for n in range(721)
    ]
    await fold_stories(*stories)
    value = await figure(database, "emergency_success")
    assert value == Value(Decimal(687), 721)
    [article] = [known for known in PRINTED if known.id == "S1-a"]
    assert article.rounding is not None
    assert f"{percentage(value, article.rounding)} %" == article.printed
    assert told(value, DEFINITIONS["emergency_success"]) == "687/721 (95.3 %)"


async def test_78_cases_end_11_18_29_20_by_level(database: Database, fold_stories: FoldStories) -> None:
    """S3-a and scenario 5."""
    ended = {known.id.split("/")[1]: known for known in PRINTED if known.id.startswith("S3-a/")}
    stories = []
    for level, known in ended.items():
        assert known.n is not None
        for number in range(int(known.n)):
            story = manhole_at_night(number=f"3-{level}-{number}")
            story.answered(60)
            story.closed(60, level=Level(level))
            stories.append(story)
    await fold_stories(*stories)
    async with database.transaction() as tx:
        split = await counts.groups(tx, DEFINITIONS["resolved"], scope(), Dimension.RESOLVED_LEVEL)
    assert {level: part.n for level, part in split.items()} == {k: v.n for k, v in ended.items()}
    assert sum(part.n for part in split.values()) == 78


async def test_hotline_web_and_window_are_counted_by_channel(
    database: Database, fold_stories: FoldStories
) -> None:
    """S3-b: more than 200 by hotline and web, more than 500 at the window."""
    taken_in = {Channel.HOTLINE: 120, Channel.WEB: 85, Channel.WINDOW: 505}
    stories = []
    for channel, many in taken_in.items():
        for number in range(many):
            story = Story(number=f"{channel}-{number}")
            story.registered(channel=channel)
            stories.append(story)
    await fold_stories(*stories)
    async with database.transaction() as tx:
        split = await counts.groups(tx, DEFINITIONS["registered"], scope(), Dimension.CHANNEL)
    assert {key: part.n for key, part in split.items()} == taken_in
    by_id = {known.id: known for known in PRINTED}
    assert split["hotline"].n + split["web"].n >= (by_id["S3-b/hotline_and_web"].n or 0)
    assert split["window"].n >= (by_id["S3-b/window"].n or 0)


@pytest.mark.parametrize(
    ("name", "figure_", "expected"),
    [
        ("returned", "returned", "1/1"),
        ("withdrawn", "returned", "0/0"),
        ("merged", "duplicates", "1/1"),
        ("unmerged", "duplicates", "0/1"),
        ("merged", "on_time_arrival", "0/0"),
        ("merged", "handled_in_time", "0/0"),
        ("many_hands", "hand_overs_per_case", "2/1"),
        ("extended", "handled_in_time", "1/1"),
        ("refused", "handled_in_time", "0/1"),
        ("parked", "handled_in_time", "0/1"),
        ("extended", "without_follow_up", "1/1"),
        ("answered_at_once", "resolved", "0/0"),
        ("answered_at_once", "registered", "1/1"),
        ("not_accepted", "returned", "0/0"),
        ("doubtful", "on_time_arrival", "1/1"),
        ("doubtful", "device_times_accepted", "1/1"),
        ("returned", "device_times_accepted", "0/0"),
        ("doubtful", "emergency_success", "0/1"),
        ("talkative", "follow_ups_reached", "0/0"),
    ],
)
async def test_what_counts_and_what_does_not(
    database: Database, fold_stories: FoldStories, name: str, figure_: str, expected: str
) -> None:
    await fold_stories(MATTERS[name](Story()))
    assert printed(await figure(database, figure_)) == expected


async def test_reopened_counts_as_not_closed_and_not_a_success(
    database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(dissatisfied(manhole_at_night()), satisfied(manhole_at_night()))
    assert await figure(database, "emergency_success") == Value(Decimal(1), 2)
    assert await figure(database, "reopened_within_30_days") == Value(Decimal(1), 3)
    assert await figure(database, "closed_in_time") == Value(Decimal(1), 2)
    assert await figure(database, "handled_in_time") == Value(Decimal(3), 3)


async def test_who_may_still_become_a_success_is_neither_yet(
    database: Database, fold_stories: FoldStories
) -> None:
    """Handled in time and waiting for the follow-up; once the follow-up closes it, it is one."""
    story = manhole_at_night()
    await fold_stories(story)
    soon = scope(now=CALLED + timedelta(minutes=40))
    assert await figure(database, "emergency_success", soon) == Value(Decimal(0), 0, excluded=1)
    late = manhole_at_night(arrives=17)
    await fold_stories(late)
    assert await figure(database, "emergency_success", soon) == Value(Decimal(0), 1, excluded=1)


async def test_burden_is_what_people_did_for_the_case(database: Database, fold_stories: FoldStories) -> None:
    """B accepts, arrives, photographs, writes twice, handles: six commands, four fields, one photo, 32.5 minutes; that
    cannot have taken fewer than eleven taps."""
    await fold_stories(satisfied(manhole_at_night()))
    burden = {name: printed(await figure(database, name)) for name in DEFINITIONS if "burden" in name}
    assert burden == {
        "burden_commands": "6/1",
        "burden_fields": "4/1",
        "burden_photos": "1/1",
        "burden_minutes": "32.5/1",
        "burden_double_entries": "0/1",
        "burden_taps": "11/1",
    }


async def test_sources_of_answers_are_kept_apart(database: Database, fold_stories: FoldStories) -> None:
    await fold_stories(
        satisfied(manhole_at_night()),
        satisfied(manhole_at_night(), channel=Channel.PHONE, solved=True),
        satisfied(
            manhole_at_night(), channel=Channel.PAPER_CARD, satisfaction=Satisfaction.BASICALLY_SATISFIED
        ),
    )
    async with database.transaction() as tx:
        split = await counts.groups(tx, DEFINITIONS["satisfaction_rate"], scope(), Dimension.SOURCE)
    assert {key: printed(part) for key, part in split.items()} == {
        "link": "1/1",
        "paper_card": "0.9/1",
        "phone": "1/1",
    }


async def test_units_split_into_the_next_below(database: Database, fold_stories: FoldStories) -> None:
    await fold_stories(manhole_at_night(grid="grid-a1"), manhole_at_night(grid="grid-a2", arrives=20))
    async with database.transaction() as tx:
        definition = DEFINITIONS["on_time_arrival"]
        below_street = await counts.groups(tx, definition, scope(units=("street",)), Dimension.UNIT)
        below = await counts.groups(tx, definition, scope(units=("community-a",)), Dimension.UNIT)
        itself = await counts.groups(tx, definition, scope(units=("grid-a1",)), Dimension.UNIT)
    assert list(below_street) == ["community-a"]
    assert {unit: printed(part) for unit, part in below.items()} == {"grid-a1": "1/1", "grid-a2": "0/1"}
    assert list(itself) == ["grid-a1"]


def test_a_change_is_worked_out_from_the_exact_values() -> None:
    share, mean, count = (DEFINITIONS[n] for n in ("on_time_arrival", "hand_overs_per_case", "registered"))
    assert change(Value(Decimal(2), 3), Value(Decimal(1), 3), share) == Decimal("33.3")
    assert change(Value(Decimal(5), 4), Value(Decimal(1), 2), mean) == Decimal("0.75")
    assert change(Value(Decimal(7), 7), Value(Decimal(9), 9), count) == Decimal(-2)
    assert change(Value(Decimal(1), 1), Value(Decimal(0), 0), share) is None
