"""What is found in the registry that somebody has to know: told once, whoever finds it."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic_core import to_jsonable_python

from services.notify.handlers.office import Office
from services.notify.handlers.telling import Occasion, tell
from services.notify.queries import things
from services.notify.rules import telling
from services.notify.rules.telling.things import FOR_EVER, Matter, begun, ways_of_sending
from shared.database import Transaction
from shared.events.things import REGISTRY_SUBJECT
from shared.vocabulary import NoticeKind

KEPT = timedelta(days=1)
"""After its end, so that clocks that differ tell nobody twice."""


async def tell_of_things(office: Office, tx: Transaction, now: datetime) -> None:
    """Everything that has begun and was not told yet."""
    await _tell_of_sending(office, tx, now)
    matters = begun(tx.directory, now)
    if not matters:
        return
    new = await things.tell_once(tx, {matter.name: matter.ends_at for matter in matters})
    for matter in matters:
        if matter.name in new:
            await _tell(office, tx, matter, now)
    await things.forget(tx, now - KEPT)


async def _tell(office: Office, tx: Transaction, matter: Matter, now: datetime) -> None:
    cause, notice = Occasion(REGISTRY_SUBJECT), matter.notice
    body = telling.body_of_matter(cause.id, now, notice)
    # Whoever is called in is needed now, at any hour.
    urgent = notice.kind is NoticeKind.CALLED_IN
    await tell(office, tx, cause, [(notice, to_jsonable_python(body))], now, urgent=urgent)


async def _tell_of_sending(office: Office, tx: Transaction, now: datetime) -> None:
    """派单策略变更: to the supervisors of the street, each time it changes, also back to what ships."""
    for way in ways_of_sending(tx.directory):
        if way.ships:
            is_new = await things.forget_others(tx, way.stem, None)
        elif is_new := bool(await things.tell_once(tx, {way.name: FOR_EVER})):
            await things.forget_others(tx, way.stem, way.name)
        for notice in way.notices if is_new else ():
            cause = Occasion(REGISTRY_SUBJECT)
            body = to_jsonable_python(telling.body_of_matter(cause.id, now, notice))
            await tell(office, tx, cause, [(notice, body)], now, urgent=False)
