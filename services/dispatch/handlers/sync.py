"""The phone's ordered queue: each command in a transaction of its own, once by its id, with a result for each.

Nothing stops the queue. A refused command does not hold up the others; later refusals of the same part name the
first one, because that is the one the worker has to know about.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from services.dispatch import metrics
from services.dispatch.commands import COMMANDS, QueuedCommand
from services.dispatch.handlers import offers, work
from services.dispatch.handlers.records import case_of
from services.dispatch.queries.cases import load
from services.dispatch.queries.synced import answered, keep_answer
from services.dispatch.rules.facts import State
from services.dispatch.rules.views import part_view
from services.dispatch.rules.work import Doer
from shared.database import Database, Transaction
from shared.problems import Problem, document
from shared.sealing import Sealer


async def work_off(
    database: Database, queue: list[QueuedCommand], doer: Doer, sealer: Sealer, language: str | None
) -> list[dict[str, Any]]:
    """One result per command, in the order of the queue: `done` with the part as it is then, or `refused` with the
    problem. A command already done gets its first answer again; a refused one is tried again when it is sent again."""
    results: list[dict[str, Any]] = []
    first_refused: dict[UUID, UUID] = {}
    for command in queue:
        about: UUID | None = None
        try:
            async with database.transaction() as tx:
                about = await _part_of(tx, command)
                answer = await _once(tx, command, about, doer, sealer)
            results.append({"id": command.id, "status": "done", **answer})
        except Problem as problem:
            told = _told(problem, first_refused.get(about) if about else None, language)
            if about is not None:
                first_refused.setdefault(about, command.id)
            results.append({"id": command.id, "status": "refused", "part_id": about, "problem": told})
        metrics.SYNC_COMMANDS.labels(results[-1]["status"]).inc()
    return results


def _told(problem: Problem, after: UUID | None, language: str | None) -> dict[str, Any]:
    told = document(problem, language)
    return told if after is None else {**told, "after_refused": after}


async def _once(
    tx: Transaction, command: QueuedCommand, part_id: UUID, doer: Doer, sealer: Sealer
) -> dict[str, Any]:
    """The lock of the case makes two copies of one queue wait for each other, so the second finds the answer."""
    now = await tx.lock(await case_of(tx, part_id=part_id))
    if (before := await answered(tx, doer.person_id, command.id)) is not None:
        return before
    state, extra = await _do(tx, command, part_id, replace(doer, device_at=command.at), sealer)
    view = part_view(state, state.part(part_id)).model_dump(mode="json")
    answer = {"part_id": str(part_id), "part": view, **extra}
    await keep_answer(tx, doer.person_id, command.id, part_id, answer, now)
    return answer


async def _part_of(tx: Transaction, command: QueuedCommand) -> UUID:
    if command.part_id is not None and command.offer_id is None:
        return command.part_id
    if command.offer_id is None:
        raise Problem(422, "nothing-named", "缺少 offer_id 或 part_id / Name the offer or the part")
    state = await load(tx, await case_of(tx, offer_id=command.offer_id))
    assert state is not None
    return state.offer(command.offer_id).part_id


async def _do(
    tx: Transaction, command: QueuedCommand, part_id: UUID, doer: Doer, sealer: Sealer
) -> tuple[State, dict[str, Any]]:
    """The same handlers as the routes'."""
    body: Any = _body(command)
    match command.type:
        case "accept":
            return (await offers.accept_offer(tx, _offer(command), body, doer, sealer))[0], {}
        case "decline":
            return (await offers.decline_offer(tx, _offer(command), body, doer))[0], {}
        case "arrive":
            return await work.arrive(tx, part_id, body, doer, sealer), {}
        case "contact":
            return await work.make_contact(tx, part_id, body, doer), {}
        case "note":
            state, note_id = await work.write_note(tx, part_id, body, doer, sealer)
            return state, {"note_id": str(note_id)}
        case "handle":
            return await work.handle_part(tx, part_id, body, doer, sealer), {}


def _offer(command: QueuedCommand) -> UUID:
    if command.offer_id is None:
        raise Problem(422, "nothing-named", "缺少 offer_id / Name the offer")
    return command.offer_id


def _body(command: QueuedCommand) -> Any:
    try:
        return COMMANDS[command.type].model_validate(command.body)
    except ValidationError as wrong:
        faults = [
            {"field": ".".join(map(str, fault["loc"])), "message": fault["msg"]} for fault in wrong.errors()
        ]
        raise Problem(422, "invalid", "内容有误 / Something in it is wrong", errors=faults) from None
