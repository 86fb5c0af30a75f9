"""How I want to be told, and my devices that may be pushed to."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Response
from pydantic import BaseModel

from services.notify.api import TheOffice
from services.notify.channels.webpush import public_key
from services.notify.commands import ChoosePreferences, QuietTimes, Subscribe
from services.notify.handlers import preferences
from services.notify.handlers.office import Office
from services.notify.queries import people
from services.notify.rules.ways import Preferences, Via
from shared.openapi import VERSIONED, refusing
from shared.problems import Problem
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import Language, Role

PAGE_ROWS = 50

router = router_for("notify")


class MyPreferences(BaseModel):
    """What holds for the caller. `chosen` is false while it is what everybody gets. `reachable` are the channels that
    lead to the caller now; `open` those this installation has. The number for texts is not shown, only that there is
    one."""

    channels: list[str]
    quiet: QuietTimes | None
    digest: str
    digest_at: time | None
    language: Language | None
    has_sms_number: bool
    chosen: bool
    version: int
    reachable: list[str]
    open: list[str]


class MyDevice(BaseModel):
    id: UUID
    name: str
    created_at: datetime


class MyDevices(BaseModel):
    """A page of the caller's devices. Ask on with `after=next`; `next` is null at the end."""

    items: list[MyDevice]
    next: UUID | None


class PushKey(BaseModel):
    """`applicationServerKey` of PushManager.subscribe()."""

    public_key: str


@router.get("/me/preferences", dependencies=[allow(*Role)], responses=VERSIONED)
async def my_preferences(tx: Tx, who: Caller, office: TheOffice, response: Response) -> MyPreferences:
    found, row = await preferences.preferences_of(office, tx, who)
    return _shown(office, tx, who.person_id, found, row, response)


@router.put("/me/preferences", dependencies=[allow(*Role)])
async def choose(
    body: ChoosePreferences,
    tx: Tx,
    who: Caller,
    office: TheOffice,
    response: Response,
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> MyPreferences:
    """Replaces all of them. With `If-Match`, only if nothing was changed since they were read."""
    row = await preferences.choose(office, tx, who, body, _version(if_match))
    return _shown(office, tx, who.person_id, office.preferences_in(row), row, response)


@router.get("/me/subscriptions/key", dependencies=[allow(*Role)], responses=refusing(409))
async def push_key(office: TheOffice) -> PushKey:
    key = office.settings.vapid_key
    if key is None:
        raise preferences.no_push()
    return PushKey(public_key=public_key(key))


@router.get("/me/subscriptions", dependencies=[allow(*Role)])
async def my_devices(
    tx: Tx,
    who: Caller,
    after: UUID = people.NOBODY,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS)] = PAGE_ROWS,
) -> MyDevices:
    rows = await people.devices(tx, [who.person_id], after=after, limit=limit)
    items = [MyDevice(id=row.id, name=row.name, created_at=row.created_at) for row in rows]
    return MyDevices(items=items, next=items[-1].id if len(items) == limit else None)


@router.post("/me/subscriptions", status_code=201, dependencies=[allow(*Role)])
async def subscribe(body: Subscribe, tx: Tx, who: Caller, office: TheOffice) -> MyDevice:
    """The same browser again replaces its older subscription."""
    device = await preferences.subscribe(office, tx, who, body)
    return MyDevice(id=device.id, name=device.name, created_at=device.created_at)


@router.delete("/me/subscriptions/{device_id}", status_code=204, dependencies=[allow(*Role)])
async def unsubscribe(device_id: UUID, tx: Tx, who: Caller, office: TheOffice) -> None:
    await preferences.unsubscribe(office, tx, who, device_id)


def _shown(
    office: Office,
    tx: Tx,
    person_id: str,
    found: Preferences,
    row: people.Person | None,
    response: Response,
) -> MyPreferences:
    version = row.version if row else 0
    response.headers["ETag"] = f'"{version}"'
    if row is not None:
        office.take_people([row])
    reach = office.reach(tx.directory.people.get(person_id), person_id)
    return MyPreferences(
        channels=[str(via) for via in found.channels],
        quiet=QuietTimes(starts=found.quiet.starts, ends=found.quiet.ends) if found.quiet else None,
        digest=found.digest,
        digest_at=found.digest_at,
        language=found.language,
        has_sms_number=bool(row and row.sealed_number),
        chosen=bool(row and row.chosen),
        version=version,
        reachable=sorted(reach.channels | {Via.FEED}),
        open=sorted(office.open - {Via.CONSOLE}),
    )


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    number = if_match.removeprefix("W/").strip('"')
    if not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise Problem(412, "changed-meanwhile", "If-Match 不是已知版本 / If-Match is no version of this")
    return int(number)
