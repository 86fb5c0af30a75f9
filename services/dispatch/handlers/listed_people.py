"""What a worker enters about somebody on his list. The phone's queue calls the same functions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from services.dispatch import metrics
from services.dispatch.commands import CorrectTry, DoListed, LeaveUndone
from services.dispatch.handlers.records import refuse
from services.dispatch.handlers.rounds import belongs
from services.dispatch.queries import listed_people as rows
from services.dispatch.queries import mass_tasks
from services.dispatch.rules import listed_people, task_story
from services.dispatch.rules.listed_people import ListedPerson, Try
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.task_story import TaskState
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.ids import uuid7
from shared.problems import not_found
from shared.sealing import Sealer


async def try_listed(
    tx: Transaction, listed_id: UUID, command: DoListed | LeaveUndone, doer: Doer, sealer: Sealer
) -> ListedPerson:
    """Done, or not done and why. By whose list it is on, or by a colleague of the grid."""
    listed, now = await _listed(tx, listed_id)
    reason = command.reason if isinstance(command, LeaveUndone) else None
    made = Try(uuid7(), doer.person_id, now, reason is None, reason)
    helps = belongs(tx.directory, doer.person_id, listed.grid_id)
    decision = listed_people.try_(listed, made, helps=helps)
    if isinstance(decision, Refused):
        refuse(decision)
    if decision is None:
        return listed
    listed, made = decision
    note = await _sealed(tx, listed, f"mass_task_tries.note:{made.id}", command.note, sealer)
    await rows.add_try(tx, listed, made, doer.device_at, note)
    await rows.save(tx, listed)
    metrics.MASS_TASK_TRIES.labels("done" if made.done else "not_done").inc()
    return listed


async def correct_try(
    tx: Transaction,
    listed_id: UUID,
    command: CorrectTry,
    doer: Doer,
    sealer: Sealer,
    *,
    within_hours: int,
) -> ListedPerson:
    """更正 of one's own try; the wrong one stays with the words beside it."""
    listed, now = await _listed(tx, listed_id)
    found = await rows.the_try(tx, listed_id, command.try_id)
    if found is None:
        raise not_found("没有这条记录 / No such entry")
    wrong, undone = found
    if undone and wrong.person_id == doer.person_id:
        return listed
    before = await rows.before(tx, listed_id, wrong.id)
    decision = listed_people.correct(listed, wrong, before, doer.person_id, now, within_hours=within_hours)
    if isinstance(decision, Refused):
        refuse(decision)
    words = await _sealed(tx, listed, f"mass_task_tries.correction:{wrong.id}", command.text, sealer)
    assert words is not None
    await rows.undo(tx, wrong.id, now, words)
    await rows.save(tx, decision)
    metrics.MASS_TASK_TRIES.labels("corrected").inc()
    return decision


async def _listed(tx: Transaction, listed_id: UUID) -> tuple[ListedPerson, datetime]:
    """Somebody on the list of a task that is open, locked; the task stays open until this is written."""
    state = await rows.state_of_task(tx, listed_id)
    if state in (None, TaskState.DRAFT):
        raise not_found("名单上没有此人 / Nobody like that on the list")
    if state is TaskState.CLOSED:
        refuse(task_story.TASK_CLOSED)
    return await rows.locked(tx, listed_id), await tx.now()


async def _sealed(
    tx: Transaction, listed: ListedPerson, context: str, text: str | None, sealer: Sealer
) -> bytes | None:
    if text is None:
        return None
    key = await mass_tasks.key_of(tx, listed.task_id, sealer)
    assert key is not None
    return sealer.seal(key, text, context)


def answer_of(listed: ListedPerson) -> dict[str, object]:
    """What a phone has to know of it."""
    given = asdict(listed)
    return {
        "listed_id": str(listed.id),
        "listed_state": listed.state.value,
        "reason": given["reason"],
        "try_id": str(listed.try_id) if listed.try_id is not None else None,
    }
