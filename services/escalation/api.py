"""Where a case stands and which clocks run; raising a case by hand."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel

from services.escalation import handlers, queries
from services.escalation.commands import Escalate
from services.escalation.rules.case import Case, Colour, Raise
from shared.directory import Directory
from shared.events.escalation import SkippedLevel
from shared.identity import SignedIn, not_allowed
from shared.problems import Problem
from shared.routes import Caller, Tx, allow, router_for, service_of
from shared.vocabulary import (
    Channel,
    DeadlineKind,
    EscalationCause,
    EscalationReason,
    Level,
    Role,
    SupervisionKind,
    Urgency,
)

router = router_for("escalation")

IN_CHARGE = (Role.UNIT_OFFICER, Role.SUPERVISOR)
"""May raise any case of their unit and below, and read what was written about it."""

WATCHING = (*IN_CHARGE, Role.GRID_LEADER, Role.OPERATOR, Role.ADMINISTRATOR)
"""May see clocks, levels and who raised a case of their unit and below; so may whoever holds a part of it."""

SEEING = (*WATCHING, Role.READER)
"""The same without names."""

SENT = (
    Role.GRID_WORKER,
    Role.GRID_LEADER,
    Role.BUILDING_HEAD,
    Role.RESIDENT_GROUP_LEADER,
    Role.VOLUNTEER,
    Role.SOCIAL_WORKER,
    Role.BEAT_POLICE,
    Role.PROPERTY_MANAGER,
)
"""May hold a case of another unit as well, so a refusal may only mean that we have not heard of it yet."""

PAGE_MAX = 500


class DeadlineView(BaseModel):
    kind: DeadlineKind
    level: Level
    round: int
    due_at: datetime
    amber_at: datetime
    colour: Colour
    assumed: bool


class RaiseView(BaseModel):
    """`text` is shown to those in charge and to holders; who raised it, to everybody but readers."""

    id: UUID
    at: datetime
    cause: EscalationCause
    from_level: Level
    to_level: Level
    to_unit_id: str
    skipped: tuple[SkippedLevel, ...]
    counts_from: datetime
    round: int
    by_person_id: str | None
    reason: EscalationReason | None
    text: str | None
    voided: bool


class OrderView(BaseModel):
    id: UUID
    at: datetime
    kind: SupervisionKind
    level: Level
    unit_id: str
    supervising_unit_id: str
    round: int


class CaseView(BaseModel):
    """`deadlines` are those that run, are amber or stand red."""

    case_id: UUID
    number: str
    urgency: Urgency
    level: Level
    unit_id: str
    round: int
    handled_at: datetime | None
    closed_at: datetime | None
    deadlines: list[DeadlineView]
    raises: list[RaiseView]
    supervision_orders: list[OrderView]


class OpenDeadline(DeadlineView):
    case_id: UUID
    number: str
    urgency: Urgency
    unit_id: str


class DeadlinesPage(BaseModel):
    deadlines: list[OpenDeadline]
    next_cursor: str | None


@router.get("/cases/{case_id}", dependencies=[allow(*Role)])
async def case(case_id: UUID, tx: Tx, who: Caller, request: Request) -> CaseView:
    """Level, open deadlines, raises and supervision orders of one case."""
    found = await handlers.case_of(tx, case_id)
    if _in_charge(found, who, tx.directory) is not None or _holds(found, who):
        return _view(found, await handlers.texts_of(tx, service_of(request).sealer, case_id))
    lowest = found.ladder[0].unit_id
    who.must(SEEING, lowest, tx.directory)
    named = any(who.may(role, lowest, tx.directory) for role in WATCHING)
    return _view(found, {}, named=named)


@router.post("/cases/{case_id}/escalate", dependencies=[allow(*IN_CHARGE, *SENT)])
async def escalate(case_id: UUID, body: Escalate, tx: Tx, who: Caller, request: Request) -> CaseView:
    """Raise a case one level: whoever holds a part of it, and officers and supervisors of its units."""
    sealer = service_of(request).sealer
    role = await _who_raises(tx, case_id, who)
    channel = Channel.MOBILE if role is None else Channel.DESK
    raised = await handlers.escalate(tx, sealer, case_id, body, who.actor(role), channel)
    return _view(raised, await handlers.texts_of(tx, sealer, case_id))


@router.get("/deadlines", dependencies=[allow(*SEEING)])
async def deadlines(
    tx: Tx,
    who: Caller,
    state: Colour | None = None,
    unit: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> DeadlinesPage:
    """Open deadlines of a unit and everything below (by default all that the caller may see), first due first."""
    if unit is not None:
        who.must(SEEING, unit, tx.directory)
    units = _units_of(who, unit, tx.directory)
    rows = await queries.open_deadlines(tx, units, state, _after(cursor), limit)
    found = [OpenDeadline.model_validate(dict(row)) for row in rows]
    return DeadlinesPage(deadlines=found, next_cursor=_cursor(found[-1]) if len(found) == limit else None)


async def _who_raises(tx: Tx, case_id: UUID, who: SignedIn) -> Role | None:
    """The role in which somebody raises the case; `None` for a holder. 403, or 409 where waiting may help."""
    found = await handlers.case_of(tx, case_id)
    if _holds(found, who):
        return None
    role = _in_charge(found, who, tx.directory)
    if role is None:
        raise handlers.cannot_be_raised("holder-unknown") if who.has_role(*SENT) else not_allowed(IN_CHARGE)
    return role


def _in_charge(found: Case, who: SignedIn, directory: Directory) -> Role | None:
    """Officers and supervisors of any unit on the case's ladder, and above it."""
    held = (role for role in IN_CHARGE if who.may(role, found.ladder[0].unit_id, directory))
    return next(held, None)


def _holds(found: Case, who: SignedIn) -> bool:
    return any(holder.person_id == who.person_id for holder in found.holders)


def _units_of(who: SignedIn, unit: str | None, directory: Directory) -> list[str]:
    tops = {unit} if unit else {grant.unit_id for grant in who.grants if grant.role in SEEING}
    return [one for one in directory.units if any(directory.covers(top, one) for top in tops)]


def _view(found: Case, texts: dict[UUID, str], *, named: bool = True) -> CaseView:
    return CaseView(
        case_id=found.case_id,
        number=found.number,
        urgency=found.urgency,
        level=found.level,
        unit_id=found.unit_id,
        round=found.round,
        handled_at=found.handled_at,
        closed_at=found.closed_at,
        deadlines=[DeadlineView.model_validate(one, from_attributes=True) for one in found.open()],
        raises=[_raise_view(one, texts.get(one.id), named=named) for one in found.raises],
        supervision_orders=[OrderView.model_validate(one, from_attributes=True) for one in found.orders],
    )


def _raise_view(one: Raise, text: str | None, *, named: bool) -> RaiseView:
    by = one.by_person_id if named else None
    return RaiseView.model_validate({**vars(one), "text": text, "by_person_id": by})


BEFORE_ALL = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0), "")


def _cursor(last: OpenDeadline) -> str:
    return base64.urlsafe_b64encode(f"{last.due_at.isoformat()} {last.case_id} {last.kind}".encode()).decode()


def _after(cursor: str | None) -> tuple[datetime, UUID, str]:
    if cursor is None:
        return BEFORE_ALL
    try:
        due_at, case_id, kind = base64.urlsafe_b64decode(cursor).decode().split()
        return datetime.fromisoformat(due_at), UUID(case_id), kind
    except (binascii.Error, ValueError) as wrong:
        raise Problem(422, "cursor", "游标无效 / The cursor is not one of ours") from wrong
