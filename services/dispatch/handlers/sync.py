"""The phone's ordered queue: each command in a transaction of its own, once by its id, with a result for each.

Nothing stops the queue. A refused command does not hold up the others; later refusals of the same part name the
first one, because that is the one the worker has to know about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from services.dispatch import metrics
from services.dispatch.commands import COMMANDS, QueuedCommand
from services.dispatch.handlers import entries, listed_people, offers, passing, rounds, work
from services.dispatch.handlers.records import case_of
from services.dispatch.queries.cases import load
from services.dispatch.queries.synced import answered, keep_answer
from services.dispatch.rules.facts import State
from services.dispatch.rules.views import part_view
from services.dispatch.rules.work import Doer
from shared.database import Database, Transaction
from shared.problems import Problem, document
from shared.sealing import Sealer

WHAT_NEXT = {
    404: "手机上的工单已过时；请刷新“现在”页，仍找不到请联系网格长 / The phone's copy is out of date: refresh the "
    "first screen; if it is still not there, call the grid leader",
    422: "请在手机上打开这一条，改正后重发 / Open this entry on the phone, put it right and send it again",
    409: "请刷新“现在”页，按最新情况处理 / Refresh the first screen and go by what it says now",
}
"""What to do where a refusal does not say it itself: nobody is left alone with a conflict."""


@dataclass(frozen=True)
class Phone:
    """Whose queue it is, and what its commands need."""

    doer: Doer
    sealer: Sealer
    language: str | None
    corrections_within_hours: int


async def work_off(database: Database, queue: list[QueuedCommand], phone: Phone) -> list[dict[str, Any]]:
    """One result per command, in the order of the queue: `done` with the part as it is then, or `refused` with the
    problem. A command already done gets its first answer again; a refused one is tried again when it is sent again."""
    results: list[dict[str, Any]] = []
    first_refused: dict[UUID, UUID] = {}
    for command in queue:
        about: UUID | None = None
        try:
            async with database.transaction() as tx:
                about = command.stop_id or command.listed_id or await _part_of(tx, command)
                answer = await _once(tx, command, about, phone)
            results.append({"id": command.id, "status": "done", **answer})
        except Problem as problem:
            told = _told(problem, first_refused.get(about) if about else None, phone.language)
            if about is not None:
                first_refused.setdefault(about, command.id)
            named = {_name_of(command): about}
            results.append({"id": command.id, "status": "refused", **named, "problem": told})
        metrics.SYNC_COMMANDS.labels(results[-1]["status"]).inc()
    return results


def _told(problem: Problem, after: UUID | None, language: str | None) -> dict[str, Any]:
    if problem.detail is None:
        problem.detail = WHAT_NEXT.get(problem.status, WHAT_NEXT[409])
    told = document(problem, language)
    return told if after is None else {**told, "after_refused": after}


async def _once(tx: Transaction, command: QueuedCommand, about: UUID, phone: Phone) -> dict[str, Any]:
    """The lock of the case or stop makes two copies of one queue wait for each other, so the second finds the
    answer."""
    doer = replace(phone.doer, device_at=command.at)
    name = _name_of(command)
    now = await tx.lock(await case_of(tx, part_id=about) if name == "part_id" else about)
    if (before := await answered(tx, doer.person_id, command.id)) is not None:
        return before
    answer = await ACTS[name](tx, command, about, replace(phone, doer=doer))
    await keep_answer(tx, doer.person_id, command.id, about, answer, now)
    return answer


async def _do_at_stop(tx: Transaction, command: QueuedCommand, stop_id: UUID, phone: Phone) -> dict[str, Any]:
    """The round's entries: the same handlers as the routes'."""
    body: Any = _body(command)
    doer, sealer = phone.doer, phone.sealer
    match command.type:
        case "round_done":
            stop = await rounds.do_stop(tx, stop_id, body, doer, sealer)
        case "round_not_done":
            stop = await rounds.leave_stop(tx, stop_id, body, doer, sealer)
        case "round_correct":
            hours = phone.corrections_within_hours
            stop = await rounds.correct_stop(tx, stop_id, body, doer, sealer, within_hours=hours)
        case _:
            raise Problem(422, "nothing-named", "缺少 offer_id 或 part_id / Name the offer or the part")
    return {
        "stop_id": str(stop_id),
        "due_on": stop.due_on.isoformat(),
        "not_before": stop.not_before.isoformat(),
    }


async def _do_on_list(
    tx: Transaction, command: QueuedCommand, listed_id: UUID, phone: Phone
) -> dict[str, Any]:
    """A mass task's entries."""
    body: Any = _body(command)
    doer, sealer = phone.doer, phone.sealer
    match command.type:
        case "task_done" | "task_not_done":
            listed = await listed_people.try_listed(tx, listed_id, body, doer, sealer)
        case "task_correct":
            hours = phone.corrections_within_hours
            listed = await listed_people.correct_try(tx, listed_id, body, doer, sealer, within_hours=hours)
        case _:
            raise Problem(422, "nothing-named", "缺少 offer_id 或 part_id / Name the offer or the part")
    return listed_people.answer_of(listed)


async def _do_on_part(tx: Transaction, command: QueuedCommand, part_id: UUID, phone: Phone) -> dict[str, Any]:
    state, extra = await _do(tx, command, part_id, phone)
    view = part_view(state, state.part(part_id)).model_dump(mode="json")
    return {"part_id": str(part_id), "part": view, **extra}


ACTS = {"stop_id": _do_at_stop, "listed_id": _do_on_list, "part_id": _do_on_part}


def _name_of(command: QueuedCommand) -> str:
    """What the command is about."""
    if command.stop_id is not None:
        return "stop_id"
    return "listed_id" if command.listed_id is not None else "part_id"


async def _part_of(tx: Transaction, command: QueuedCommand) -> UUID:
    if command.part_id is not None and command.offer_id is None:
        return command.part_id
    if command.offer_id is None:
        raise Problem(422, "nothing-named", "缺少 offer_id 或 part_id / Name the offer or the part")
    state = await load(tx, await case_of(tx, offer_id=command.offer_id))
    assert state is not None
    return state.offer(command.offer_id).part_id


async def _do(
    tx: Transaction, command: QueuedCommand, part_id: UUID, phone: Phone
) -> tuple[State, dict[str, Any]]:
    """The same handlers as the routes'."""
    body: Any = _body(command)
    doer, sealer = phone.doer, phone.sealer
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
        case "return":
            return await passing.return_part(tx, part_id, body, doer, sealer), {}
        case "help":
            state, help_id = await passing.ask_for_help(tx, part_id, body, doer, sealer)
            return state, {"help_id": str(help_id)}
        case "done":
            return await passing.finish_task(tx, part_id, body, doer, sealer), {}
        case "correct":
            hours = phone.corrections_within_hours
            return await entries.correct_entry(tx, part_id, body, doer, sealer, within_hours=hours), {}
        case _:
            missing = "缺少 stop_id 或 listed_id / Name the stop, or who on the list"
            raise Problem(422, "nothing-named", missing)


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
