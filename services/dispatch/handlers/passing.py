"""A case, or a share of it, goes to others: returned, handed down, shared with co-handlers, helped with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.dispatch.commands import AskCoHandler, AskForHelp, FinishTask, HandDown, ReturnPart, WriteNote
from services.dispatch.handlers.records import agreed, case_of, known_case, record
from services.dispatch.handlers.statements import seal, worded
from services.dispatch.handlers.work import write_into
from services.dispatch.rules import passing
from services.dispatch.rules.facts import Part, State
from services.dispatch.rules.passing import Asked
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.directory import Directory
from shared.ids import uuid7
from shared.problems import Problem
from shared.sealing import Sealer
from shared.vocabulary import Level, NoteKind


async def return_part(
    tx: Transaction, part_id: UUID, command: ReturnPart, doer: Doer, sealer: Sealer
) -> State:
    """退单: the supervising unit is asked; the holder holds until it rules."""
    state, now = await _locked(tx, part_id)
    to = _unit(tx.directory, command.rightful_unit_id)
    words = await worded(tx, state.case.id, command.text, sealer)
    decision = passing.return_part(
        state, state.part(part_id), doer, now, basis=command.basis, to=to, words=words
    )
    state = await record(tx, state, agreed(decision))
    await seal(tx, state.case.id, words, command.text, sealer)
    return state


async def hand_down(tx: Transaction, part_id: UUID, command: HandDown, doer: Doer, sealer: Sealer) -> State:
    """下派 with instructions: the unit below is offered the case as it is."""
    state, now = await _locked(tx, part_id)
    part = state.part(part_id)
    to = _asked(tx.directory, state, command.to_unit_id, from_unit=part.unit_id)
    words = await worded(tx, state.case.id, command.instructions, sealer)
    state = await record(tx, state, agreed(passing.hand_down(state, part, doer, now, to=to, words=words)))
    await seal(tx, state.case.id, words, command.instructions, sealer)
    return state


async def ask_co_handler(
    tx: Transaction, part_id: UUID, command: AskCoHandler, doer: Doer, sealer: Sealer
) -> State:
    """协办: another unit gets a share of the work, with a limit if one is named."""
    state, now = await _locked(tx, part_id)
    if command.due_at is not None and command.due_at <= now:
        raise Problem(
            422,
            "due-already",
            "协办时限须在以后 / The task's limit must lie ahead",
            detail="请改为以后的时间，或不设时限 / Name a later time, or none",
        )
    to = _asked(tx.directory, state, command.unit_id)
    words = await worded(tx, state.case.id, command.task, sealer)
    part = state.part(part_id)
    decision = passing.ask_co_handler(state, part, doer, now, to=to, words=words, due_at=command.due_at)
    state = await record(tx, state, agreed(decision))
    await seal(tx, state.case.id, words, command.task, sealer)
    return state


async def ask_for_help(
    tx: Transaction, part_id: UUID, command: AskForHelp, doer: Doer, sealer: Sealer
) -> tuple[State, UUID]:
    """吹哨: each unit asked gets a part that its people are offered at once."""
    state, now = await _locked(tx, part_id)
    unit_ids = list(dict.fromkeys(command.unit_ids)) or _near(tx.directory, state, state.part(part_id))
    asked = [
        (_asked(tx.directory, state, id_), await worded(tx, state.case.id, command.text, sealer))
        for id_ in unit_ids
    ]
    help_id = uuid7()
    decision = passing.ask_for_help(state, state.part(part_id), doer, now, help_id=help_id, units=asked)
    state = await record(tx, state, agreed(decision))
    for _, words in asked:
        await seal(tx, state.case.id, words, command.text, sealer)
    return state, help_id


async def finish_task(
    tx: Transaction, part_id: UUID, command: FinishTask, doer: Doer, sealer: Sealer
) -> State:
    """A co-handler's share is done, with a last word if there is one."""
    state, now = await _locked(tx, part_id)
    events = agreed(passing.finish_task(state, state.part(part_id), doer, now))
    if events and command.text is not None:
        said = WriteNote(note=NoteKind.PROGRESS, text=command.text)
        state, _ = await write_into(tx, state, part_id, said, doer, now, sealer)
    return await record(tx, state, events)


async def _locked(tx: Transaction, part_id: UUID) -> tuple[State, datetime]:
    case_id = await case_of(tx, part_id=part_id)
    now = await tx.lock(case_id)
    return await known_case(tx, case_id), now


def _unit(directory: Directory, unit_id: str) -> str:
    unit = directory.units.get(unit_id)
    if unit is None or unit.retired_at is not None:
        raise Problem(
            422,
            "unknown-unit",
            "没有这个单位 / There is no such unit",
            detail="请从单位列表中选择 / Choose one from the list of units",
            unit_id=unit_id,
        )
    return unit_id


def _asked(directory: Directory, state: State, unit_id: str, *, from_unit: str | None = None) -> Asked:
    """What the registry says of a unit that is asked: nothing may be sent where the duty lists do not allow it."""
    unit = directory.units[_unit(directory, unit_id)]
    category = directory.categories.get(state.case.category_code)
    if category is not None and not directory.may_be_sent(unit_id, category.code):
        raise Problem(
            409,
            "not-on-duty-list",
            "不在该单位的职责清单上 / It is not on the duty list of this unit",
            detail="请选择清单上的责任单位 / Choose the unit whose list has it",
            unit_id=unit_id,
            rightful_unit_id=category.rightful_unit_id,
        )
    below = from_unit is None or (unit_id != from_unit and directory.covers(from_unit, unit_id))
    return Asked(unit_id, goes=unit.level is Level.GRID, below=below)


def _near(directory: Directory, state: State, part: Part) -> Sequence[str]:
    """Whoever is nearest: the people of the grid, and the officers of the unit above it."""
    lowest = state.case.grid_id or part.unit_id
    above = [unit.id for unit in directory.path(lowest)[:-1] if unit.level is not None]
    return [lowest, *above[-1:]]
