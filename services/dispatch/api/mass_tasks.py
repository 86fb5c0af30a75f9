"""全员任务 at a desk: prepared, listed (dry run first), opened, watched, closed: n of d, who is missing and why."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import File, Form, Query, Response, UploadFile
from pydantic import BaseModel

from services.dispatch.api.acting import etag, version_of
from services.dispatch.api.cursors import after, after_place, cursor
from services.dispatch.api.doing import Sealing
from services.dispatch.api.versions import IfMatch, must_match
from services.dispatch.commands import PrepareTask
from services.dispatch.handlers import mass_tasks
from services.dispatch.handlers.reading_lists import read_list
from services.dispatch.handlers.round_lists import grids_below
from services.dispatch.queries import mass_tasks as rows
from services.dispatch.rules.addresses import building_of
from services.dispatch.rules.privacy import masked_name
from services.dispatch.rules.task_story import MassTask, TaskState
from services.dispatch.rules.work import Doer
from shared.database import Row, Transaction
from shared.fieldwork import NotDoneReason
from shared.identity import SignedIn
from shared.openapi import VERSIONED
from shared.problems import not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.sealing import Sealer
from shared.vocabulary import Channel, Role

router = router_for("dispatch")

RUNNING = (Role.UNIT_OFFICER, Role.SUPERVISOR)
"""Who opens and closes a mass task of their unit and below it, and sees who is missing."""

PAGE_ROWS_MAX = 200
HOUSE_NAMED_FROM_PEOPLE = 5
"""A house with fewer is somebody's address."""
FORM_BYTES_MAX = 12 * 1_048_576
WRONG_SHOWN_MAX = 1000

Limit = Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)]
Cursor = Annotated[str | None, Query(alias="cursor")]


class TaskView(BaseModel):
    """`total` people are on the list; `done` and `missing` are those of the closing, once it is closed."""

    task_id: UUID
    title: str
    unit_id: str
    state: TaskState
    due_at: datetime
    prepared_by: str
    prepared_at: datetime
    opened_at: datetime | None
    split_at: datetime | None
    closed_at: datetime | None
    total: int


class TasksPage(BaseModel):
    tasks: list[TaskView]
    next_cursor: str | None


class GridCount(BaseModel):
    """`done` of `listed`, and of each other one why not."""

    grid_id: str
    listed: int
    done: int
    missing: dict[NotDoneReason, int]


class WorkerLoad(BaseModel):
    """How far somebody's list is, to share it out well: in the order of the names, and no measure of anybody. `done` of
    `listed`; of the others `left` are still to be reached."""

    person_id: str
    listed: int
    done: int
    left: int


class BuildingCount(BaseModel):
    """A house in a grid: `done` of `listed`, and of each other one why not. `building` is a mark without meaning, for
    asking who is missing there; `name` as the addresses have it, if it is no single household's."""

    grid_id: str
    building: str
    name: str | None
    listed: int
    done: int
    missing: dict[NotDoneReason, int]


class BuildingsPage(BaseModel):
    buildings: list[BuildingCount]
    next_cursor: str | None


class TaskOverview(BaseModel):
    task: TaskView
    instructions: str | None
    done: int
    missing: dict[NotDoneReason, int]
    on_nobodys_list: int
    grids: list[GridCount]
    workers: list[WorkerLoad]


class WrongLine(BaseModel):
    line: int
    ref: str
    column: str
    code: str
    text: str


class ListAnswer(BaseModel):
    """Every line is taken, known from before, or refused; `wrong` has the first thousand refused."""

    dry_run: bool
    lines: int
    taken: int
    known: int
    refused: int
    wrong: list[WrongLine]


class MissingPerson(BaseModel):
    """`name` is masked; who it is stands in the list this came from, under `ref`."""

    listed_id: UUID
    ref: str
    name: str | None
    grid_id: str
    building: str
    person_id: str | None
    reason: NotDoneReason
    tries: int
    tried_at: datetime | None


class MissingPage(BaseModel):
    people: list[MissingPerson]
    next_cursor: str | None


@router.post("/mass-tasks", status_code=201, dependencies=[allow(*RUNNING)])
async def prepare(body: PrepareTask, tx: Tx, who: Caller, sealer: Sealing, response: Response) -> TaskView:
    """A draft. It is on nobody's phone before it is opened."""
    if body.unit_id not in tx.directory.units:
        raise not_found("没有这个单位 / No such unit")
    doer = Doer(who.actor(who.must(RUNNING, body.unit_id, tx.directory)), Channel.DESK)
    return _shown(tx, await mass_tasks.prepare_task(tx, body, doer, sealer), response)


@router.get("/mass-tasks", dependencies=[allow(*RUNNING)])
async def overview(
    tx: Tx,
    who: Caller,
    state: Literal["draft", "open", "closed"] | None = None,
    after_cursor: Cursor = None,
    limit: Limit = 50,
) -> TasksPage:
    """Those of the units one runs and of what is below them, the latest first."""
    units = [grant.unit_id for grant in who.grants if grant.role in RUNNING]
    found = await rows.page(tx, units, state, after(after_cursor), limit)
    full = len(found) == limit
    following = cursor(found[-1].prepared_at, found[-1].id) if full else None
    return TasksPage(tasks=[task_view(task) for task in found], next_cursor=following)


@router.get("/mass-tasks/{task_id}", dependencies=[allow(*RUNNING)], responses=VERSIONED)
async def show(task_id: UUID, tx: Tx, who: Caller, sealer: Sealing, response: Response) -> TaskOverview:
    """n of d at this moment: per grid, per worker's list, and why the others are not done."""
    task = await run_by(tx, task_id, who)
    response.headers["ETag"] = etag(await version_of(tx, task_id))
    return await _overview(tx, task, sealer)


@router.post("/mass-tasks/{task_id}/people", dependencies=[allow(*RUNNING)], max_body_size=FORM_BYTES_MAX)
async def put_on_list(
    task_id: UUID,
    tx: Tx,
    who: Caller,
    sealer: Sealing,
    file: Annotated[
        UploadFile, File(description="CSV, .xlsx or JSON lines: ref, name, phone, address, grid_id")
    ],
    dry_run: Annotated[bool, Form()] = True,
) -> ListAnswer:
    """The list, with what is wrong line by line. `dry_run` writes nothing, and is what happens if nobody says
    otherwise; sent again, who is on the list already stays as they are."""
    doer = await _runner(tx, task_id, who)
    lines = await asyncio.to_thread(read_list, file.file)
    report = await mass_tasks.take_list(tx, task_id, lines, doer, sealer, dry_run=dry_run)
    wrong = [
        WrongLine(line=one.line, ref=one.ref, column=one.column, code=one.code, text=one.text)
        for one in report.wrong[:WRONG_SHOWN_MAX]
    ]
    return ListAnswer(
        dry_run=dry_run,
        lines=report.lines,
        taken=report.taken,
        known=report.known,
        refused=len(report.wrong),
        wrong=wrong,
    )


@router.post("/mass-tasks/{task_id}/open", dependencies=[allow(*RUNNING)])
async def open_task(
    task_id: UUID, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
) -> TaskView:
    """开始: split over those at work, who have it under /me/mass-tasks. The list stands from now on."""
    doer = await _runner(tx, task_id, who)
    await must_match(tx, task_id, if_match)
    return _shown(tx, await mass_tasks.open_task(tx, task_id, doer), response)


@router.post("/mass-tasks/{task_id}/split", dependencies=[allow(*RUNNING)])
async def split(task_id: UUID, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None) -> TaskView:
    """What is left, over those at work now; it also happens by itself when somebody leaves or comes."""
    doer = await _runner(tx, task_id, who)
    await must_match(tx, task_id, if_match)
    return _shown(tx, await mass_tasks.split_task(tx, task_id, doer), response)


@router.post("/mass-tasks/{task_id}/close", dependencies=[allow(*RUNNING)])
async def close(
    task_id: UUID, tx: Tx, who: Caller, sealer: Sealing, response: Response, if_match: IfMatch = None
) -> TaskOverview:
    """结束: the numbers stand as they are, and say who is missing with why."""
    doer = await _runner(tx, task_id, who)
    await must_match(tx, task_id, if_match)
    task = await mass_tasks.close_task(tx, task_id, doer)
    _shown(tx, task, response)
    return await _overview(tx, task, sealer)


@router.get("/mass-tasks/{task_id}/buildings", dependencies=[allow(*RUNNING)])
async def buildings(
    task_id: UUID,
    tx: Tx,
    who: Caller,
    sealer: Sealing,
    unit: str | None = None,
    grid: str | None = None,
    after_cursor: Cursor = None,
    limit: Limit = 50,
) -> BuildingsPage:
    """n of d house by house, in the order of the addresses: below a `unit`, or of exactly the `grid` of a row of the
    overview."""
    await run_by(tx, task_id, who)
    after_place_, _ = after_place(after_cursor)
    found = await rows.of_buildings(
        tx, task_id, grids=_grids(tx, unit, grid), after_place=after_place_, most=limit
    )
    key = await rows.key_of(tx, task_id, sealer)
    full = len(found) == limit
    return BuildingsPage(
        buildings=[_building(row, key, sealer) for row in found],
        next_cursor=cursor(found[-1]["first"], found[-1]["id"]) if full else None,
    )


@router.get("/mass-tasks/{task_id}/missing", dependencies=[allow(*RUNNING)])
async def missing(
    task_id: UUID,
    tx: Tx,
    who: Caller,
    sealer: Sealing,
    unit: str | None = None,
    grid: str | None = None,
    building: str | None = None,
    person: str | None = None,
    on_nobodys_list: bool = False,
    reason: NotDoneReason | None = None,
    after_cursor: Cursor = None,
    limit: Limit = 50,
) -> MissingPage:
    """Who is missing and why, in the order of the addresses: below a `unit`, or of exactly the `grid` of a row of the
    overview (people listed without a grid are under the task's own unit), in a `building` of it, on the list of a
    `person` or on nobody's."""
    await run_by(tx, task_id, who)
    found = await rows.missing(
        tx,
        task_id,
        grids=_grids(tx, unit, grid),
        reason=reason,
        building=building,
        worker=person,
        nobodys=on_nobodys_list,
        after=after_place(after_cursor),
        most=limit,
    )
    key = await rows.key_of(tx, task_id, sealer)
    people = [_missing(row, key, sealer) for row in found]
    full = len(found) == limit
    return MissingPage(
        people=people, next_cursor=cursor(found[-1]["place"], found[-1]["id"]) if full else None
    )


def task_view(task: MassTask) -> TaskView:
    given = {
        name: getattr(task, name) for name in TaskView.model_fields if name not in ("task_id", "unit_id")
    }
    return TaskView(task_id=task.id, unit_id=task.unit_id, **given)


async def run_by(tx: Transaction, task_id: UUID, who: SignedIn) -> MassTask:
    """The task, for those who run its unit; 403 for others."""
    task = await mass_tasks.known_task(tx, task_id)
    who.must(RUNNING, task.unit_id, tx.directory)
    return task


async def _runner(tx: Transaction, task_id: UUID, who: SignedIn) -> Doer:
    task = await mass_tasks.known_task(tx, task_id)
    return Doer(who.actor(who.must(RUNNING, task.unit_id, tx.directory)), Channel.DESK)


def _shown(tx: Transaction, task: MassTask, response: Response) -> TaskView:
    response.headers["ETag"] = etag(tx.version(task.id))
    return task_view(task)


async def _overview(tx: Transaction, task: MassTask, sealer: Sealer) -> TaskOverview:
    counted = await rows.counts(tx, task.id)
    done, not_done = mass_tasks.tally(counted)
    workers = await rows.of_workers(tx, task.id)
    grids = [_grid(grid_id, counted) for grid_id in dict.fromkeys(row["grid_id"] for row in counted)]
    key = await rows.key_of(tx, task.id, sealer)
    return TaskOverview(
        task=task_view(task),
        instructions=await rows.instructions(tx, task.id, key, sealer),
        done=done,
        missing=not_done,
        on_nobodys_list=task.total - sum(row["listed"] for row in workers),
        grids=grids,
        workers=[
            WorkerLoad(person_id=row["worker_id"], listed=row["listed"], done=row["done"], left=row["left"])
            for row in workers
        ],
    )


def _grid(grid_id: str, counted: list[Row]) -> GridCount:
    done, not_done = mass_tasks.tally([row for row in counted if row["grid_id"] == grid_id])
    return GridCount(grid_id=grid_id, listed=done + sum(not_done.values()), done=done, missing=not_done)


def _grids(tx: Transaction, unit: str | None, grid: str | None) -> list[str] | None:
    if grid is not None:
        return [grid]
    return grids_below(tx.directory, [unit]) if unit is not None else None


def _building(row: Row, key: bytes | None, sealer: Sealer) -> BuildingCount:
    address = rows.unsealed(row, key, sealer).get("address")
    named = row["listed"] >= HOUSE_NAMED_FROM_PEOPLE
    return BuildingCount(
        grid_id=row["grid_id"],
        building=row["building"],
        name=building_of(address) if address and named else None,
        listed=row["listed"],
        done=row["done"],
        missing=row["missing"],
    )


def _missing(row: Row, key: bytes | None, sealer: Sealer) -> MissingPerson:
    name = rows.unsealed(row, key, sealer).get("name")
    return MissingPerson(
        listed_id=row["id"],
        ref=row["ref"],
        name=masked_name(name) if name else None,
        grid_id=row["grid_id"],
        building=row["building"],
        person_id=row["worker_id"],
        reason=NotDoneReason(row["reason"] or NotDoneReason.NOT_REACHED),
        tries=row["tries"],
        tried_at=row["tried_at"],
    )
