"""What one channel of a member of staff does not take goes on to their next one, soon; the first is tried on beside it.

Emergency offers climb by the unread ladder (unread.py), and a requester has one channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pydantic_core import to_json

from services.notify import metrics
from services.notify.handlers.office import Office
from services.notify.queries import messages
from services.notify.queries.messages import Outgoing
from services.notify.rules import ways
from services.notify.rules.facts import Notice
from shared.database import Transaction
from shared.ids import uuid7


async def go_on(office: Office, tx: Transaction, stuck: Iterable[Outgoing]) -> None:
    """`stuck` were refused, not reached, or left alone this time; whether that is enough, the rule says."""
    concerned = {one.key: one for one in stuck if one.person_id and not one.is_over and not _climbs(one)}
    tried = await messages.tried(tx, concerned) if concerned else {}
    await messages.write(
        tx, [further for one in concerned.values() for further in _further(office, tx, one, tried)]
    )


def _climbs(one: Outgoing) -> bool:
    return ways.climbs(Notice(one.kind, one.person_id, one.body))


def _further(office: Office, tx: Transaction, one: Outgoing, tried: messages.ByWay) -> list[Outgoing]:
    person = tx.directory.people.get(one.person_id or "")
    if one.person_id is None or person is None or person.retired_at is not None:
        return []
    reach = office.reach(person, one.person_id)
    resting = office.resting_ways(tx.directory, one.person_id)
    via = ways.takes_over(office.preferences(one.person_id), reach, tried.get(one.key, {}), resting)
    if via is None:
        return []
    metrics.WENT_ON.labels(via).inc()
    return [
        replace(one, notice_id=uuid7(), via=via, body=to_json(one.body).decode(), attempts=0, held_until=None)
    ]
