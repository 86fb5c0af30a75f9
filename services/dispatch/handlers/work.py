"""What a holder does: arrive, make contact, write notes, handle. The phone's queue calls the same functions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.dispatch.commands import Arrive, HandlePart, MakeContact, Position, WriteNote
from services.dispatch.handlers.proof import must_be_proven
from services.dispatch.handlers.records import agreed, case_of, known_case, record
from services.dispatch.queries.sealed import case_key, keep_note, keep_position, keep_reason, note_content
from services.dispatch.queries.search import last_place
from services.dispatch.rules import entries, work
from services.dispatch.rules.entries import Moved
from services.dispatch.rules.facts import Case, EvidenceFile, Part, State
from services.dispatch.rules.work import Doer
from services.dispatch.travel.straight import distance_m
from shared.database import Transaction
from shared.going import EntryKind
from shared.ids import uuid7
from shared.problems import Problem
from shared.sealing import Sealer
from shared.things import Point
from shared.vocabulary import HANDLER_OUTCOMES, NoteKind


async def arrive(tx: Transaction, part_id: UUID, command: Arrive, doer: Doer, sealer: Sealer) -> State:
    """到场, with its method and the distance from the place; late is accepted like any other, unproven is not."""
    case_id = await case_of(tx, part_id=part_id)
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    point = _point(command.position)
    distance = distance_from(state.case, point)
    part = state.part(part_id)
    decision = work.arrive(state, part, doer, now, method=command.method, distance_m=distance)
    events = agreed(decision)
    if events:
        offer = state.taken_by(part.id)
        must_be_proven(
            command,
            state.case.lowest_unit_id,
            tx.directory,
            sealer,
            said_at=doer.device_at or now,
            since=offer.offered_at if offer is not None else state.case.registered_at,
            photo=_own_photo(state, part, command, doer),
        )
        odd = entries.odd_arrival(distance, await moved_since(tx, doer, point, now, sealer))
        entry_id = events[0].id
        events += entries.flagged(state, part, doer.person_id, now, entry_id, EntryKind.ARRIVAL, odd)
    state = await record(tx, state, events)
    if events and point is not None:
        await keep_position(tx, case_id, doer.person_id, point, now, sealer, doer.device_at)
    if events and command.reason is not None:
        await keep_reason(tx, case_id, part_id, now, command.reason, sealer)
    return state


def _own_photo(state: State, part: Part, command: Arrive, doer: Doer) -> EvidenceFile | None:
    """The photo they name, if it is the person's own, of this part."""
    mine = (one for one in state.evidence if (one.part_id, one.person_id) == (part.id, doer.person_id))
    return next((one for one in mine if one.id == command.evidence_id and one.is_photo), None)


async def moved_since(
    tx: Transaction, doer: Doer, point: Point | None, now: datetime, sealer: Sealer
) -> Moved | None:
    """How far and how fast since the last position known; `None` without two of them."""
    last = await last_place(tx, doer.person_id, now, sealer) if point is not None else None
    if point is None or last is None:
        return None
    both = doer.device_at is not None and last.device_at is not None
    by_phone = doer.device_at - last.device_at if both and doer.device_at and last.device_at else None
    return Moved(distance_m(point, last.point), now - last.at, by_phone)


async def make_contact(tx: Transaction, part_id: UUID, command: MakeContact, doer: Doer) -> State:
    """First contact with whoever asked."""
    case_id = await case_of(tx, part_id=part_id)
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    return await record(tx, state, agreed(work.contact(state, state.part(part_id), doer, now)))


async def write_note(
    tx: Transaction, part_id: UUID, command: WriteNote, doer: Doer, sealer: Sealer
) -> tuple[State, UUID]:
    """The account, the measure, or progress in between; the words are sealed, the story holds their digest."""
    case_id = await case_of(tx, part_id=part_id)
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    return await write_into(tx, state, part_id, command, doer, now, sealer)


async def write_into(
    tx: Transaction,
    state: State,
    part_id: UUID,
    command: WriteNote,
    doer: Doer,
    now: datetime,
    sealer: Sealer,
) -> tuple[State, UUID]:
    note_id, key = uuid7(), await case_key(tx, state.case.id, sealer)
    content = note_content(command.text, command.measure)
    decision = work.write_note(
        state,
        state.part(part_id),
        doer,
        now,
        note_id=note_id,
        note=command.note,
        digest=sealer.digest(key, content),
    )
    state = await record(tx, state, agreed(decision))
    await keep_note(tx, note_id, key, content, sealer)
    return state, note_id


async def handle_part(
    tx: Transaction, part_id: UUID, command: HandlePart, doer: Doer, sealer: Sealer
) -> State:
    """办结. What is still to be said may come along as `text`."""
    if command.outcome not in HANDLER_OUTCOMES:
        raise Problem(
            422,
            "outcome-not-for-handlers",
            "这个结果不能由经办人选择 / A handler cannot choose this outcome",
            detail="请在允许的结果中选择 / Choose one of the outcomes allowed",
            allowed=sorted(HANDLER_OUTCOMES),
        )
    case_id = await case_of(tx, part_id=part_id)
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    decision = work.handle(
        state, state.part(part_id), doer, now, outcome=command.outcome, late_cause=command.late_cause
    )
    events = agreed(decision)
    if events and command.text is not None:
        said = WriteNote(note=NoteKind.PROGRESS, text=command.text)
        state, _ = await write_into(tx, state, part_id, said, doer, now, sealer)
    return await record(tx, state, events)


def _point(position: Position | None) -> Point | None:
    return None if position is None else Point(lon=position.lon, lat=position.lat)


def distance_from(case: Case, point: Point | None) -> int | None:
    """Metres from the place of the case, where both are known."""
    if point is None or case.place.lon is None or case.place.lat is None:
        return None
    return round(distance_m(point, Point(lon=case.place.lon, lat=case.place.lat)))
