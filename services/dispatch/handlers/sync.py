"""The phone's ordered queue: each command in a transaction of its own, once by its id, with a result for each.

Nothing stops the queue: not a refused command, nor one that nobody can read or that breaks here. Later refusals of the
same part name the first one, because that is the one the worker has to know about.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn
from uuid import UUID

from pydantic import ValidationError

from services.dispatch import metrics
from services.dispatch.commands import COMMANDS, CommandType, QueuedCommand, QueuedLine
from services.dispatch.handlers import entries, listed_people, offers, on_the_way, passing, rounds, work
from services.dispatch.handlers.records import case_of, cases_of
from services.dispatch.queries.cases import load
from services.dispatch.queries.synced import answered, keep_answer
from services.dispatch.rules.facts import State
from services.dispatch.rules.listed_people import ListedPerson
from services.dispatch.rules.round_story import Stop
from services.dispatch.rules.views import part_view
from services.dispatch.rules.work import Doer
from shared.database import Database, Transaction
from shared.problems import Problem, document, problem_of
from shared.retry import is_transient
from shared.sealing import Sealer

WHAT_NEXT = {
    404: "手机上的工单已过时；请刷新“现在”页，仍找不到请联系网格长 / The phone's copy is out of date: refresh the "
    "first screen; if it is still not there, call the grid leader",
    422: "请在手机上打开这一条，改正后重发 / Open this entry on the phone, put it right and send it again",
    409: "请刷新“现在”页，按最新情况处理 / Refresh the first screen and go by what it says now",
}
"""What to do where a refusal does not say it itself: nobody is left alone with a conflict."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class Phone:
    """Whose queue it is, and what its commands need."""

    doer: Doer
    sealer: Sealer
    language: str | None
    corrections_within_hours: int


async def work_off(database: Database, queue: list[QueuedLine], phone: Phone) -> list[Answer]:
    """One result per command, in the order of the queue: `done` with the part as it is then, `refused` with the
    problem, or `failed` where the fault is ours. A command already done gets its first answer again; any other is
    tried again when it is sent again. Where the database is away no command can be answered, so none is."""
    results: list[Answer] = []
    first_refused: dict[UUID, UUID] = {}
    for line in queue:
        named: dict[str, UUID] = {}
        try:
            result = {"status": "done", **await _one(database, line, phone, named)}
        except Exception as wrong:
            if is_transient(wrong):
                raise
            problem, about = problem_of(wrong), next(iter(named.values()), None)
            status = "failed" if problem.status >= 500 else "refused"
            told = _told(problem, first_refused.get(about) if about else None, phone.language)
            if about is not None:
                first_refused.setdefault(about, line.id)
            result = {"status": status, **named, "problem": told}
        metrics.SYNC_COMMANDS.labels(result["status"]).inc()
        results.append({"id": line.id, **result})
    return results


def _told(problem: Problem, after: UUID | None, language: str | None) -> Answer:
    if problem.detail is None:
        problem.detail = WHAT_NEXT.get(problem.status, WHAT_NEXT[409])
    told = document(problem, language)
    return told if after is None else {**told, "after_refused": after}


async def _one(database: Database, line: QueuedLine, phone: Phone, named: dict[str, UUID]) -> Answer:
    """The lock of the case or stop makes two copies of one queue wait for each other, so the second finds the answer.
    `named` is told what the command is about as soon as that is known."""
    command = _read(line)
    deed = DEEDS[command.type]
    async with database.transaction() as tx:
        about = named[deed.about] = await _about(tx, command, deed)
        doer = replace(phone.doer, device_at=command.at)
        offer_id = command.offer_id if deed.answers_offer else None
        of_part = await cases_of(tx, offer_id=offer_id, part_id=about) if deed.about == "part_id" else [about]
        now = await tx.lock(*of_part)
        if (before := await answered(tx, doer.person_id, command.id)) is not None:
            return before
        on = (command.offer_id if deed.answers_offer else None) or about
        act = Act(tx, on, about, _body(command), doer, phone.sealer, phone.corrections_within_hours)
        answer = {deed.about: str(about), **await deed.do(act)}
        await keep_answer(tx, doer.person_id, command.id, about, answer, now)
        return answer


# ── what a command says ───────────────────────────────────────────────────────────────────────────────────────────


def _read(line: QueuedLine) -> QueuedCommand:
    try:
        return QueuedCommand.model_validate(line.model_dump())
    except ValidationError as wrong:
        fields = {fault["loc"][0] for fault in wrong.errors()}
        if "type" in fields:
            raise Problem(
                422,
                "unknown-command",
                "系统不认识这项操作 / This command is not known here",
                detail="手机应用可能比系统新；请记下内容并联系网格长 / The app may be newer than the system: "
                "keep a note of it and call the grid leader",
            ) from None
        if "at" in fields:
            raise Problem(
                422,
                "phone-clock-wrong",
                "手机时间有误 / The phone's time cannot be right",
                detail="请打开手机的自动设置时间，再重做这一条 / Turn on the phone's automatic time, then do "
                "this again",
            ) from None
        raise _invalid(wrong) from None


def _body(command: QueuedCommand) -> Any:
    try:
        return COMMANDS[command.type].model_validate(command.body)
    except ValidationError as wrong:
        raise _invalid(wrong) from None


def _invalid(wrong: ValidationError) -> Problem:
    faults = [
        {"field": ".".join(map(str, fault["loc"])), "message": fault["msg"]} for fault in wrong.errors()
    ]
    return Problem(422, "invalid", "内容有误 / Something in it is wrong", errors=faults)


async def _about(tx: Transaction, command: QueuedCommand, deed: Deed) -> UUID:
    """The part, stop or person on a list. A part may be named by its offer; what answers an offer has to name it."""
    if deed.about != "part_id":
        found: UUID | None = getattr(command, deed.about)
        return found or _nothing_named(deed.about)
    if command.offer_id is None:
        return (None if deed.answers_offer else command.part_id) or _nothing_named("offer_id")
    state = await load(tx, await case_of(tx, offer_id=command.offer_id))
    assert state is not None
    return state.offer(command.offer_id).part_id


def _nothing_named(field: str) -> NoReturn:
    raise Problem(422, "nothing-named", f"缺少 {field} / {field} is missing")


# ── what it does ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Act:
    """One command, about to be done by the handler of `id`: the offer answered, else what the command is about."""

    tx: Transaction
    id: UUID
    about: UUID
    body: Any
    doer: Doer
    sealer: Sealer
    within_hours: int


@dataclass(frozen=True)
class Deed:
    """The handler of a command, which the command's route calls as well, and the field that says what it is about."""

    do: Callable[[Act], Awaitable[Answer]]
    about: str = "part_id"
    answers_offer: bool = False


async def _part(act: Act, doing: Awaitable[State | tuple[State, UUID]], made: str = "") -> Answer:
    """`made` is the name of the id that came of it."""
    done = await doing
    state, new_id = done if isinstance(done, tuple) else (done, None)
    view = part_view(state, state.part(act.about)).model_dump(mode="json")
    return {"part": view} | ({made: str(new_id)} if made else {})


async def _stop(doing: Awaitable[Stop]) -> Answer:
    stop = await doing
    return {"due_on": stop.due_on.isoformat(), "not_before": stop.not_before.isoformat()}


async def _listed(doing: Awaitable[ListedPerson]) -> Answer:
    return listed_people.answer_of(await doing)


def _of_part(do: Callable[[Act], Awaitable[Any]], made: str = "", *, answers_offer: bool = False) -> Deed:
    return Deed(lambda act: _part(act, do(act), made), answers_offer=answers_offer)


def _of_stop(do: Callable[[Act], Awaitable[Stop]]) -> Deed:
    return Deed(lambda act: _stop(do(act)), "stop_id")


def _of_listed(do: Callable[[Act], Awaitable[ListedPerson]]) -> Deed:
    return Deed(lambda act: _listed(do(act)), "listed_id")


DEEDS: dict[CommandType, Deed] = {
    "accept": _of_part(
        lambda a: offers.accept_offer(a.tx, a.id, a.body, a.doer, a.sealer), answers_offer=True
    ),
    "decline": _of_part(lambda a: offers.decline_offer(a.tx, a.id, a.body, a.doer), answers_offer=True),
    "position": _of_part(lambda a: on_the_way.send_position(a.tx, a.id, a.body, a.doer, a.sealer)),
    "arrive": _of_part(lambda a: work.arrive(a.tx, a.id, a.body, a.doer, a.sealer)),
    "contact": _of_part(lambda a: work.make_contact(a.tx, a.id, a.body, a.doer)),
    "note": _of_part(lambda a: work.write_note(a.tx, a.id, a.body, a.doer, a.sealer), "note_id"),
    "handle": _of_part(lambda a: work.handle_part(a.tx, a.id, a.body, a.doer, a.sealer)),
    "return": _of_part(lambda a: passing.return_part(a.tx, a.id, a.body, a.doer, a.sealer)),
    "help": _of_part(lambda a: passing.ask_for_help(a.tx, a.id, a.body, a.doer, a.sealer), "help_id"),
    "done": _of_part(lambda a: passing.finish_task(a.tx, a.id, a.body, a.doer, a.sealer)),
    "correct": _of_part(
        lambda a: entries.correct_entry(a.tx, a.id, a.body, a.doer, a.sealer, within_hours=a.within_hours)
    ),
    "round_done": _of_stop(lambda a: rounds.do_stop(a.tx, a.id, a.body, a.doer, a.sealer)),
    "round_not_done": _of_stop(lambda a: rounds.leave_stop(a.tx, a.id, a.body, a.doer, a.sealer)),
    "round_correct": _of_stop(
        lambda a: rounds.correct_stop(a.tx, a.id, a.body, a.doer, a.sealer, within_hours=a.within_hours)
    ),
    "task_done": _of_listed(lambda a: listed_people.try_listed(a.tx, a.id, a.body, a.doer, a.sealer)),
    "task_not_done": _of_listed(lambda a: listed_people.try_listed(a.tx, a.id, a.body, a.doer, a.sealer)),
    "task_correct": _of_listed(
        lambda a: listed_people.correct_try(a.tx, a.id, a.body, a.doer, a.sealer, within_hours=a.within_hours)
    ),
}
