"""Mass tasks and the grids' rounds on the read side: n of d with the list behind it, the same however it was heard."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.insight.check.count import check, told
from services.insight.figures.definition import Value, printed
from services.insight.figures.public import PUBLIC
from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts, fieldwork, snapshots
from services.insight.queries.counts import Narrow
from services.insight.rebuild.compare import rebuild
from services.insight.rebuild.reproduce import reproduce
from services.insight.rules.fieldwork import NotOpenedError, apply
from services.insight.rules.naming import Dimension
from shared.database import Database
from shared.event import Event
from shared.events.fieldwork import (
    MassTaskClosed,
    MassTaskOpened,
    MassTaskSplit,
    NotDoneCount,
    RoundDayClosed,
    TaskLoad,
)
from shared.fieldwork import NotDoneReason
from shared.ids import uuid7
from shared.inbox import Inbox
from shared.vocabulary import Role
from tests.insight.conftest import Fold
from tests.insight.stories import manhole_at_night, satisfied
from tests.insight.story import CALLED
from tests.insight.test_figures import figure, scope
from tests.insight.test_listening import Publish, heard, inbox, publish
from tests.insight.test_snapshots import SUPERVISOR, a_snapshot, as_

__all__ = ["inbox", "publish"]  # fixtures

COMMUNITY = ("civil-affairs", "street", "community-a")
REASONS = (NotDoneReason.NOT_HOME, NotDoneReason.MOVED_AWAY, NotDoneReason.NOT_REACHED)
MONDAY = date(2026, 3, 2)
MARCH = {"from": "2026-03-01", "to": "2026-04-01", "unit": "community-a"}


def why(missing: int) -> tuple[NotDoneCount, ...]:
    """So many, for several reasons."""
    parts = [missing // 2, missing // 3, missing - missing // 2 - missing // 3]
    given = zip(REASONS, parts, strict=True)
    return tuple(NotDoneCount(reason=reason, count=n) for reason, n in given if n)


def a_task(done: int, total: int, *, minute: float = 0, path: tuple[str, ...] = COMMUNITY) -> list[Event]:
    """Opened, split again, and closed `minute` minutes after the call."""
    at = CALLED + timedelta(minutes=minute)
    said: dict[str, Any] = {"task_id": uuid7(), "title": f"全员任务 {total}", "unit_path": path}
    loads = (TaskLoad(person_id="p-grid-a1-a", people=total),)
    fewer = (TaskLoad(person_id="p-grid-a1-a", people=total - 1, before=total),)
    due = {"due_at": at + timedelta(hours=8)}
    ended = {"prepared_by": "p-community-a-o1", "total": total, "done": done, "missing": why(total - done)}
    return [
        MassTaskOpened(at=CALLED, sequence=1, **said, **due, total=total, loads=loads),
        MassTaskSplit(at=CALLED, sequence=2, **said, **due, loads=fewer),
        MassTaskClosed(at=at, sequence=3, **said, **ended, loads=()),
    ]


def a_day(done: int, owed: int, *, days: int = 0, grid: str = "grid-a1") -> RoundDayClosed:
    """Told for the first time."""
    day = MONDAY + timedelta(days=days)
    begins_at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
    return RoundDayClosed(
        day_id=uuid7(),
        at=begins_at + timedelta(days=1),
        sequence=1,
        grid_id=grid,
        unit_path=("civil-affairs", "street", f"community-{grid[5]}", grid),
        day=day,
        begins_at=begins_at,
        owed=owed,
        done=done,
        not_done=why(owed - done),
    )


def made_good(told_before: RoundDayClosed, done: int) -> RoundDayClosed:
    """The same day told again: more of it was done."""
    missing = why(told_before.owed - done)
    changed = {"id": uuid7(), "sequence": told_before.sequence + 1, "done": done, "not_done": missing}
    return told_before.model_copy(update=changed)


@dataclass(frozen=True)
class Month:
    """A month of one community's field work, and what it comes to."""

    stories: list[list[Event]]
    tasks: list[tuple[int, int]]
    days: list[tuple[int, int]]

    def mixed(self, seed: int) -> list[Event]:
        """As it comes: each story in its order, all mixed."""
        chance, queues, out = random.Random(seed), [list(story) for story in self.stories], list[Event]()
        while queues:
            queue = chance.choice(queues)
            out.append(queue.pop(0))
            queues = [left for left in queues if left]
        return out


def a_month(seed: int = 1) -> Month:
    chance = random.Random(seed)
    found = Month([], [], [])
    for _ in range(4):
        total = chance.randint(1, 8000)
        done = chance.randint(0, total)
        found.stories.append(a_task(done, total, minute=chance.randint(0, 20_000)))
        found.tasks.append((done, total))
    found.stories.append(a_task(1, 2)[:2])  # not closed yet
    for days in range(20):
        for grid in ("grid-a1", "grid-a2"):
            owed = chance.randint(1, 12)
            first = a_day(chance.randint(0, owed), owed, days=days, grid=grid)
            later = [made_good(first, chance.randint(first.done, owed))] if chance.random() < 0.5 else []
            found.stories.append([first, *later])
            found.days.append(((later or [first])[-1].done, owed))
    return found


def of(counted: Sequence[tuple[int, int]]) -> Value:
    return Value(Decimal(sum(n for n, _ in counted)), sum(d for _, d in counted))


async def figures(database: Database, within: counts.Scope | None = None) -> tuple[Value, Value]:
    return (
        await figure(database, "mass_task_reached", within),
        await figure(database, "round_stops_done", within),
    )


@pytest.mark.parametrize("seed", range(3))
async def test_n_and_d_are_what_was_told_last_however_it_came(
    database: Database, fold: Fold, seed: int
) -> None:
    """In any order of the stories, in one batch or one by one; split by day, month and unit it adds up."""
    month = a_month(seed)
    events = month.mixed(seed)
    await fold(events[: len(events) // 2])
    for event in events[len(events) // 2 :]:
        await fold([event])
    tasks, days = await figures(database)
    assert (tasks, days) == (of(month.tasks), of(month.days))
    async with database.transaction() as tx:
        for name, whole in (("mass_task_reached", tasks), ("round_stops_done", days)):
            for by in (Dimension.UNIT, Dimension.DAY, Dimension.WEEK, Dimension.MONTH):
                groups = await counts.groups(tx, DEFINITIONS[name], scope(), by)
                assert sum(part.n for part in groups.values()) == whole.n
                assert sum(part.d for part in groups.values()) == whole.d
        by_grid = await counts.groups(
            tx, DEFINITIONS["round_stops_done"], replace(scope(), unit_ids=("community-a",)), Dimension.UNIT
        )
    assert list(by_grid) == ["grid-a1", "grid-a2"]
    beside = scope(units=("community-b",))
    assert await figures(database, beside) == (Value(Decimal(0), 0),) * 2
    of_cases_only = scope(narrow=Narrow(category="manhole-cover"))
    assert await figures(database, of_cases_only) == (Value(Decimal(0), 0),) * 2


async def test_a_figure_s_list_has_all_of_it(database: Database, fold: Fold) -> None:
    """What the books ask: n and d are the sums of the lists, whole, by group and by page; cases beside it agree."""
    month = a_month()
    await fold([*month.mixed(2), *satisfied(manhole_at_night()).events])
    assert told(await check(database)) == "every figure is as long as its drill-down"


async def test_a_task_counts_when_it_is_closed_and_a_day_on_its_day(database: Database, fold: Fold) -> None:
    task, day = a_task(7387, 7815, minute=600), a_day(3, 4)
    await fold(task[:2])
    assert await figures(database) == (Value(Decimal(0), 0),) * 2
    await fold([*task[2:], day])
    tasks, days = await figures(database)
    assert (printed(tasks), printed(days)) == ("7387/7815", "3/4")
    closed_at = CALLED + timedelta(minutes=600)
    for starts, ends, found in (
        (CALLED, closed_at, 0),
        (closed_at, closed_at + timedelta(seconds=1), 7815),
    ):
        assert (await figures(database, scope(starts, ends)))[0].d == found
    midnight = day.begins_at
    assert (await figures(database, scope(midnight, midnight + timedelta(days=1))))[1].d == 4
    assert (await figures(database, scope(midnight - timedelta(days=1), midnight)))[1].d == 0


def test_a_task_that_was_never_opened_has_a_hole_before_it() -> None:
    _, split, closed = a_task(1, 2)
    for event in (split, closed):
        assert isinstance(event, MassTaskSplit | MassTaskClosed)
        with pytest.raises(NotOpenedError):
            apply(None, event)


def test_nothing_of_it_is_public() -> None:
    """Of a grid with few stops everybody would know whom it is about."""
    shown = {name for population in PUBLIC for name in population.figures}
    assert not shown & {"mass_task_reached", "round_stops_done"}


# ── as it is read ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_drills_down_to_the_task_and_to_the_day(client: httpx.AsyncClient, fold: Fold) -> None:
    day = a_day(3, 4)
    await fold([*a_task(7387, 7815), made_good(day, 4).model_copy(update={"sequence": 1})])
    shown = (await client.get("/figures/mass_task_reached", headers=SUPERVISOR, params=MARCH)).json()
    assert (shown["text"], shown["unit"]) == ("7387/7815 (94.5 %)", "人")
    assert shown["definition"]["made_of"] == "mass_tasks"
    path = "/figures/mass_task_reached/cases"
    listed = (await client.get(path, headers=SUPERVISOR, params=MARCH)).json()
    [task] = listed["cases"]
    assert (listed["made_of"], task["number"], task["counted"]) == ("mass_tasks", "全员任务 7815", "7387")
    assert (task["listed"], sum(task["missing"].values())) == (7815, 428)
    assert task["missing"] == {"not_home": 214, "moved_away": 142, "not_reached": 72}
    [row] = csv.DictReader(
        io.StringIO(
            (await client.get(f"{path}.csv", headers=SUPERVISOR, params=MARCH)).content.decode("utf-8-sig")
        )
    )
    assert (row["counted"], row["listed"]) == ("7387", "7815")
    rounds = "/figures/round_stops_done/cases"
    [walked] = (await client.get(rounds, headers=SUPERVISOR, params=MARCH)).json()["cases"]
    assert (walked["number"], walked["counted"], walked["missing"]) == ("grid-a1 2026-03-02", "4", {})
    excel = await client.get(f"{rounds}.xlsx", headers=SUPERVISOR, params=MARCH)
    assert excel.status_code == 200
    elsewhere = await client.get(path, headers=as_(Role.SUPERVISOR, "community-b"), params=MARCH)
    assert elsewhere.status_code == 403


# ── as it is kept ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_folded_again_from_the_topic_it_is_the_same(
    database: Database, inbox: Inbox, publish: Publish, kafka_bootstrap: str, topic_prefix: str
) -> None:
    """Rows, and a snapshot that was taken before a day was made good."""
    month, day = a_month(7), a_day(3, 4, days=25)
    before = [*month.mixed(7), day]
    await publish(before)
    await heard(inbox)
    snapshot_id = await a_snapshot(database)
    await publish([made_good(day, 4), *before[-5:]])
    await heard(inbox)
    async with database.transaction() as tx:
        kept = {one.definition.name: one for one in await snapshots.one(tx, snapshot_id)}
        rounds = kept["round_stops_done"]
        [moved] = await snapshots.difference(tx, rounds, rounds.scope, 9)
        stored = await fieldwork.load(tx, {event.subject for event in before})
    assert (moved["number"], moved["counted_then"], moved["counted_now"]) == ("grid-a1 2026-03-27", 3, 4)
    again: dict[UUID, Any] = {}
    for event in [*before, made_good(day, 4)]:
        again[event.subject] = apply(again.get(event.subject), event)  # type: ignore[arg-type]
    assert stored == again
    assert (await rebuild(database, kafka_bootstrap, topic_prefix=topic_prefix)).same
    counted = await reproduce(database, kafka_bootstrap, snapshot_id, topic_prefix=topic_prefix)
    assert counted.same, counted.different
