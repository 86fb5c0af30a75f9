"""Whoever worked on a case reads it, but neither whom it is asked about nor what they said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.vocabulary import NoticeKind, Role
from tests.insight.matters_of_intake import merged
from tests.insight.stories import manhole_at_night, satisfied
from tests.insight.story import Story
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
HANDLER, LET_IT_LAPSE = "p-grid-a1-b", "p-grid-a1-a"


async def read(client: httpx.AsyncClient, story: Story, path: str, person: str, role: Role, unit: str) -> Any:
    headers = an_issuer().headers(person, (role, unit))
    answer = await client.get(f"/cases/{story.case_id}{path}", headers=headers, params={"language": "zh"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("person", "role", "unit", "sees"),
    [
        (HANDLER, Role.GRID_WORKER, "grid-a1", False),
        (HANDLER, Role.UNIT_OFFICER, "community-a", False),
        (HANDLER, Role.SUPERVISOR, "community-a", False),
        (LET_IT_LAPSE, Role.GRID_WORKER, "grid-a1", True),
        ("p-street-s1", Role.SUPERVISOR, "street", True),
    ],
)
async def test_who_worked_on_it_reads_nothing_of_the_follow_up(
    client: httpx.AsyncClient,
    fold_stories: FoldStories,
    person: str,
    role: Role,
    unit: str,
    sees: bool,
) -> None:
    story = satisfied(manhole_at_night())
    story.told_to(300, "", NoticeKind.PLEASE_ANSWER)
    await fold_stories(story)
    case = await read(client, story, "", person, role, unit)
    assert case["state"] == "closed"
    assert "held_by" not in case
    assert (case["requester_can_be_asked"], bool(case["follow_ups"])) == (
        (True, True) if sees else (None, False)
    )
    lines = (await read(client, story, "/timeline", person, role, unit))["lines"]
    types = {line["type"] for line in lines}
    assert {"yike.case.handled", "yike.case.closed"} <= types
    assert ({"yike.follow_up.opened", "yike.follow_up.recorded"} <= types) == sees
    assert ("please_answer" in {line["data"].get("kind") for line in lines}) == sees
    assert ("requester_can_be_asked" in lines[0]["data"]) == sees


async def test_nor_of_a_case_that_is_part_of_theirs(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    parent = satisfied(manhole_at_night())
    part = merged(Story(number="1000-0002"), parent)
    await fold_stories(parent, part)
    for person, sees in ((HANDLER, False), ("p-grid-a1-w", True)):
        case = await read(client, part, "", person, Role.GRID_WORKER, "grid-a1")
        assert (case["requester_can_be_asked"] is not None) == sees
