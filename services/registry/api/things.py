"""Reading and changing what the registry knows, the same way for every kind; changes are for administrators, each
within their own units.

    GET  /units?cursor=           GET /units/{id} (ETag)         GET /units/{id}/history
    PUT  /units/{id} (If-Match)   POST /units/{id}/retire        POST /changes: many at once, all or none

Who changes what there is says by `If-Match` which version they read: 428 without it, 412 if it is another one by now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response

from services.registry.api.answers import Changed, History, Page, Version
from services.registry.commands import PUTS, ChangeThings, Moment
from services.registry.handlers import things as handlers
from services.registry.handlers.versions import must_match
from services.registry.queries import things as stored
from services.registry.queries.history import Line
from services.registry.queries.history import history as changes_of
from services.registry.rules.things import ORDER, PLURAL, SINGULAR, T, Thing, differing, id_of, shown_to
from shared.database import Transaction
from shared.identity import SignedIn
from shared.openapi import VERSIONED
from shared.problems import Problem, not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Person, Shift
from shared.vocabulary import Channel, Role

STAFF = tuple(role for role in Role if role is not Role.READER)
"""Figures are shown to readers without people; who works where is for those who work there."""
ABOUT_PEOPLE = (Person, Shift)

ROWS_MAX = 500

Cursor = Annotated[str, Query(description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX)]
Retired = Annotated[bool, Query(description="show what has ended as well")]
Before = Annotated[int | None, Query(ge=1, le=2**62, description="`next_before` of the page before")]
IfMatch = Annotated[
    str | None,
    Header(
        description="the ETag read before: 412 if it has changed since, 428 without it; `*` for whatever stands"
    ),
]
MUST_MATCH: dict[int | str, dict[str, Any]] = {
    412: {"description": "已有变化 / Changed meanwhile"},
    428: {"description": "须带 If-Match / Say by If-Match what was read"},
}

router = router_for("registry")
administrators = [allow(Role.ADMINISTRATOR)]


def readers_of(kind: type[Thing]) -> list[Any]:
    return [allow(*STAFF)] if kind in ABOUT_PEOPLE else [allow(*Role)]


def _seen_by(who: SignedIn) -> Callable[[T], T]:
    """What of a thing `who` may see: of colleagues, neither where they live nor how they are reached."""

    def seen(thing: T) -> T:
        if not isinstance(thing, Person):
            return thing
        shown: Any = shown_to(thing, who.person_id, who.grants)
        return shown  # type: ignore[no-any-return]

    return seen


async def page_of(tx: Transaction, items: list[T], limit: int, who: SignedIn) -> Page[T]:
    """`items` was asked for with one more than `limit`, to know whether there are more."""
    cursor = id_of(items[limit - 1]) if len(items) > limit else None
    shown = tuple(map(_seen_by(who), items[:limit]))
    return Page(items=shown, next_cursor=cursor, revision=await stored.revision(tx))


@router.post("/changes", dependencies=administrators)
async def change_many(body: ChangeThings, tx: Tx, who: Caller) -> Changed:
    return Changed(revision=await handlers.change_things(tx, body.things(), who, Channel.DESK))


@router.get("/shifts", dependencies=readers_of(Shift))
async def shifts(
    tx: Tx,
    who: Caller,
    cursor: Cursor = "",
    limit: Limit = 100,
    retired: Retired = False,
    person_id: str | None = None,
    unit_id: str | None = None,
    starts_before: Moment | None = None,
    ends_after: Moment | None = None,
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
    return await page_of(tx, found, limit, who)


def _told(lines: list[Line[T]], limit: int, seen: Callable[[T], T]) -> History[T]:
    """`lines` was asked for with one more than `limit`: the version before the last one shown."""
    versions = []
    for place, line in enumerate(lines[:limit]):
        before = lines[place + 1].state if place + 1 < len(lines) else None
        versions.append(
            Version[T](
                revision=line.revision,
                at=line.at,
                actor=line.actor,
                channel=line.channel,
                changed=differing(before, line.state) if before is not None else (),
                state=seen(line.state),
            )
        )
    more = len(lines) > limit
    return History(items=tuple(versions), next_before=lines[limit - 1].revision if more else None)


def _read_routes(router: APIRouter, kind: type[T]) -> None:
    path, name = f"/{PLURAL[kind].replace('_', '-')}", PLURAL[kind]

    async def many(
        tx: Tx, who: Caller, cursor: Cursor = "", limit: Limit = 100, retired: Retired = False
    ) -> Any:
        return await page_of(tx, await stored.page(tx, kind, cursor, limit + 1, retired=retired), limit, who)

    async def one(id: str, tx: Tx, who: Caller, response: Response) -> Any:
        found = await stored.one(tx, kind, id)
        if found is None:
            raise not_found()
        response.headers["ETag"] = f'"{found[1]}"'
        return _seen_by(who)(found[0])

    async def history(id: str, tx: Tx, who: Caller, before: Before = None, limit: Limit = 100) -> Any:
        lines = await changes_of(tx, kind, id, before, limit + 1)
        if not lines:
            raise not_found()
        return _told(lines, limit, _seen_by(who))

    reading = readers_of(kind)
    if kind is not Shift:
        router.get(path, response_model=Page[kind], dependencies=reading, name=name)(many)  # type: ignore[valid-type]
    router.get(
        f"{path}/{{id}}", response_model=kind, dependencies=reading, responses=VERSIONED, name=SINGULAR[kind]
    )(one)
    router.get(
        f"{path}/{{id}}/history",
        response_model=History[kind],  # type: ignore[valid-type]
        dependencies=reading,
        name=f"{SINGULAR[kind]}_history",
    )(history)


def _write_routes(router: APIRouter, kind: type[T]) -> None:
    path = f"/{PLURAL[kind].replace('_', '-')}"

    async def put(
        id: str, body: Any, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
    ) -> Changed:
        if id_of(body) != id:
            detail = f"网址写的是 {id} / The address says {id}"
            raise Problem(
                422, "other-id", "编号与网址不符 / The id is not that of the address", detail=detail
            )
        return await _change(tx, kind, id, body, who, response, if_match)

    async def retire(id: str, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None) -> Changed:
        found = await stored.one(tx, kind, id)
        if found is None:
            raise not_found()
        retired = found[0].model_copy(update={"retired_at": await tx.now()})
        return await _change(tx, kind, id, retired, who, response, if_match)

    # FastAPI reads the body's shape from the annotation, which no type checker knows for all kinds at once.
    put.__annotations__["body"] = PUTS[kind]
    versioned: dict[str, Any] = {"dependencies": administrators, "responses": MUST_MATCH}
    router.put(f"{path}/{{id}}", name=f"put_{SINGULAR[kind]}", **versioned)(put)
    router.post(f"{path}/{{id}}/retire", name=f"retire_{SINGULAR[kind]}", **versioned)(retire)


async def _change(
    tx: Transaction,
    kind: type[T],
    id: str,
    thing: Thing,
    who: SignedIn,
    response: Response,
    if_match: str | None,
) -> Changed:
    await handlers.hold_still(tx)  # before the comparison, so that nobody changes it in between
    before = await stored.one(tx, kind, id)
    must_match(if_match, before[1] if before else None)
    revision = await handlers.change_things(tx, [thing], who, Channel.DESK)
    after = await stored.one(tx, kind, id)
    response.headers["ETag"] = f'"{after[1] if after else revision}"'
    return Changed(revision=revision)


each: Any
for each in ORDER:
    _read_routes(router, each)
    _write_routes(router, each)
