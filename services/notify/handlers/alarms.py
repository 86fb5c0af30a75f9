"""SOS: whoever can help is rung over every way there is, again and further up, until somebody answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic_core import to_jsonable_python

from services.notify import metrics
from services.notify.handlers.office import Office
from services.notify.handlers.telling import Cause, Occasion, tell
from services.notify.queries import cases
from services.notify.rules import replica, telling
from services.notify.rules.facts import AlarmFacts, Notice
from services.notify.rules.telling import alarms as rules
from shared.database import Transaction
from shared.event import AlarmEvent
from shared.events.dispatch import AlarmRaised
from shared.timers import Due

RING = "ring"
"""The timer of an alarm that nobody has answered."""


async def raise_alarm(office: Office, tx: Transaction, event: AlarmRaised, now: datetime) -> None:
    """The grid's leader, the desk and the supervisors at once."""
    alarm = replica.rang(event)
    await _ring(office, tx, alarm, event, rules.alarm_tells(alarm, event, tx.directory), now)


async def follow_alarm(office: Office, tx: Transaction, event: AlarmEvent, now: datetime) -> None:
    """Everybody it rang hears who answered, and the end; it rings no more."""
    alarm = replica.apply_to_alarm(await cases.alarm(tx, event.alarm_id), event)
    await cases.save_alarm(tx, alarm)
    await _tell(office, tx, alarm, event, rules.alarm_tells(alarm, event, tx.directory), now)
    if not alarm.is_unanswered:
        tx.disarm(alarm.alarm_id, RING)


async def ring_again(office: Office, tx: Transaction, due: Due, now: datetime) -> None:
    """Everybody who was rung, and one rung more."""
    alarm = await cases.alarm(tx, due.subject_id)
    if not alarm.is_unanswered:
        return
    rings = rules.rings_by(alarm, now, _every(office))
    notices = rules.ring(alarm, rings, now, tx.directory)
    # Under an id of its own: channels and feeds drop what they have had.
    await _ring(office, tx, alarm, Occasion(alarm.alarm_id), notices, now)
    metrics.RINGS.inc()


async def _ring(
    office: Office, tx: Transaction, alarm: AlarmFacts, cause: Cause, notices: Sequence[Notice], now: datetime
) -> None:
    await cases.save_alarm(tx, replica.rang_for(alarm, [notice.person_id for notice in notices]))
    await _tell(office, tx, alarm, cause, notices, now)
    tx.arm(alarm.alarm_id, RING, rules.next_ring_at(alarm, now, _every(office)))


async def _tell(
    office: Office, tx: Transaction, alarm: AlarmFacts, cause: Cause, notices: Sequence[Notice], now: datetime
) -> None:
    at = cause.at if isinstance(cause, AlarmEvent) else now
    case = await cases.known_case(tx, alarm.case_id) if alarm.case_id else None
    bodies = [
        (notice, to_jsonable_python(telling.body_of_alarm(cause.id, at, notice, case))) for notice in notices
    ]
    await tell(office, tx, cause, bodies, now, urgent=True)


def _every(office: Office) -> timedelta:
    return timedelta(seconds=office.settings.alarm_rings_again_seconds)
