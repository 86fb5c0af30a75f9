"""What is shown of a stop: masked to who plans, whole to who walks there."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.dispatch.commands import RevealPurpose
from services.dispatch.handlers.round_lists import GridReport
from services.dispatch.rules.day_order import Planned
from services.dispatch.rules.privacy import masked_name, masked_phone
from services.dispatch.rules.round_story import Stop
from services.dispatch.rules.rounds import overdue_days
from shared.fieldwork import NotDoneReason, PeriodUnit, StopKind
from shared.going import ArrivalMethod
from shared.things import Point
from shared.vocabulary import Channel


class VisitedView(BaseModel):
    """Whom a visit is for. Masked: surname and an asterisk, the ends of the number, and neither address nor words."""

    name: str
    phone: str | None = None
    address: str | None = None
    about: str | None = None
    place: Point | None = None


class StopView(BaseModel):
    """`due_on` is the oldest day owed; `overdue_days` counts from it. `reason` is why it was not done the last time."""

    stop_id: UUID
    kind: StopKind
    grid_id: str
    label: str | None
    place: Point | None
    person: VisitedView | None
    period: PeriodUnit
    amount: int
    since: date
    preferred_at: time | None
    stay_minutes: int
    person_id: str | None
    due_on: date
    not_before: date
    overdue_days: int
    reason: NotDoneReason | None
    done_on: date | None
    done_by: str | None
    ended_at: datetime | None


class FoundOnRound(BaseModel):
    """How something found on the way becomes a case: the same registration as any other, by this channel."""

    method: str = "POST"
    path: str = "/api/intake/cases"
    channel: Channel = Channel.PATROL
    grid_id: str


class EnteredView(BaseModel):
    stop: StopView
    found_something: FoundOnRound


class PlannedStop(BaseModel):
    """One stop of today in the order of the walk, with when one gets there."""

    stop: StopView
    arrive_at: datetime
    leave_at: datetime


class TodayView(BaseModel):
    """`now` is the server's time. `more` says that more is due than one list holds: it comes up when these are done."""

    day: date
    now: datetime
    on_duty: bool
    stops: list[PlannedStop]
    more: bool


class StopsPage(BaseModel):
    stops: list[StopView]
    next_cursor: str | None


class EntryView(BaseModel):
    entry_id: UUID
    person_id: str
    at: datetime
    device_at: datetime | None
    done: bool
    reason: NotDoneReason | None
    method: ArrivalMethod | None
    distance_m: int | None
    counts_for: date | None
    undone_at: datetime | None


class EntriesPage(BaseModel):
    entries: list[EntryView]
    next_cursor: str | None


class HistoryLine(BaseModel):
    """One line of the stop's story: who, when, what, and why in words where words were given."""

    line: int
    at: datetime
    what: str
    by: str | None
    purpose: RevealPurpose | None = None
    words: str | None = None


class HistoryView(BaseModel):
    lines: list[HistoryLine]
    next_line: int | None


class ReportView(BaseModel):
    unit_id: str
    begin: date
    until: date
    grids: list[GridReport]


def stop_view(stop: Stop, today: date, details: dict[str, Any] | None, *, whole: bool) -> StopView:
    plan = stop.plan
    return StopView(
        stop_id=stop.id,
        kind=stop.kind,
        grid_id=stop.grid_id,
        label=plan.label,
        place=plan.place,
        person=_visited(details, whole=whole) if details else None,
        period=plan.period,
        amount=plan.amount,
        since=plan.since,
        preferred_at=plan.preferred_at,
        stay_minutes=plan.stay_minutes,
        person_id=plan.person_id,
        due_on=stop.due_on,
        not_before=stop.not_before,
        overdue_days=overdue_days(stop, today),
        reason=stop.reason,
        done_on=stop.done_on,
        done_by=stop.done_by,
        ended_at=stop.ended_at,
    )


def planned_view(stop: Stop, planned: Planned, details: dict[str, Any] | None, today: date) -> PlannedStop:
    view = stop_view(stop, today, details, whole=True)
    return PlannedStop(stop=view, arrive_at=planned.arrive_at, leave_at=planned.leave_at)


def _visited(details: dict[str, Any], *, whole: bool) -> VisitedView:
    if whole:
        return VisitedView.model_validate(details)
    phone = details.get("phone")
    return VisitedView(name=masked_name(details["name"]), phone=masked_phone(phone) if phone else None)
