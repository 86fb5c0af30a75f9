"""A snapshot stays what it was; the difference is explained; and folding the topic to its positions gives it again."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from asyncpg import PostgresError

from services.insight.api import differences, sheets
from services.insight.figures.definition import Value
from services.insight.figures.shipped import DEFINITIONS, VERSIONS
from services.insight.queries import snapshots
from services.insight.rebuild.reproduce import reproduce, told
from shared.database import Database
from shared.ids import uuid7
from shared.inbox import Inbox
from shared.vocabulary import Role
from tests.insight.matters import every_matter
from tests.insight.stories import every_story, manhole_at_night, satisfied
from tests.insight.test_figures import scope
from tests.insight.test_listening import Publish, heard, inbox, publish
from tests.people import an_issuer

__all__ = ["inbox", "publish"]  # fixtures

FoldStories = Callable[..., Awaitable[None]]
MARCH = {"from": "2026-03-01", "to": "2026-04-01", "title": "三月 March"}


def as_(role: Role, unit: str, person: str = "p-somebody") -> dict[str, str]:
    return an_issuer().headers(person, (role, unit))


SUPERVISOR = as_(Role.SUPERVISOR, "street")


async def taken(client: httpx.AsyncClient, headers: dict[str, str] = SUPERVISOR, **changes: Any) -> Any:
    body = {**MARCH, "unit": "community-a", **changes}
    return await client.post("/snapshots", headers=headers, json=body)


async def test_a_snapshot_stays_and_the_difference_is_explained(
    client: httpx.AsyncClient, database: Database, fold_stories: FoldStories
) -> None:
    """Closed and satisfied in the snapshot; three weeks later the resident has it reopened."""
    story, other = satisfied(manhole_at_night()), satisfied(manhole_at_night(number="1000-0002"))
    await fold_stories(story, other)
    snapshot = (await taken(client)).json()
    before = {figure["name"]: figure["text"] for figure in snapshot["figures"]}
    assert before["solution_rate"] == "2/2 (100.0 %)"
    heard_until = len(story.told)
    story.reopened(22 * 24 * 60)
    story.told = story.told[heard_until:]
    await fold_stories(story)

    path = f"/snapshots/{snapshot['snapshot_id']}"
    again = (await client.get(path, headers=SUPERVISOR)).json()
    assert again == snapshot
    async with database.transaction() as tx:
        kept = await snapshots.one(tx, UUID(snapshot["snapshot_id"]))
    assert {figure.definition.name for figure in kept} == set(DEFINITIONS)
    difference = {
        line["name"]: line for line in (await client.get(f"{path}/difference", headers=SUPERVISOR)).json()
    }
    solved = difference["solution_rate"]
    assert (solved["then"]["text"], solved["now"]["text"]) == ("2/2 (100.0 %)", "1/2 (50.0 %)")
    [moved] = solved["cases"]
    assert (moved["number"], moved["then"], moved["now"]) == (story.number, "1", "0")
    # It happened long before the snapshot by the business clock, and came to be known after it.
    assert len(moved["happened"]) == 1
    assert "重办" in moved["happened"][0]
    assert difference["on_time_arrival"]["same"]
    assert difference["on_time_arrival"]["cases"] == []


async def test_a_difference_leaves_as_a_file_with_every_case(
    client: httpx.AsyncClient, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many cases moved; a page of the list in between."""
    monkeypatch.setattr(sheets, "PAGE_ROWS", 2)
    stories = [satisfied(manhole_at_night(number=f"1000-{n:04}")) for n in range(5)]
    await fold_stories(*stories)
    snapshot = (await taken(client)).json()
    for story in stories:
        heard_until = len(story.told)
        story.reopened(22 * 24 * 60)
        story.told = story.told[heard_until:]
    await fold_stories(*stories)
    path = f"/snapshots/{snapshot['snapshot_id']}/difference"
    text = (await client.get(f"{path}.csv", headers=SUPERVISOR)).content.decode("utf-8-sig")
    lines = [row for row in csv.DictReader(io.StringIO(text)) if row["figure"] == "solution_rate"]
    assert [lines[0][name] for name in ("n_then", "d_then", "n_now", "d_now")] == ["5", "5", "0", "5"]
    assert [(line["number"], line["then"], line["now"]) for line in lines[1:]] == [
        (story.number, "1", "0") for story in stories
    ]
    assert all("重办" in line["happened"] for line in lines[1:])
    monkeypatch.setattr(differences, "MOVED_MAX", 3)
    [shown] = [f for f in (await client.get(path, headers=SUPERVISOR)).json() if f["name"] == "solution_rate"]
    assert (len(shown["cases"]), shown["more_cases"]) == (3, True)


async def test_snapshots_leave_as_files(
    client: httpx.AsyncClient, fold_stories: FoldStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "PAGE_ROWS", 2)
    await fold_stories(satisfied(manhole_at_night()))
    made = [(await taken(client, figures=["solution_rate"])).json()["snapshot_id"] for _ in range(3)]
    text = (await client.get("/snapshots.csv", headers=SUPERVISOR)).content.decode("utf-8-sig")
    assert [row["snapshot_id"] for row in csv.DictReader(io.StringIO(text))] == made[::-1]
    for ending in (".csv", ".xlsx"):
        for path in ("/snapshots", f"/snapshots/{made[0]}", f"/snapshots/{made[0]}/difference"):
            assert (await client.get(path + ending, headers=SUPERVISOR)).status_code == 200
            worker = await client.get(path + ending, headers=as_(Role.GRID_WORKER, "street"))
            assert worker.status_code == 403
            if path != "/snapshots":
                next_door = await client.get(path + ending, headers=as_(Role.SUPERVISOR, "community-b"))
                assert next_door.status_code == 404
    one = (await client.get(f"/snapshots/{made[0]}.csv", headers=SUPERVISOR)).content.decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(one))
    assert (row["name"], row["n"], row["d"], row["snapshot"]) == ("solution_rate", "1", "1", MARCH["title"])
    assert (await client.get("/snapshots.csv", headers=as_(Role.READER, "community-b"))).text.count("\n") == 1


async def test_nobody_changes_what_was_written_down(
    client: httpx.AsyncClient, database: Database, fold_stories: FoldStories
) -> None:
    await fold_stories(satisfied(manhole_at_night()))
    assert (await taken(client, figures=["registered"])).status_code == 201
    for statement in (
        "UPDATE snapshots SET n = 0",
        "DELETE FROM snapshot_members",
        "TRUNCATE snapshots CASCADE",
        "UPDATE publications SET body = '{}'",
    ):
        with pytest.raises(PostgresError, match="stays as it was"):
            async with database.transaction() as tx:
                await tx.rows(statement)


async def test_a_snapshot_is_counted_by_its_own_version(
    database: Database, fold_stories: FoldStories
) -> None:
    """Also when a newer version is in force."""
    await fold_stories(manhole_at_night(arrives=17))
    first = VERSIONS["on_time_arrival", 1]
    assert first is not DEFINITIONS["on_time_arrival"]
    snapshot_id = uuid7()
    async with database.transaction() as tx:
        await snapshots.take(tx, snapshot_id, [first], scope(), title="x", taken_by="p-x")
        [kept] = await snapshots.one(tx, snapshot_id)
    assert (kept.definition, kept.value) == (first, Value(Decimal(0), 1))


async def a_snapshot(database: Database) -> UUID:
    """Of all the figures."""
    snapshot_id = uuid7()
    async with database.transaction() as tx:
        await snapshots.take(tx, snapshot_id, DEFINITIONS.values(), scope(), title="all", taken_by="p-x")
    return snapshot_id


async def test_the_topic_up_to_its_positions_gives_the_snapshot_again(
    database: Database,
    inbox: Inbox,
    publish: Publish,
    kafka_bootstrap: str,
    topic_prefix: str,
    client: httpx.AsyncClient,
) -> None:
    """Corrections came after it; what stands has moved on, the topic up to there has not."""
    stories = [*every_story(), *every_matter()]
    halves = [len(story.told) // 2 for story in stories]
    await publish([e for story, half in zip(stories, halves, strict=True) for e in story.events[:half]])
    await heard(inbox)
    snapshot_id = await a_snapshot(database)
    await publish([e for story, half in zip(stories, halves, strict=True) for e in story.events[half:]])
    await heard(inbox)
    async with database.transaction() as tx:
        kept = await snapshots.one(tx, snapshot_id)
        moved = [one for one in kept if await snapshots.difference(tx, one, one.scope, 1)]
    assert len(moved) > 5

    again = await reproduce(database, kafka_bootstrap, snapshot_id, topic_prefix=topic_prefix)
    assert again.different == []
    assert again.same
    assert again.events == sum(halves)
    assert told(again).endswith("the snapshot is the same")


async def test_a_snapshot_there_is_not(database: Database, kafka_bootstrap: str, topic_prefix: str) -> None:
    again = await reproduce(database, kafka_bootstrap, uuid7(), topic_prefix=topic_prefix)
    assert (again.same, told(again)) == (False, "there is no such snapshot")


@pytest.mark.parametrize(
    ("role", "unit", "status"),
    [
        (Role.SUPERVISOR, "street", 201),
        (Role.UNIT_OFFICER, "community-a", 201),
        (Role.ADMINISTRATOR, "civil-affairs", 201),
        (Role.SUPERVISOR, "community-b", 403),
        (Role.READER, "street", 403),
        (Role.SUPERVISOR, "grid-a1", 403),
        (Role.UNIT_OFFICER, "grid-a1", 403),
    ],
)
async def test_who_takes_a_snapshot(client: httpx.AsyncClient, role: Role, unit: str, status: int) -> None:
    assert (await taken(client, as_(role, unit))).status_code == status


@pytest.mark.parametrize("unit", ["community-a", "community-b"])
async def test_nobody_takes_a_snapshot_of_next_door(client: httpx.AsyncClient, unit: str) -> None:
    """The unit is named in the body: refused also to whoever may read there, and nothing is written down."""
    own, other = unit, {"community-a": "community-b", "community-b": "community-a"}[unit]
    officer = an_issuer().headers("p-somebody", (Role.UNIT_OFFICER, own), (Role.READER, "street"))
    assert (await taken(client, officer, unit=other)).status_code == 403
    assert (await taken(client, officer, unit="street")).status_code == 403
    assert (await client.get("/snapshots", headers=officer)).json()["snapshots"] == []
    assert (await taken(client, officer, unit=own)).status_code == 201


async def test_who_reads_a_snapshot(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    await fold_stories(satisfied(manhole_at_night()))
    made = (await taken(client)).json()
    path = f"/snapshots/{made['snapshot_id']}"
    for headers, status in (
        (as_(Role.READER, "street"), 200),
        (as_(Role.GRID_LEADER, "community-a"), 200),
        (as_(Role.SUPERVISOR, "grid-a1"), 404),
        (as_(Role.READER, "community-b"), 404),
        (as_(Role.GRID_WORKER, "street"), 403),
    ):
        for asked in (path, f"{path}/difference"):
            assert (await client.get(asked, headers=headers)).status_code == status
        listed = await client.get("/snapshots", headers=headers)
        assert listed.status_code == (403 if status == 403 else 200)
        if status != 403:
            assert len(listed.json()["snapshots"]) == (status == 200)
    reader = (await client.get(path, headers=as_(Role.READER, "street"))).json()
    assert (reader["taken_by"], made["taken_by"]) == (None, "p-somebody")


async def test_snapshots_are_listed_page_by_page(client: httpx.AsyncClient) -> None:
    made = [(await taken(client, figures=["registered"])).json()["snapshot_id"] for _ in range(3)]
    first = (await client.get("/snapshots", headers=SUPERVISOR, params={"limit": 2})).json()
    rest = (
        await client.get(
            "/snapshots", headers=SUPERVISOR, params={"limit": 2, "cursor": first["next_cursor"]}
        )
    ).json()
    listed = [snapshot["snapshot_id"] for snapshot in first["snapshots"] + rest["snapshots"]]
    assert listed == made[::-1]
    assert rest["next_cursor"] is None


async def test_a_repeated_order_takes_one_snapshot(client: httpx.AsyncClient) -> None:
    headers = {**SUPERVISOR, "Idempotency-Key": "march"}
    first, again = [await taken(client, headers, figures=["registered"]) for _ in range(2)]
    assert first.json() == again.json()
    assert len((await client.get("/snapshots", headers=SUPERVISOR)).json()["snapshots"]) == 1


async def test_an_unknown_figure_is_refused(client: httpx.AsyncClient) -> None:
    assert (await taken(client, figures=["stars"])).status_code == 404
