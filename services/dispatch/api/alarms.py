"""SOS: pressed by a worker, seen by those who may help."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from services.dispatch.api.cursors import after, cursor
from services.dispatch.api.doing import WORKING, Doing, Sealing
from services.dispatch.commands import EndAlarm, RaiseAlarm
from services.dispatch.handlers import alarms
from services.dispatch.queries import alarms as alarm_rows
from services.dispatch.rules.alarms import Alarm
from services.dispatch.rules.work import Doer
from shared.directory import Directory
from shared.identity import SignedIn, not_allowed
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Point
from shared.vocabulary import Channel, Role

router = router_for("dispatch")

HELPING = (Role.GRID_LEADER, Role.SUPERVISOR, Role.UNIT_OFFICER, Role.OPERATOR)
"""Who may see an alarm and where the worker is: those of the worker's own unit and of what is above it."""

PAGE_ROWS_MAX = 200


class AlarmView(BaseModel):
    alarm_id: UUID
    person_id: str
    unit_path: tuple[str, ...]
    case_id: UUID | None
    raised_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    by_mistake: bool


class AlarmsPage(BaseModel):
    alarms: list[AlarmView]
    next_cursor: str | None


class AlarmPlace(BaseModel):
    """Where the worker was when pressing; `None` without a position, and after thirty days."""

    alarm_id: UUID
    place: Point | None


@router.post("/alarms", status_code=201, dependencies=[allow(*WORKING)])
async def press(body: RaiseAlarm, tx: Tx, doer: Doing, sealer: Sealing) -> AlarmView:
    """SOS. Leader and desk are told at once; pressed again it is the same alarm with the newer place."""
    return _view(await alarms.raise_alarm(tx, body, doer, sealer))


@router.get("/alarms", dependencies=[allow(*WORKING, *HELPING)])
async def overview(
    tx: Tx,
    who: Caller,
    open_only: Annotated[bool, Query(alias="open")] = True,
    after_cursor: Annotated[str | None, Query(alias="cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 50,
) -> AlarmsPage:
    """The latest first: those one may help with, and one's own."""
    rows = await alarm_rows.page(
        tx,
        units=[grant.unit_id for grant in who.grants if grant.role in HELPING],
        person_id=who.person_id,
        open_only=open_only,
        before=after(after_cursor),
        most=limit,
    )
    last = rows[-1] if len(rows) == limit else None
    following = cursor(last.raised_at, last.id) if last else None
    return AlarmsPage(alarms=[_view(alarm) for alarm in rows], next_cursor=following)


@router.get("/alarms/{alarm_id}/place", dependencies=[allow(*HELPING)])
async def place(alarm_id: UUID, tx: Tx, who: Caller, sealer: Sealing) -> AlarmPlace:
    """Where the worker is, for whoever may help."""
    _must_help(who, await alarms.known_alarm(tx, alarm_id), tx.directory)
    return AlarmPlace(alarm_id=alarm_id, place=await alarm_rows.place_of(tx, alarm_id, sealer))


@router.post("/alarms/{alarm_id}/answer", dependencies=[allow(*HELPING)])
async def answer(alarm_id: UUID, tx: Tx, who: Caller) -> AlarmView:
    """Somebody takes care of it; a second one is told who."""
    role = _must_help(who, await alarms.known_alarm(tx, alarm_id), tx.directory)
    return _view(await alarms.answer_alarm(tx, alarm_id, Doer(who.actor(role), Channel.DESK)))


@router.post("/alarms/{alarm_id}/end", dependencies=[allow(*WORKING, *HELPING)])
async def end(alarm_id: UUID, body: EndAlarm, tx: Tx, who: Caller, doer: Doing) -> AlarmView:
    """The worker is safe, or pressed it by mistake: said by the worker, or by who helps."""
    alarm = await alarms.known_alarm(tx, alarm_id)
    if alarm.person_id != who.person_id:
        doer = Doer(who.actor(_must_help(who, alarm, tx.directory)), Channel.DESK)
    return _view(await alarms.end_alarm(tx, alarm_id, doer, by_mistake=body.by_mistake))


def _must_help(who: SignedIn, alarm: Alarm, directory: Directory) -> Role:
    """The role by which somebody may help. Whoever belongs to no unit is helped by everybody who may help at all."""
    if alarm.unit_path:
        return who.must(HELPING, alarm.unit_path[-1], directory)
    if not who.has_role(*HELPING):
        raise not_allowed(HELPING)
    return next(role for role in HELPING if who.has_role(role))


def _view(alarm: Alarm) -> AlarmView:
    given = {name: getattr(alarm, name) for name in AlarmView.model_fields if name != "alarm_id"}
    return AlarmView(alarm_id=alarm.id, **given)
