"""A mass task prepared, listed, opened, split again as people come and go, and closed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any
from uuid import UUID

import orjson

from services.dispatch import metrics
from services.dispatch.commands import PrepareTask
from services.dispatch.handlers.records import agreed, refuse
from services.dispatch.handlers.round_lists import grids_below
from services.dispatch.handlers.rounds import must_be_live
from services.dispatch.queries import mass_tasks as rows
from services.dispatch.rules import listing, task_story
from services.dispatch.rules.addresses import building_of, walk_key
from services.dispatch.rules.house_walk import Spot
from services.dispatch.rules.listing import Listed, Wrong
from services.dispatch.rules.splitting import Ground, share_out
from services.dispatch.rules.task_story import (
    MassTask,
    MassTaskListed,
    MassTaskPrepared,
    TaskState,
)
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.directory import Directory
from shared.event import Event
from shared.events.fieldwork import TaskLoad
from shared.fieldwork import NotDoneReason
from shared.ids import uuid7
from shared.problems import Problem, not_found
from shared.reading import Line
from shared.sealing import Sealer
from shared.things import Point
from shared.vocabulary import Post

WORKING_POSTS = (Post.WORKER, Post.A, Post.B)
"""Who is given a list; leaders and volunteers help without one."""
LOOK_AGAIN = "task_split"
LOOK_AGAIN_AT_LATEST = timedelta(hours=1)
BUILDING_DIGITS = 24
METRES_PER_DEGREE = 111_195.0
"""Of latitude."""
LISTED_PEOPLE_MAX = 50_000
"""Of one task, over all its files: it is split as a whole."""


async def prepare_task(tx: Transaction, command: PrepareTask, doer: Doer, sealer: Sealer) -> MassTask:
    """A draft, which nobody sees but those who may open it."""
    must_be_live(tx.directory, command.unit_id)
    task_id = uuid7()
    now = await tx.lock(task_id)
    if command.due_at <= now:
        raise Problem(
            422,
            "due-in-the-past",
            "截止时间已过 / The deadline is over",
            detail="请选以后的时间 / Choose a later one",
        )
    key, wrapped = sealer.new_case_key()
    event = MassTaskPrepared(
        task_id=task_id,
        at=now,
        actor=doer.actor,
        channel=doer.channel,
        title=command.title,
        unit_path=tuple(unit.id for unit in tx.directory.path(command.unit_id)),
        due_at=command.due_at,
        digest=sealer.digest(key, command.instructions),
    )
    task = await _record(tx, None, [event])
    await rows.keep_instructions(tx, task_id, wrapped, key, command.instructions, sealer)
    return task


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ListReport:
    """What became of a file's lines; every line is one of the three."""

    lines: int
    taken: int
    known: int
    wrong: list[Wrong]


async def take_list(
    tx: Transaction, task_id: UUID, lines: Sequence[Line], doer: Doer, sealer: Sealer, *, dry_run: bool
) -> ListReport:
    """Everybody whose line is sound; a ref that is there already is left as it is, so a file may come twice."""
    now = await tx.lock(task_id)
    task = await known_task(tx, task_id, to_change=True)
    if task.state is not TaskState.DRAFT:
        refuse(task_story.TASK_BEGUN)
    units = tx.directory.units
    grids = {grid for grid in grids_below(tx.directory, [task.unit_id]) if units[grid].retired_at is None}
    known = await rows.refs(tx, task_id)
    people, before, wrong = await asyncio.to_thread(listing.check, lines, grids, task.unit_id, known)
    if len(known) + len(people) > LISTED_PEOPLE_MAX:
        raise Problem(
            413,
            "too-many-people",
            f"一项任务最多 {LISTED_PEOPLE_MAX} 人 / {LISTED_PEOPLE_MAX} people in one task at most",
            detail="其余的人请另开任务 / Make another task for the rest",
            people_max=LISTED_PEOPLE_MAX,
            people=len(known) + len(people),
        )
    if not dry_run and people:
        key = await rows.key_of(tx, task_id, sealer)
        assert key is not None
        after = await rows.last_place(tx, task_id)
        listed = await asyncio.to_thread(_sealed_list, people, key, sealer, after)
        await rows.put_on_list(tx, task_id, listed)
        said = {"task_id": task_id, "at": now, "actor": doer.actor, "channel": doer.channel}
        await _record(tx, task, [MassTaskListed(**said, people=len(people))])
    return ListReport(len(lines), len(people), before, wrong)


def _sealed_list(people: Sequence[Listed], key: bytes, sealer: Sealer, after: int) -> dict[str, list[Any]]:
    """The columns of everybody, in the order of a walk along the addresses."""
    ordered = sorted(people, key=lambda one: (one.grid_id, walk_key(one.address), one.ref))
    ids = [uuid7() for _ in ordered]
    return {
        "ids": ids,
        "refs": [one.ref for one in ordered],
        "grids": [one.grid_id for one in ordered],
        "buildings": [sealer.digest(key, building_of(one.address))[:BUILDING_DIGITS] for one in ordered],
        "places": list(range(after + 1, after + 1 + len(ordered))),
        "sealed": [
            sealer.seal(key, _details(one), rows.person_context(listed_id))
            for one, listed_id in zip(ordered, ids, strict=True)
        ],
    }


def _details(one: Listed) -> str:
    return orjson.dumps({"name": one.name, "phone": one.phone, "address": one.address}).decode()


# ── opened, split, closed ─────────────────────────────────────────────────────────────────────────────────────────


async def open_task(tx: Transaction, task_id: UUID, doer: Doer) -> MassTask:
    """开始: everybody is on somebody's list, which is on that phone from now on. Whose grid has nobody at work
    waits for somebody."""
    now = await tx.lock(task_id)
    task = await known_task(tx, task_id, to_change=True)
    if task.state is TaskState.DRAFT and task.total:
        await _split(tx, task, now)
    loads = task_story.changed_loads({}, await rows.loads(tx, task_id))
    events = agreed(task_story.open_(task, doer, now, loads))
    task = await _record(tx, task, events)
    if events:
        _look_again(tx, task, now)
        metrics.MASS_TASKS.labels("opened").inc()
    return task


async def split_task(tx: Transaction, task_id: UUID, doer: Doer) -> MassTask:
    """What is left, split over who is at work now; what is done stays with who did it."""
    now = await tx.lock(task_id)
    task = await known_task(tx, task_id, to_change=True)
    changed: list[TaskLoad] = []
    if task.state is TaskState.OPEN:
        before = await rows.loads(tx, task_id)
        await _split(tx, task, now)
        changed = task_story.changed_loads(before, await rows.loads(tx, task_id))
        _look_again(tx, task, now)
    events = agreed(task_story.split_again(task, doer, now, changed))
    metrics.MASS_TASKS.labels("split").inc(len(events))
    return await _record(tx, task, events)


async def close_task(tx: Transaction, task_id: UUID, doer: Doer) -> MassTask:
    """结束: n of d, and of each other one why not. Nothing is entered any more."""
    now = await tx.lock(task_id)
    task = await known_task(tx, task_id, to_change=True)
    if task.state is TaskState.CLOSED:
        return task
    done, missing = tally(await rows.counts(tx, task_id))
    tx.disarm(task_id)
    metrics.MASS_TASKS.labels("closed").inc()
    loads = task_story.changed_loads(await rows.loads(tx, task_id), {})
    return await _record(tx, task, task_story.close(task, doer, now, done, missing, loads))


def tally(counted: Sequence[Any]) -> tuple[int, dict[NotDoneReason, int]]:
    """How many are done, and why the others are not; whom nobody tried is a reason too."""
    done, missing = 0, dict[NotDoneReason, int]()
    for row in counted:
        if row["state"] == "done":
            done += row["people"]
        else:
            reason = NotDoneReason(row["reason"] or NotDoneReason.NOT_REACHED)
            missing[reason] = missing.get(reason, 0) + row["people"]
    return done, missing


async def known_task(tx: Transaction, task_id: UUID, *, to_change: bool = False) -> MassTask:
    task = await rows.find(tx, task_id, to_change=to_change)
    if task is None:
        raise not_found("没有这项任务 / No such task")
    return task


async def _split(tx: Transaction, task: MassTask, now: datetime) -> None:
    """Two statements, however many people there are."""
    buildings = await rows.buildings(tx, task.id)
    pools = pools_of(tx.directory, task.unit_id, {building.grid_id for building in buildings}, now)
    ground = ground_of(tx.directory, pools)
    await rows.assign(tx, task.id, await asyncio.to_thread(share_out, buildings, pools, ground))


def ground_of(directory: Directory, pools: Mapping[str, Collection[str]]) -> Ground:
    """Where these grids and their workers are, in metres from the first of the grids."""
    centres = {
        grid: unit.centre for grid in sorted(pools) if (unit := directory.units.get(grid)) and unit.centre
    }
    people = {
        who: directory.people[who] for pool in pools.values() for who in pool if who in directory.people
    }
    origin = next(iter(centres.values()), None)
    if origin is None:
        return Ground()

    def spot(point: Point) -> Spot:
        east = (point.lon - origin.lon) * cos(radians(origin.lat))
        return east * METRES_PER_DEGREE, (point.lat - origin.lat) * METRES_PER_DEGREE

    return Ground(
        grids={grid: spot(centre) for grid, centre in centres.items()},
        bases={who: spot(person.base) for who, person in people.items() if person.base is not None},
    )


def pools_of(
    directory: Directory, unit_id: str, grids: set[str], now: datetime
) -> dict[str, tuple[str, ...]]:
    """Who is at work for each grid: its own people, else those of the nearest unit above it within the task's."""
    at_work: defaultdict[str, set[str]] = defaultdict(set)
    for person_id, units in _posts_below(directory, unit_id).items():
        if directory.is_on_duty(person_id, now):
            for wide in {above.id for unit in units for above in directory.path(unit)}:
                at_work[wide].add(person_id)
    return {grid: _pool(directory, unit_id, grid, at_work) for grid in grids}


def _pool(
    directory: Directory, unit_id: str, grid_id: str, at_work: Mapping[str, Collection[str]]
) -> tuple[str, ...]:
    upwards = [unit.id for unit in reversed(directory.path(grid_id))]
    within = upwards[: upwards.index(unit_id) + 1] if unit_id in upwards else (unit_id,)
    return next((tuple(sorted(at_work[wide])) for wide in within if wide in at_work), ())


def _posts_below(directory: Directory, unit_id: str) -> dict[str, set[str]]:
    """The people who are given lists in a unit and below it, with where their posts are."""
    found: dict[str, set[str]] = {}
    for grid_id in grids_below(directory, [unit_id]):
        for post in WORKING_POSTS:
            for person in directory.holders(grid_id, post):
                found.setdefault(person.id, set()).add(grid_id)
    return found


def _look_again(tx: Transaction, task: MassTask, now: datetime) -> None:
    """When the next shift of these people begins or ends; and within the hour, since rosters change."""
    moments = [
        moment
        for person_id in _posts_below(tx.directory, task.unit_id)
        for shift in tx.directory.shifts_of(person_id)
        if shift.retired_at is None
        for moment in (shift.starts_at, shift.ends_at)
        if now < moment
    ]
    tx.arm(task.id, LOOK_AGAIN, min([*moments, now + LOOK_AGAIN_AT_LATEST]))


async def _record(tx: Transaction, before: MassTask | None, events: Sequence[Event]) -> MassTask:
    task = before
    for event in events:
        task = task_story.apply(task, event)
        (tx.announce if event.topic else tx.note)(event)
    assert task is not None
    if events:
        await rows.save(tx, task)
    return task
