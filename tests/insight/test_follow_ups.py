"""What residents answer: progress calls are no follow-ups, and who was told what to answer is for supervisors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from services.insight.figures.definition import printed
from shared.database import Database
from shared.events.intake import FollowUpOpened, FollowUpRecorded
from shared.ids import uuid7
from shared.vocabulary import Channel, FollowUpKind, Role, Satisfaction
from tests.insight.stories import manhole_at_night, satisfied
from tests.insight.story import Story
from tests.insight.test_figures import figure
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
PERIOD = {"from": "2026-03-01", "to": "2026-03-31"}
ANSWERS = ("有人教过怎么答", "was told what to answer")


def called_about_progress(story: Story, minute: float) -> Story:
    """`handle` was missed: somebody calls, and the resident, asked or not, says what they think of it."""
    calling = {"follow_up_id": uuid7(), "round": story.round, "kind": FollowUpKind.PROGRESS}
    story.add(FollowUpOpened, minute, **calling, link_can_be_sent=False)
    story.add(
        FollowUpRecorded,
        minute + 1,
        channel=Channel.PHONE,
        **calling,
        attempt=1,
        reached=True,
        contacted=False,
        solved=False,
        satisfaction=Satisfaction.VERY_DISSATISFIED,
        coached=True,
    )
    return story


async def rates(database: Database) -> dict[str, str]:
    names = (
        "response_rate",
        "solution_rate",
        "satisfaction_rate",
        "follow_ups_reached",
        "follow_ups_coached",
    )
    return {name: printed(await figure(database, name)) for name in names}


async def test_a_progress_call_is_in_none_of_the_rates(database: Database, fold_stories: FoldStories) -> None:
    """Whether it came before the case was handled, or after."""
    before = Story()
    before.registered()
    called_about_progress(before, 241)
    await fold_stories(before, called_about_progress(satisfied(manhole_at_night()), 90))
    assert await rates(database) == {
        "response_rate": "1/1",
        "solution_rate": "1/1",
        "satisfaction_rate": "1/1",
        "follow_ups_reached": "1/1",
        "follow_ups_coached": "0/1",
    }


async def test_a_case_with_a_progress_call_only_was_not_followed_up(
    database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(called_about_progress(manhole_at_night(), 40))
    assert printed(await figure(database, "without_follow_up")) == "1/1"
    async with database.transaction() as tx:
        [row] = await tx.rows("SELECT progress_calls, progress_reached FROM cases")
    assert (row["progress_calls"], row["progress_reached"]) == (1, 1)


# ── who was told what to answer ───────────────────────────────────────────────────────────────────────────────────


def as_(role: Role, unit: str = "street") -> dict[str, str]:
    return an_issuer().headers("p-somebody", (role, unit))


async def asked(client: httpx.AsyncClient, path: str, headers: dict[str, str], **params: Any) -> Any:
    return await client.get(path, headers=headers, params=params)


@pytest.mark.parametrize(
    ("role", "unit", "sees"),
    [
        (Role.SUPERVISOR, "street", True),
        (Role.SUPERVISOR, "grid-a1", True),
        (Role.UNIT_OFFICER, "street", False),
        (Role.ADMINISTRATOR, "street", False),
        (Role.GRID_WORKER, "grid-a1", False),
        (Role.FOLLOW_UP_CALLER, "street", False),
        (Role.READER, "street", False),
        (Role.EVALUATOR, "street", False),
    ],
)
async def test_only_a_supervisor_reads_that_somebody_was_coached(
    client: httpx.AsyncClient, fold_stories: FoldStories, role: Role, unit: str, sees: bool
) -> None:
    story = satisfied(manhole_at_night(), coached=True)
    await fold_stories(story)
    for path in (f"/cases/{story.case_id}", f"/cases/{story.case_id}/timeline"):
        told = await asked(client, path, as_(role, unit))
        assert told.status_code == 200
        assert ("coached" in told.text) is sees
    for language, words in zip(("zh", "en"), ANSWERS, strict=True):
        told = await asked(client, f"/cases/{story.case_id}/timeline", as_(role, unit), language=language)
        assert (words in told.text) is sees


@pytest.mark.parametrize(
    ("role", "sees"), [(Role.SUPERVISOR, True), (Role.UNIT_OFFICER, False), (Role.READER, False)]
)
async def test_only_a_supervisor_reads_the_figure_of_it(
    client: httpx.AsyncClient, fold_stories: FoldStories, role: Role, sees: bool
) -> None:
    await fold_stories(satisfied(manhole_at_night(), coached=True))
    status = 200 if sees else 403
    for path in ("", "/cases", "/cases.csv", ".xlsx"):
        answer = await asked(client, f"/figures/follow_ups_coached{path}", as_(role), **PERIOD)
        assert answer.status_code == status
    everything = (await asked(client, "/figures", as_(role), **PERIOD)).json()
    assert ("follow_ups_coached" in {shown["name"] for shown in everything}) is sees
    beside = (await asked(client, "/figures/solution_rate", as_(role), **PERIOD)).json()["beside"]
    assert [shown["name"] for shown in beside] == ["follow_ups_reached", *["follow_ups_coached"] * sees]
    sheet = await asked(client, "/figures.csv", as_(role), **PERIOD)
    assert ("follow_ups_coached" in sheet.text) is sees


async def test_a_supervisor_of_one_unit_and_reader_of_another_reads_it_of_the_one(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(satisfied(manhole_at_night(), coached=True))
    both = an_issuer().headers("p-somebody", (Role.SUPERVISOR, "community-a"), (Role.READER, "community-b"))
    path = "/figures/follow_ups_coached"
    assert (await asked(client, path, both, **PERIOD, unit="community-a")).json()["printed"] == "1/1"
    assert (await asked(client, path, both, **PERIOD)).status_code == 403
    assert (await asked(client, path, both, **PERIOD, unit="community-b")).status_code == 403


async def test_a_snapshot_keeps_it_for_supervisors(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(satisfied(manhole_at_night(), coached=True))
    order = {"title": "三月", "unit": "community-a", "from": "2026-03-01", "to": "2026-04-01"}
    taken = await client.post("/snapshots", headers=as_(Role.SUPERVISOR), json=order)
    assert taken.status_code == 201, taken.text
    path = f"/snapshots/{taken.json()['snapshot_id']}"
    for headers, sees in ((as_(Role.SUPERVISOR), True), (as_(Role.READER), False)):
        kept = (await asked(client, path, headers)).json()["figures"]
        moved = (await asked(client, f"{path}/difference", headers)).json()
        for figures in (kept, moved):
            assert ("follow_ups_coached" in {shown["name"] for shown in figures}) is sees
    by_name = {**order, "figures": ["follow_ups_coached"]}
    for role, status in ((Role.UNIT_OFFICER, 403), (Role.SUPERVISOR, 201)):
        assert (await client.post("/snapshots", headers=as_(role), json=by_name)).status_code == status
    of_it_alone = (await client.post("/snapshots", headers=as_(Role.SUPERVISOR), json=by_name)).json()
    hidden = await asked(client, f"/snapshots/{of_it_alone['snapshot_id']}", as_(Role.READER))
    assert hidden.status_code == 404
    officers = await client.post("/snapshots", headers=as_(Role.UNIT_OFFICER), json=order)
    assert "follow_ups_coached" not in {kept["name"] for kept in officers.json()["figures"]}
