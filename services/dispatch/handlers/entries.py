"""Entries looked at again: corrected by whoever made them, or with the phone's own time accepted by a supervisor."""

from __future__ import annotations

from uuid import UUID

from services.dispatch.commands import AcceptDeviceTime, CorrectEntry
from services.dispatch.handlers.records import agreed, case_of, known_case, record
from services.dispatch.handlers.statements import seal, worded
from services.dispatch.rules import entries
from services.dispatch.rules.facts import State
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.problems import not_found
from shared.sealing import Sealer


async def correct_entry(
    tx: Transaction, part_id: UUID, command: CorrectEntry, doer: Doer, sealer: Sealer, *, within_hours: int
) -> State:
    """更正: the first entry stays, the words stand beside it."""
    case_id = await case_of(tx, part_id=part_id)
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    entry = entries.find(state, command.entry_id)
    if entry is None or entry.part_id != part_id:
        raise not_found("没有这条记录 / No such entry")
    words = await worded(tx, case_id, command.text, sealer)
    decision = entries.correct(state, entry, doer, now, words=words, within_hours=within_hours)
    state = await record(tx, state, agreed(decision))
    await seal(tx, case_id, words, command.text, sealer)
    return state


async def accept_device_time(
    tx: Transaction, part_id: UUID, command: AcceptDeviceTime, doer: Doer, sealer: Sealer
) -> State:
    """Both times stay; accepted twice is accepted once."""
    case_id = await case_of(tx, part_id=part_id)
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    words = await worded(tx, case_id, command.reason, sealer)
    decision = entries.accept_device_time(state, state.part(part_id), doer, now, words=words)
    state = await record(tx, state, agreed(decision))
    await seal(tx, case_id, words, command.reason, sealer)
    return state
