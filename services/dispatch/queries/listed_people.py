"""Somebody on a mass task's list, and each time somebody was there."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from services.dispatch.rules.listed_people import ListedPerson, ListedState, Try
from services.dispatch.rules.task_story import TaskState
from shared.database import Row, Transaction
from shared.fieldwork import NotDoneReason

COLUMNS = "id, task_id, grid_id, state, worker_id, reason, tries, try_id, tried_by, tried_at"
ADD_TRY = """
    INSERT INTO mass_task_tries (id, task_id, listed_id, person_id, at, device_at, done, reason, sealed_note)
    VALUES (:id, :task_id, :listed_id, :person_id, :at, :device_at, :done, :reason, :sealed_note)
"""
TRIES = """
    SELECT id, person_id, at, done, reason FROM mass_task_tries
    WHERE listed_id = :listed_id AND undone_at IS NULL ORDER BY at DESC, id DESC LIMIT 2
"""


async def state_of_task(tx: Transaction, listed_id: UUID) -> TaskState | None:
    """Of the task somebody is listed in. It stays in that state until this transaction ends; the task is locked before
    the person, as whoever splits or closes it does."""
    rows = await tx.rows(
        "SELECT state FROM mass_tasks WHERE id = (SELECT task_id FROM mass_task_people WHERE id = :id) FOR SHARE",
        id=listed_id,
    )
    return TaskState(rows[0]["state"]) if rows else None


async def locked(tx: Transaction, listed_id: UUID) -> ListedPerson:
    [row] = await tx.rows(f"SELECT {COLUMNS} FROM mass_task_people WHERE id = :id FOR UPDATE", id=listed_id)
    reason = NotDoneReason(row["reason"]) if row["reason"] else None
    return ListedPerson(**{**row, "state": ListedState(row["state"]), "reason": reason})


async def save(tx: Transaction, listed: ListedPerson) -> None:
    given = asdict(listed)
    for name in ("task_id", "grid_id", "worker_id"):
        given.pop(name)
    await tx.rows(
        "UPDATE mass_task_people SET state = :state, reason = :reason, tries = :tries, try_id = :try_id,"
        " tried_by = :tried_by, tried_at = :tried_at WHERE id = :id",
        **given,
    )


async def add_try(
    tx: Transaction, listed: ListedPerson, made: Try, device_at: datetime | None, note: bytes | None
) -> None:
    await tx.rows(
        ADD_TRY,
        task_id=listed.task_id,
        listed_id=listed.id,
        device_at=device_at,
        sealed_note=note,
        **asdict(made),
    )


async def the_try(tx: Transaction, listed_id: UUID, try_id: UUID) -> tuple[Try, bool] | None:
    """A try, and whether it was taken back."""
    rows = await tx.rows(
        "SELECT id, person_id, at, done, reason, undone_at FROM mass_task_tries"
        " WHERE id = :id AND listed_id = :listed_id",
        id=try_id,
        listed_id=listed_id,
    )
    return (_try(rows[0]), rows[0]["undone_at"] is not None) if rows else None


async def before(tx: Transaction, listed_id: UUID, wrong: UUID) -> Try | None:
    """The latest try that stands, but for the wrong one."""
    rows = await tx.rows(TRIES, listed_id=listed_id)
    return next((_try(row) for row in rows if row["id"] != wrong), None)


async def undo(tx: Transaction, try_id: UUID, at: datetime, words: bytes) -> None:
    """It stays, with the words of the correction beside it."""
    await tx.rows(
        "UPDATE mass_task_tries SET undone_at = :at, sealed_correction = :words WHERE id = :id",
        id=try_id,
        at=at,
        words=words,
    )


def _try(row: Row) -> Try:
    reason = NotDoneReason(row["reason"]) if row["reason"] else None
    return Try(row["id"], row["person_id"], row["at"], row["done"], reason)
