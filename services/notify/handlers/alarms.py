"""SOS: whoever can help is rung over every way there is, again and further up, until somebody answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic_core import to_jsonable_python

from services.notify import metrics
from services.notify.handlers.office import Office
from services.notify.handlers.telling import tell
from services.notify.queries import cases
from services.notify.rules import replica, telling
from services.notify.rules.facts import AlarmFacts
from services.notify.rules.telling import alarms as rules
from shared.database import Transaction
from shared.event import AlarmEvent
from shared.events.dispatch import AlarmRaised
from shared.timers import Due

RING = "ring"
"""The timer of an alarm that nobody has answered."""


async def raise_alarm(office: Office, tx: Transaction, event: AlarmRaised, now: datetime) -> None:
    """The grid's leader, the desk and the supervisors at once."""
    alarm = await _tell(office, tx, replica.rang(event), event, now)
    _watch(office, tx, alarm, now)


async def follow_alarm(office: Office, tx: Transaction, event: AlarmEvent, now: datetime) -> None:
    """Everybody it rang hears who answered, and the end; it rings no more."""
    alarm = replica.apply_to_alarm(await cases.alarm(tx, event.alarm_id), event)
    await _tell(office, tx, alarm, event, now)
    if not alarm.is_unanswered:
        tx.disarm(alarm.alarm_id, RING)


async def ring_again(office: Office, tx: Transaction, due: Due, now: datetime) -> None:
    """Everybody who was rung, and one rung more."""
    alarm = await cases.alarm(tx, due.subject_id)
    if not alarm.is_unanswered:
        return
    rings = rules.rings_by(alarm, now, _every(office))
    await _tell(office, tx, alarm, replica.rings_again(alarm, now), now, rings)
    metrics.RINGS.inc()
    _watch(office, tx, alarm, now)


async def _tell(
    office: Office, tx: Transaction, alarm: AlarmFacts, event: AlarmEvent, now: datetime, rings: int = 0
) -> AlarmFacts:
    """Tell whom the event concerns; the alarm as it is then, saved."""
    notices = rules.alarm_tells(alarm, event, tx.directory, rings)
    if isinstance(event, AlarmRaised):
        alarm = replica.rang_for(alarm, [notice.person_id for notice in notices])
    await cases.save_alarm(tx, alarm)
    case = await cases.known_case(tx, alarm.case_id) if alarm.case_id else None
    bodies = [(notice, to_jsonable_python(telling.body_of_alarm(event, notice, case))) for notice in notices]
    await tell(office, tx, event, bodies, now, urgent=True)
    return alarm


def _watch(office: Office, tx: Transaction, alarm: AlarmFacts, now: datetime) -> None:
    tx.arm(alarm.alarm_id, RING, rules.next_ring_at(alarm, now, _every(office)))


def _every(office: Office) -> timedelta:
    return timedelta(seconds=office.settings.alarm_rings_again_seconds)
