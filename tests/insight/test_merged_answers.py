"""What the requesters of merged cases say counts for the case that was handled: one who is not content sends the parent
back, and then none of those who said that it is solved counts as solved (product §8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from services.insight.figures.definition import printed
from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts, rows
from shared.database import Database
from shared.vocabulary import ReopenReason, Role, Satisfaction
from tests.insight.matters_of_intake import merged_with_answer
from tests.insight.stories import manhole_at_night
from tests.insight.story import Story
from tests.insight.test_figures import figure, scope
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
DAY = 24 * 60


def answered_by(answer: dict[str, Any], *, reopened_at: float | None = 70) -> tuple[Story, Story]:
    """The parent's requester says that it is solved; what that of its merged part says, and when it is reopened."""
    parent = manhole_at_night(number="1000-0001")
    part = merged_with_answer(Story(number="1000-0002"), parent, **answer)
    parent.answered(60)
    if reopened_at is not None:
        because = ReopenReason.DISSATISFIED if answer.get("solved", True) else ReopenReason.NOT_SOLVED
        parent.reopened(reopened_at, follow_up_id=part.follow_up_id, because=because)
    return parent, part


UNSOLVED = {"solved": False, "satisfaction": Satisfaction.DISSATISFIED}
SOLVED_AND_UNHAPPY = {"solved": True, "satisfaction": Satisfaction.DISSATISFIED}


@pytest.mark.parametrize(
    ("answer", "reopened_at", "rate"),
    [
        ({}, None, "2/2"),
        (UNSOLVED, 70, "0/2"),
        (SOLVED_AND_UNHAPPY, 70, "0/2"),
        (UNSOLVED, 60 + 29 * DAY, "0/2"),
        (UNSOLVED, 60 + 31 * DAY, "1/2"),
        (SOLVED_AND_UNHAPPY, 60 + 31 * DAY, "2/2"),
    ],
)
async def test_who_is_not_content_with_a_merged_case_takes_the_others_along(
    database: Database,
    fold_stories: FoldStories,
    answer: dict[str, Any],
    reopened_at: float | None,
    rate: str,
) -> None:
    await fold_stories(*answered_by(answer, reopened_at=reopened_at))
    assert printed(await figure(database, "solution_rate")) == rate


async def test_a_parent_has_no_follow_up_but_its_own(database: Database, fold_stories: FoldStories) -> None:
    parent, part = answered_by(UNSOLVED)
    await fold_stories(parent, part)
    async with database.transaction() as tx:
        stored = await rows.load(tx, [parent.case_id, part.case_id])
    [own], [parts] = stored[parent.case_id].follow_ups, stored[part.case_id].follow_ups
    assert (own.follow_up_id, own.solved, own.reopened_at) == (parent.follow_up_id, True, None)
    assert (parts.follow_up_id, parts.solved, parts.reopened_at) == (part.follow_up_id, False, None)
    assert [known.reopened_at is None for known in stored[parent.case_id].rounds] == [False, True]


async def test_contested_on_the_tracking_page_is_not_solved(
    database: Database, fold_stories: FoldStories
) -> None:
    """Nobody's follow-up is named then."""
    story = manhole_at_night()
    story.answered(60)
    story.closed(60)
    story.reopened(60 + 10 * DAY, follow_up_id=None, because=ReopenReason.CONTESTED)
    await fold_stories(story)
    assert printed(await figure(database, "solution_rate")) == "0/1"


async def test_the_next_round_is_asked_anew(database: Database, fold_stories: FoldStories) -> None:
    """Both say that it is solved after the second round; what they said after the first stays as it counted."""
    parent, part = answered_by(UNSOLVED)
    parent.part_id = parent.follow_up_id
    accepted = parent.accepted(80, parent.offered(75, "p-grid-a1-a"))
    handled = parent.handled(100, accepted)
    parent.asked(100, handled)
    parent.answered(110)
    parent.closed(110)
    part.round = 2
    part.asked(100, handled)
    part.answered(120)
    await fold_stories(parent, part)
    assert printed(await figure(database, "solution_rate")) == "2/4"
    async with database.transaction() as tx:
        [row] = [
            found
            for found in await counts.members(tx, DEFINITIONS["solution_rate"], scope(), "n", None, 10)
            if found["case_id"] == part.case_id
        ]
    assert row["part"] == 2


async def test_what_the_requesters_of_merged_cases_say_is_said_of_who_handled_it(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(*answered_by({}, reopened_at=None))
    assert await solved_by(client, "p-grid-a1-b") == "2/2 (100.0 %)"


async def test_one_who_is_not_content_takes_the_others_along_for_a_person_too(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(*answered_by(SOLVED_AND_UNHAPPY))
    assert await solved_by(client, "p-grid-a1-b") == "0/2 (0.0 %)"


async def solved_by(client: httpx.AsyncClient, person_id: str) -> str:
    answer = await client.get(
        "/appraisal/people",
        headers=an_issuer().headers("p-somebody", (Role.SUPERVISOR, "street")),
        params={"from": "2026-03-01", "to": "2026-04-01", "unit": "community-a"},
    )
    [row] = [row for row in answer.json()["rows"] if row["id"] == person_id]
    return next(str(cell["text"]) for cell in row["figures"] if cell["figure"] == "solved")
