"""The live board: what runs, what is about to be late, what is late; never older than two seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest
from annotated_types import Le

from services.insight.api.board import (
    STALE_SECONDS_MAX,
    Board,
    Pictures,
    _pictures_of,
    for_reader,
    make_picture,
)
from services.insight.settings import Settings
from shared.database import Database
from shared.identity import SignedIn
from shared.things import Grant
from shared.vocabulary import Role
from tests.insight.conftest import Fold
from tests.insight.stories import dissatisfied, manhole_at_night, nobody_answers, satisfied
from tests.insight.story import CALLED, Story
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
STREET = ("street",)


@pytest.fixture
def at(database: Database) -> Callable[[float], Awaitable[None]]:
    """Let the business clock stand still so many minutes after the call."""

    async def stand(minutes: float) -> None:
        async with database.transaction() as tx:
            await tx.rows(
                "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :sim_from, 0)",
                sim_from=CALLED + timedelta(minutes=minutes),
            )

    return stand


def waiting(number: str = "6000-1", **changes: Any) -> Story:
    story = Story(number=number, **changes)
    registered = story.registered()
    story.clocks(0, registered, acknowledge=6, arrive=15, handle=240)
    return story


@pytest.mark.parametrize(
    ("minute", "amber", "red"), [(4.7, 0, 0), (4.8, 1, 0), (5.9, 1, 0), (6, 0, 1), (300, 0, 1)]
)
async def test_colours_follow_the_clock_and_wait_for_nobody(
    database: Database, fold_stories: FoldStories, at: Any, minute: float, amber: int, red: int
) -> None:
    """No DeadlineAmber or DeadlineMissed was told: were escalation to stand still, the board turns red all the same."""
    await fold_stories(waiting())
    await at(minute)
    board = await make_picture(database, STREET)
    assert (board.counts["amber"], board.counts["red"]) == (amber, red)
    assert (len(board.about_to_be_late), len(board.late)) == (amber, red)


async def test_columns_show_the_most_pressing_first(
    database: Database, fold_stories: FoldStories, at: Any
) -> None:
    await fold_stories(*(waiting(f"6000-{n}", called=CALLED + timedelta(seconds=n)) for n in (3, 1, 2)))
    await at(5.5)
    board = await make_picture(database, STREET)
    assert [card["number"] for card in board.about_to_be_late] == ["6000-1", "6000-2", "6000-3"]
    assert board.oldest_unaccepted is not None
    assert board.oldest_unaccepted["number"] == "6000-1"
    assert board.counts["oldest_unaccepted_at"].startswith("2026-03-02T02:10:01")


async def test_what_is_closed_is_not_on_the_board(database: Database, fold_stories: FoldStories) -> None:
    await fold_stories(satisfied(manhole_at_night()))
    board = await make_picture(database, STREET)
    assert board.counts["running"] == 0
    assert board.oldest_unaccepted is None


async def test_raised_and_supervised_cases_have_a_column(
    database: Database, fold_stories: FoldStories
) -> None:
    supervised, raised = dissatisfied(manhole_at_night()), nobody_answers()
    for story in (supervised, raised):
        story.told = [told for told in story.told if told.event.type != "yike.case.closed"]
    await fold_stories(supervised, raised)
    board = await make_picture(database, STREET)
    assert (board.counts["raised"], board.counts["supervised"]) == (2, 1)
    assert {card["number"] for card in board.raised_and_supervised} == {"1000-0001"}


async def test_a_raised_case_is_unaccepted_until_the_new_level_takes_it(
    database: Database, fold_stories: FoldStories
) -> None:
    story = nobody_answers()
    raised = next(n for n, event in enumerate(story.events) if event.type == "yike.case.escalated")
    before = Story(case_id=story.case_id)
    before.told = story.told[: raised + 1]
    await fold_stories(before)
    assert (await make_picture(database, STREET)).counts["unaccepted"] == 1


async def test_on_duty_counts_who_holds_a_post_that_must_be_manned(database: Database) -> None:
    """In the test's world the B holders sleep, and the volunteer holds no such post."""
    board = await make_picture(database, ("community-a",))
    assert (board.on_duty.n, board.on_duty.d) == (8, 15)


async def test_a_picture_is_shared_and_never_older_than_it_may_be(
    database: Database, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 100.0
    monkeypatch.setattr("services.insight.api.board.time", SimpleNamespace(monotonic=lambda: at))
    pictures = Pictures(database, fresh_seconds=1.5)
    first, age = await pictures.of(STREET)
    await fold_stories(waiting())
    at += 1.25
    again, later = await pictures.of(STREET)
    assert again is first
    assert (age, later) == (0.0, 1.25)
    at += 0.25
    newer, age = await pictures.of(STREET)
    assert (newer.counts["running"], age) == (1, 0.0)


def test_no_setting_lets_the_board_grow_old() -> None:
    """Half of it before the picture is sent, and all of it until the next one is."""
    [longest] = [most.le for most in Settings.model_fields["board_seconds"].metadata if isinstance(most, Le)]
    assert isinstance(longest, float)
    assert 1.5 * longest < STALE_SECONDS_MAX


async def test_whoever_watched_leaves_nothing_behind(database: Database) -> None:
    """A city has many sets of units to watch, and a process runs for months."""
    pictures = Pictures(database, fresh_seconds=0.0)
    for unit in ("street", "community-a", "community-b"):
        await asyncio.gather(*(pictures.of((unit,)) for _ in range(2)))
    assert dict(pictures._making) == {}


async def test_a_change_is_on_the_stream_with_the_next_picture(database: Database, fold: Fold) -> None:
    """A picture lasts half as long as the pause between two."""
    watcher = SignedIn("p-s", grants=(Grant(role=Role.SUPERVISOR, unit_id="street"),))
    source = _pictures_of(Pictures(database, 0.05), STREET, watcher, every_seconds=0.1)
    try:
        first = await anext(source)
        assert first.event == "board"
        assert orjson.loads(first.data)["counts"]["running"] == 0
        await fold(waiting().events)
        assert orjson.loads((await anext(source)).data)["counts"]["running"] == 1
    finally:
        await source.aclose()  # type: ignore[attr-defined]


async def test_the_stream_ends_so_that_nobody_watches_on_with_the_rights_of_yesterday(
    database: Database,
) -> None:
    watcher = SignedIn("p-s", grants=(Grant(role=Role.SUPERVISOR, unit_id="street"),))
    pictures = Pictures(database, 0.5)
    told = [e async for e in _pictures_of(pictures, STREET, watcher, every_seconds=0.01, lasts_seconds=0.05)]
    assert 1 <= len(told) <= 5


async def test_a_reader_sees_the_counts_and_no_names(
    database: Database, fold_stories: FoldStories, at: Any
) -> None:
    await fold_stories(waiting())
    await at(10)
    board: Board = await make_picture(database, STREET)
    reader = SignedIn("p-r", grants=(Grant(role=Role.READER, unit_id="street"),))
    seen = for_reader(board, reader)
    assert seen.counts == board.counts
    assert board.late[0]["headline"] == "井盖缺失"
    assert (seen.late[0]["headline"], seen.late[0]["place_label"]) == (None, None)


async def test_the_board_over_http(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    await fold_stories(waiting())
    headers = an_issuer().headers("p-s", (Role.SUPERVISOR, "street"))
    board = (await client.get("/board", headers=headers, params={"unit": "community-a"})).json()
    assert board["counts"]["running"] == 1
    assert board["unit_ids"] == ["community-a"]
    elsewhere = (await client.get("/board", headers=headers, params={"unit": "community-b"})).json()
    assert elsewhere["counts"]["running"] == 0
