"""全员任务: whoever is given a list hears it once, and once that it is gone; the planner hears how it ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.notify.handlers.office import Office
from services.notify.queries import feeds
from services.notify.rules.telling.fieldwork import TaskTold, task_tells
from shared.database import Database
from shared.events.fieldwork import MassTaskClosed, MassTaskOpened, MassTaskSplit, NotDoneCount, TaskLoad
from shared.fieldwork import NotDoneReason
from shared.ids import uuid7
from shared.vocabulary import Language, NoticeKind
from tests.notify.conftest import Hear
from tests.notify.story import NIGHT, PATH, a_town

TASK_ID = uuid7()
SAID: dict[str, Any] = {"task_id": TASK_ID, "at": NIGHT, "title": "全员采样", "unit_path": PATH[:3]}
DUE_AT = NIGHT + timedelta(hours=14)
PLANNER = "o1"
GIVEN, TAKEN, CLOSED = (
    NoticeKind.MASS_TASK_GIVEN,
    NoticeKind.MASS_TASK_TAKEN,
    NoticeKind.MASS_TASK_CLOSED,
)


def loads(*changes: tuple[str, int, int]) -> tuple[TaskLoad, ...]:
    """Who, how many before, how many now."""
    return tuple(TaskLoad(person_id=who, before=before, people=people) for who, before, people in changes)


def opened(*changes: tuple[str, int, int]) -> MassTaskOpened:
    return MassTaskOpened(**SAID, due_at=DUE_AT, total=80, loads=loads(*changes))


def split(*changes: tuple[str, int, int]) -> MassTaskSplit:
    return MassTaskSplit(**SAID, due_at=DUE_AT, loads=loads(*changes))


def closed(*changes: tuple[str, int, int]) -> MassTaskClosed:
    missing = (NotDoneCount(reason=NotDoneReason.NOT_HOME, count=428),)
    ended = {"prepared_by": PLANNER, "total": 7815, "done": 7387, "missing": missing}
    return MassTaskClosed(**SAID, **ended, loads=loads(*changes))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (opened(("a", 0, 40), ("b", 0, 40)), {(GIVEN, "a"), (GIVEN, "b")}),
        (opened(), set()),
        (split(("a", 40, 60)), set()),
        (split(("a", 40, 0), ("b", 40, 80)), {(TAKEN, "a")}),
        (split(("a", 20, 40), ("b", 40, 0), ("lead", 0, 20)), {(TAKEN, "b"), (GIVEN, "lead")}),
        (closed(), {(CLOSED, PLANNER)}),
        (closed(("a", 400, 0), ("b", 28, 0)), {(CLOSED, PLANNER), (CLOSED, "a"), (CLOSED, "b")}),
        (closed((PLANNER, 428, 0)), {(CLOSED, PLANNER)}),
    ],
    ids=["opened", "nobody at work", "longer", "gone", "handed on", "all done", "some left", "planner walks"],
)
def test_who_is_told_what(event: TaskTold, expected: set[tuple[NoticeKind, str]]) -> None:
    told = [(notice.kind, notice.person_id) for notice in task_tells(event)]
    assert set(told) == expected
    assert len(told) == len(expected), "once per person"


# ── as it is told ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def office(quiet_office: Office) -> Office:
    return quiet_office


@pytest.fixture
async def database(office: Office) -> AsyncIterator[Database]:
    ways = {"email": "a@example.org", "webhook_url": "https://example.org/hook"}
    known = a_town().people
    people = {
        "a": known["a"].model_copy(update=ways),
        "b": known["b"].model_copy(update={"language": Language.ENGLISH}),
    }
    opened_ = Database(office.settings.database_url, source="notify", directory=a_town(people=people))
    yield opened_
    await opened_.close()


async def feed(database: Database, person_id: str) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        page = await feeds.feed_page(tx, person_id, 0, 100)
    return [orjson.loads(item.body) for item in page.items]


async def test_a_worker_is_told_once_however_often_the_list_is_split(database: Database, hear: Hear) -> None:
    story = [
        opened(("a", 0, 40), ("b", 0, 40)),
        split(("a", 40, 60), ("b", 40, 20)),
        split(("a", 60, 0), ("b", 20, 80)),
        closed(),
    ]
    for event in story:
        await hear(event)
    told = await feed(database, "a")
    assert [(one["kind"], one["title"]) for one in told] == [
        ("mass_task_given", "全员任务：全员采样"),
        ("mass_task_taken", "名单已收回：全员采样"),
    ]
    assert "分给您 40 人，请在 03-02 16:10 前完成" in told[0]["text"]
    [of_b] = await feed(database, "b")
    assert (of_b["kind"], of_b["task"], of_b["people"]) == ("mass_task_given", "全员采样", 40)
    assert of_b["text"].startswith("community-a, 全员采样: 40 people are on your list")
    [of_planner] = await feed(database, PLANNER)
    assert (of_planner["done"], of_planner["total"]) == (7387, 7815)
    assert "7815 人中完成 7387 人（7387/7815）" in of_planner["text"]


async def test_nothing_of_it_is_urgent_nor_published(database: Database, hear: Hear) -> None:
    """Beside the feed it goes over the person's channels, and waits for the morning there."""
    await hear(opened(("a", 0, 40)))
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT kind, via, state, priority FROM messages")
        [row] = await tx.rows("SELECT count(*) AS published FROM outbox")
    assert [tuple(one.values()) for one in rows] == [("mass_task_given", "webhook", "held", 2)]
    assert row["published"] == 0
