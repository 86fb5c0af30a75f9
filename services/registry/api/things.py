"""Reading and changing what the registry knows; changes are for administrators, each within their own units."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Header, Query
from fastapi.responses import Response

from services.registry.api.answers import Changed, Page
from services.registry.commands import (
    ChangeThings,
    PutCalendar,
    PutCategory,
    PutPerson,
    PutPolicy,
    PutShift,
    PutUnit,
)
from services.registry.handlers.things import change_things
from services.registry.queries import things as stored
from services.registry.rules.things import Thing, id_of, shown_to
from shared.database import Transaction
from shared.events.things import REGISTRY_SUBJECT
from shared.identity import SignedIn
from shared.problems import Problem, not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Calendar, Category, Person, Policy, Shift, Unit
from shared.vocabulary import Channel, Role

T = TypeVar("T", Unit, Person, Shift, Category, Policy, Calendar)

STAFF = tuple(role for role in Role if role is not Role.READER)
"""Figures are shown to readers without people; who works where is for those who work there."""

ROWS_MAX = 500

Cursor = Annotated[str, Query(description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX)]
Retired = Annotated[bool, Query(description="show what has ended as well")]
IfMatch = Annotated[str | None, Header(description="the ETag read before; 412 if it has changed since")]

router = router_for("registry")
administrators = [allow(Role.ADMINISTRATOR)]
everybody_at_work = [allow(*Role)]
staff = [allow(*STAFF)]


async def _page(tx: Transaction, items: list[T], limit: int) -> Page[T]:
    """`items` was asked for with one more than `limit`, to know whether there are more."""
    cursor = id_of(items[limit - 1]) if len(items) > limit else None
    return Page(items=tuple(items[:limit]), next_cursor=cursor, revision=await stored.revision(tx))


async def _one(tx: Transaction, kind: type[T], id: str, response: Response) -> T:
    found = await stored.one(tx, kind, id)
    if found is None:
        raise not_found()
    response.headers["ETag"] = f'"{found[1]}"'
    return found[0]


async def _put(
    tx: Transaction,
    kind: type[T],
    id: str,
    thing: Thing,
    if_match: str | None,
    who: SignedIn,
    response: Response,
) -> Changed:
    if id_of(thing) != id:
        detail = f"网址写的是 {id} / The address says {id}"
        raise Problem(422, "other-id", "编号与网址不符 / The id is not that of the address", detail=detail)
    await tx.lock(REGISTRY_SUBJECT)  # before the comparison, so that nobody changes it in between
    before = await stored.one(tx, kind, id)
    if if_match is not None and (before is None or if_match != f'"{before[1]}"'):
        detail = "请重新读取后再改 / Read it again, then change it"
        raise Problem(412, "changed-since", "已被他人修改 / Somebody changed it since", detail=detail)
    revision = await change_things(tx, [thing], who, Channel.DESK)
    after = await stored.one(tx, kind, id)
    response.headers["ETag"] = f'"{after[1] if after else revision}"'
    return Changed(revision=revision)


@router.post("/changes", dependencies=administrators)
async def change_many(body: ChangeThings, tx: Tx, who: Caller) -> Changed:
    things: tuple[Thing, ...] = (
        *body.calendars,
        *body.policies,
        *body.units,
        *body.people,
        *body.categories,
        *body.shifts,
    )
    return Changed(revision=await change_things(tx, things, who, Channel.DESK))


@router.get("/units", dependencies=everybody_at_work)
async def units(tx: Tx, cursor: Cursor = "", limit: Limit = 100, retired: Retired = False) -> Page[Unit]:
    return await _page(tx, await stored.page(tx, Unit, cursor, limit + 1, retired=retired), limit)


@router.get("/units/{id}", dependencies=everybody_at_work)
async def unit(id: str, tx: Tx, response: Response) -> Unit:
    return await _one(tx, Unit, id, response)


@router.put("/units/{id}", dependencies=administrators)
async def put_unit(
    id: str, body: PutUnit, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
) -> Changed:
    return await _put(tx, Unit, id, body, if_match, who, response)


@router.get("/people", dependencies=staff)
async def people(
    tx: Tx, who: Caller, cursor: Cursor = "", limit: Limit = 100, retired: Retired = False
) -> Page[Person]:
    found = await stored.page(tx, Person, cursor, limit + 1, retired=retired)
    return await _page(tx, [shown_to(person, who.person_id, who.grants) for person in found], limit)


@router.get("/people/{id}", dependencies=staff)
async def person(id: str, tx: Tx, who: Caller, response: Response) -> Person:
    return shown_to(await _one(tx, Person, id, response), who.person_id, who.grants)


@router.put("/people/{id}", dependencies=administrators)
async def put_person(
    id: str, body: PutPerson, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
) -> Changed:
    return await _put(tx, Person, id, body, if_match, who, response)


@router.get("/shifts", dependencies=staff)
async def shifts(
    tx: Tx,
    cursor: Cursor = "",
    limit: Limit = 100,
    retired: Retired = False,
    person_id: str | None = None,
    unit_id: str | None = None,
    starts_before: datetime | None = None,
    ends_after: datetime | None = None,
) -> Page[Shift]:
    found = await stored.shift_page(
        tx,
        cursor,
        limit + 1,
        retired=retired,
        person_id=person_id,
        unit_id=unit_id,
        starts_before=starts_before,
        ends_after=ends_after,
    )
    return await _page(tx, found, limit)


@router.get("/shifts/{id}", dependencies=staff)
async def shift(id: str, tx: Tx, response: Response) -> Shift:
    return await _one(tx, Shift, id, response)


@router.put("/shifts/{id}", dependencies=administrators)
async def put_shift(
    id: str, body: PutShift, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
) -> Changed:
    return await _put(tx, Shift, id, body, if_match, who, response)


@router.get("/categories", dependencies=everybody_at_work)
async def categories(
    tx: Tx, cursor: Cursor = "", limit: Limit = 100, retired: Retired = False
) -> Page[Category]:
    return await _page(tx, await stored.page(tx, Category, cursor, limit + 1, retired=retired), limit)


@router.get("/categories/{code}", dependencies=everybody_at_work)
async def category(code: str, tx: Tx, response: Response) -> Category:
    return await _one(tx, Category, code, response)


@router.put("/categories/{code}", dependencies=administrators)
async def put_category(
    code: str, body: PutCategory, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
) -> Changed:
    return await _put(tx, Category, code, body, if_match, who, response)


@router.get("/policies", dependencies=everybody_at_work)
async def policies(tx: Tx, cursor: Cursor = "", limit: Limit = 100, retired: Retired = False) -> Page[Policy]:
    return await _page(tx, await stored.page(tx, Policy, cursor, limit + 1, retired=retired), limit)


@router.get("/policies/{id}", dependencies=everybody_at_work)
async def policy(id: str, tx: Tx, response: Response) -> Policy:
    return await _one(tx, Policy, id, response)


@router.put("/policies/{id}", dependencies=administrators)
async def put_policy(
    id: str, body: PutPolicy, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
) -> Changed:
    return await _put(tx, Policy, id, body, if_match, who, response)


@router.get("/calendars", dependencies=everybody_at_work)
async def calendars(
    tx: Tx, cursor: Cursor = "", limit: Limit = 100, retired: Retired = False
) -> Page[Calendar]:
    return await _page(tx, await stored.page(tx, Calendar, cursor, limit + 1, retired=retired), limit)


@router.get("/calendars/{id}", dependencies=everybody_at_work)
async def calendar(id: str, tx: Tx, response: Response) -> Calendar:
    return await _one(tx, Calendar, id, response)


@router.put("/calendars/{id}", dependencies=administrators)
async def put_calendar(
    id: str, body: PutCalendar, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
) -> Changed:
    return await _put(tx, Calendar, id, body, if_match, who, response)
