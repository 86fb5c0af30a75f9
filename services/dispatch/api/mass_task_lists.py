"""全员任务 on the phone: one's own list in the order of a walk, done or not done. And the whole as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.dispatch.api.cursors import after_place, cursor
from services.dispatch.api.doing import WORKING, Doing, Sealing, settings_of
from services.dispatch.api.mass_tasks import RUNNING, TaskView, run_by, task_view
from services.dispatch.commands import CorrectTry, DoListed, LeaveUndone, device_time
from services.dispatch.handlers import listed_people, mass_tasks
from services.dispatch.queries import mass_tasks as rows
from services.dispatch.rules.listed_people import ListedPerson, ListedState
from services.dispatch.rules.task_story import TaskState
from shared.database import Database, Row
from shared.fieldwork import NotDoneReason
from shared.openapi import sending
from shared.routes import Caller, Db, Tx, allow, router_for
from shared.sealing import Sealer

router = router_for("dispatch")
# An export reads page by page, each in a transaction of its own.
streams = router_for("dispatch", one_transaction=False)

PAGE_ROWS_MAX = 200
OWN_TASKS_MAX = 100
EXPORT_PAGE_ROWS = 1000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = ("ref", "grid_id", "worker_id", "state", "reason", "tries", "tried_at")


class OwnTask(BaseModel):
    """`left` of the `listed` people on my list are still to be reached."""

    task: TaskView
    listed: int
    left: int


class OwnTasks(BaseModel):
    tasks: list[OwnTask]


class OnMyList(BaseModel):
    """`try_id` is the entry that counts now, for correcting it."""

    listed_id: UUID
    ref: str
    grid_id: str
    name: str | None
    phone: str | None
    address: str | None
    state: ListedState
    reason: NotDoneReason | None
    tries: int
    try_id: UUID | None
    tried_at: datetime | None


class MyList(BaseModel):
    instructions: str | None
    people: list[OnMyList]
    next_cursor: str | None


class TriedView(BaseModel):
    listed_id: UUID
    state: ListedState
    reason: NotDoneReason | None
    tries: int
    try_id: UUID | None


@router.get("/me/mass-tasks", dependencies=[allow(*WORKING)])
async def my_tasks(tx: Tx, who: Caller) -> OwnTasks:
    """The open tasks with somebody on my list, the next deadline first."""
    found = await rows.own_tasks(tx, who.person_id, OWN_TASKS_MAX)
    return OwnTasks(
        tasks=[OwnTask(task=task_view(task), listed=listed, left=left) for task, listed, left in found]
    )


@router.get("/me/mass-tasks/{task_id}/people", dependencies=[allow(*WORKING)])
async def my_list(
    task_id: UUID,
    tx: Tx,
    who: Caller,
    sealer: Sealing,
    state: Literal["open", "done", "not_done", "left"] | None = None,
    after_cursor: Annotated[str | None, Query(alias="cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 50,
) -> MyList:
    """Who is on my list, house by house in a short walk; `left` are those nobody reached yet or who are worth another
    try."""
    task = await mass_tasks.known_task(tx, task_id)
    begin = after_place(after_cursor)
    found = await rows.walk(
        tx,
        task_id,
        who.person_id,
        state=None if state == "left" else state,
        left=state == "left",
        after=begin,
        most=limit,
    )
    if task.state is not TaskState.OPEN:
        found = []  # neither before it begins nor after it ended is there a reason to read who people are
    key = await rows.key_of(tx, task_id, sealer) if found else None
    full = len(found) == limit
    return MyList(
        instructions=await rows.instructions(tx, task_id, key, sealer) if found else None,
        people=[_on_my_list(row, key, sealer) for row in found],
        next_cursor=cursor(found[-1]["stand"], found[-1]["id"]) if full else None,
    )


@router.post("/mass-tasks/people/{listed_id}/done", dependencies=[allow(*WORKING)])
async def done(listed_id: UUID, body: DoListed, tx: Tx, doer: Doing, sealer: Sealing) -> TriedView:
    """Done; twice by the same worker is once, another one is told by whom."""
    doer = replace(doer, device_at=device_time(body))
    return _tried(await listed_people.try_listed(tx, listed_id, body, doer, sealer))


@router.post("/mass-tasks/people/{listed_id}/not-done", dependencies=[allow(*WORKING)])
async def not_done(listed_id: UUID, body: LeaveUndone, tx: Tx, doer: Doing, sealer: Sealing) -> TriedView:
    """Not done, and why; who was not at home may be tried again."""
    doer = replace(doer, device_at=device_time(body))
    return _tried(await listed_people.try_listed(tx, listed_id, body, doer, sealer))


@router.post("/mass-tasks/people/{listed_id}/corrections", status_code=201, dependencies=[allow(*WORKING)])
async def correct(
    listed_id: UUID, body: CorrectTry, tx: Tx, doer: Doing, sealer: Sealing, request: Request
) -> TriedView:
    """更正 of one's own entry within the hours the city grants; the try before it counts again."""
    hours = settings_of(request).corrections_within_hours
    doer = replace(doer, device_at=device_time(body))
    return _tried(await listed_people.correct_try(tx, listed_id, body, doer, sealer, within_hours=hours))


@streams.get(
    "/mass-tasks/{task_id}/people.csv",
    dependencies=[allow(*RUNNING)],
    response_class=StreamingResponse,
    responses=sending("text/csv"),
)
async def export(task_id: UUID, database: Db, who: Caller) -> StreamingResponse:
    """Everybody by the ref of the list that was imported, with state and reason. Without names: those are in that
    list."""
    async with database.transaction() as tx:
        tx.read_only = True
        task = await run_by(tx, task_id, who)
    headers = {
        "Content-Disposition": f'attachment; filename="mass-task-{task.id}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_csv(database, task_id), media_type="text/csv; charset=utf-8", headers=headers)


async def _csv(database: Database, task_id: UUID) -> AsyncIterator[bytes]:
    """With a byte order mark, so that a spreadsheet reads the Chinese; page by page, as it is read."""
    out, at, full = io.StringIO(), (0, UUID(int=0)), True
    writer = csv.writer(out)
    out.write("\ufeff")
    writer.writerow(COLUMNS)
    while full:
        async with database.transaction() as tx:
            tx.read_only = True
            page = await rows.missing(tx, task_id, everybody=True, after=at, most=EXPORT_PAGE_ROWS)
        writer.writerows([_cell(row, column) for column in COLUMNS] for row in page)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
        full = len(page) == EXPORT_PAGE_ROWS
        at = (page[-1]["place"], page[-1]["id"]) if page else at


def _cell(row: Row, column: str) -> str:
    """Text that no spreadsheet runs as a formula."""
    value = row[column]
    if column == "reason" and value is None and row["state"] != ListedState.DONE:
        value = NotDoneReason.NOT_REACHED
    if isinstance(value, datetime):
        return value.isoformat()
    text = "" if value is None else str(value)
    return "'" + text if text.lstrip(" ").startswith(FORMULA) else text


def _on_my_list(row: Row, key: bytes | None, sealer: Sealer) -> OnMyList:
    details = rows.unsealed(row, key, sealer)
    given = {name: row[name] for name in ("ref", "grid_id", "state", "reason", "tries", "try_id", "tried_at")}
    known = {name: details.get(name) for name in ("name", "phone", "address")}
    return OnMyList(listed_id=row["id"], **given, **known)


def _tried(listed: ListedPerson) -> TriedView:
    return TriedView(
        listed_id=listed.id,
        state=listed.state,
        reason=listed.reason,
        tries=listed.tries,
        try_id=listed.try_id,
    )
