"""Who of a street or unit could be asked now: on duty or within reach, what they are on, where they were last seen."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from services.dispatch.handlers.roster import Roster
from services.dispatch.matching.chain import Responder, Search, eligible
from services.dispatch.queries.search import Burden, burdens, last_seen
from shared.database import Transaction
from shared.sealing import Sealer
from shared.things import Point


@dataclass(frozen=True)
class Standing:
    """As they stand at one moment."""

    on_duty: Set[str] = frozenset()
    on_call: Set[str] = frozenset()
    busy: Mapping[str, Burden] = field(default_factory=dict)
    seen: Mapping[str, Point] = field(default_factory=dict)


async def standing_of(tx: Transaction, roster: Roster, now: datetime, sealer: Sealer) -> Standing:
    on_duty = {person.id for person in roster.people if roster.on_duty(person.id, now)}
    on_call = {person.id for person in roster.people if roster.on_call(person.id, now)}
    there = on_duty | on_call
    if not there:
        return Standing()
    seen = await last_seen(tx, sorted(there), now, sealer)
    return Standing(on_duty, on_call, await burdens(tx, there), seen)


def responders(search: Search, roster: Roster, stand: Standing, now: datetime) -> list[Responder]:
    """Everybody of the roster who may be asked at all. Whoever holds a part without travelling is at their base."""
    return [
        Responder(
            person_id=person.id,
            post=post,
            unit_id=unit_id,
            mode=person.mode,
            start=stand.seen.get(person.id, person.base) if search.goes else person.base,
            on_duty=person.id in stand.on_duty,
            on_call=person.id in stand.on_call,
            on_duty_from=None if person.id in stand.on_duty else roster.on_duty_from(person.id, now),
            on_emergency=person.id in stand.busy and stand.busy[person.id].on_emergency,
            load=stand.busy[person.id].load if person.id in stand.busy else 0,
            skills=frozenset(person.skills),
        )
        for person, post, unit_id in eligible(search, roster.people, roster.units)
    ]
