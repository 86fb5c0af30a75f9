"""What is found in the registry that somebody has to know: told once, whoever finds it."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic_core import to_jsonable_python

from services.notify.handlers.office import Office
from services.notify.handlers.telling import Occasion, tell
from services.notify.queries import things
from services.notify.rules import telling
from services.notify.rules.telling.things import Matter, begun
from shared.database import Transaction
from shared.events.things import REGISTRY_SUBJECT
from shared.vocabulary import NoticeKind

KEPT = timedelta(days=1)
"""After its end, so that clocks that differ tell nobody twice."""


async def tell_of_things(office: Office, tx: Transaction, now: datetime) -> None:
    """Everything that has begun and was not told yet."""
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
