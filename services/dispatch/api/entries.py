"""Entries looked at again: corrected by whoever made them, flagged for supervisors, dated by the phone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel

from services.dispatch.api.acting import Acting
from services.dispatch.api.cursors import after, cursor
from services.dispatch.api.doing import SUPERVISING, WORKING, settings_of
from services.dispatch.commands import AcceptDeviceTime, CorrectEntry
from services.dispatch.handlers import entries
from services.dispatch.handlers.records import case_of, known_case
from services.dispatch.queries import flags as flag_rows
from services.dispatch.rules.views import PartView
from services.dispatch.rules.work import Doer
from shared.going import EntryFlag, EntryKind
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import Channel, Role

router = router_for("dispatch")

PAGE_ROWS_MAX = 200


class FlaggedEntry(BaseModel):
    entry_id: UUID
    case_id: UUID
    number: str
    part_id: UUID
    person_id: str
    at: datetime
    entry: EntryKind
    flags: tuple[EntryFlag, ...]


class FlagsPage(BaseModel):
    flags: list[FlaggedEntry]
    next_cursor: str | None


@router.post("/parts/{part_id}/corrections", status_code=201, dependencies=[allow(*WORKING)])
async def correct(part_id: UUID, body: CorrectEntry, hands: Acting, request: Request) -> PartView:
    """更正 of one's own arrival, photo or note, within the hours the city grants; the first entry stays."""
    hours = settings_of(request).corrections_within_hours
    state = await entries.correct_entry(
        hands.tx, part_id, body, hands.at(body), hands.sealer, within_hours=hours
    )
    return hands.show(state, part_id)


@router.post("/parts/{part_id}/device-time", dependencies=[allow(Role.SUPERVISOR)])
async def accept_device_time(part_id: UUID, body: AcceptDeviceTime, hands: Acting, who: Caller) -> PartView:
    """A supervisor of the case's unit accepts the phone's own time of the arrival, with a reason."""
    state = await known_case(hands.tx, await case_of(hands.tx, part_id=part_id))
    role = who.must(Role.SUPERVISOR, state.case.lowest_unit_id, hands.tx.directory)
    doer = Doer(who.actor(role), Channel.DESK)
    return hands.show(await entries.accept_device_time(hands.tx, part_id, body, doer, hands.sealer), part_id)


@router.get("/flags", dependencies=[allow(*SUPERVISING)])
async def flags(
    tx: Tx,
    who: Caller,
    after_cursor: Annotated[str | None, Query(alias="cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 50,
) -> FlagsPage:
    """What is odd about entries in the units one supervises, the latest first. Never of a case one worked on."""
    units = [grant.unit_id for grant in who.grants if grant.role in SUPERVISING]
    begin = after(after_cursor)
    rows = await flag_rows.page(tx, units=units, reader=who.person_id, before=begin, most=limit)
    found = [FlaggedEntry.model_validate(dict(row)) for row in rows]
    full = len(found) == limit
    return FlagsPage(flags=found, next_cursor=cursor(found[-1].at, found[-1].entry_id) if full else None)
