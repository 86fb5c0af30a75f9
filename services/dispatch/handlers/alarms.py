"""SOS: raised in need, so nothing about it is refused; answered and ended by who may help."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.dispatch import metrics
from services.dispatch.commands import RaiseAlarm
from services.dispatch.handlers.records import agreed
from services.dispatch.queries import alarms as rows
from services.dispatch.queries.cases import load
from services.dispatch.rules import alarms
from services.dispatch.rules.alarms import Alarm
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.directory import Directory
from shared.event import Event
from shared.ids import uuid7
from shared.problems import not_found
from shared.sealing import Sealer
from shared.things import Point

ALARM_LOCKS = 7302
"""The advisory locks of this class make two presses of one button one alarm."""


async def raise_alarm(tx: Transaction, command: RaiseAlarm, doer: Doer, sealer: Sealer) -> Alarm:
    """Pressed again it is the same alarm, with the newer place."""
    await tx.rows(
        "SELECT pg_advisory_xact_lock(:locks, hashtext(:person))", locks=ALARM_LOCKS, person=doer.person_id
    )
    alarm = await rows.open_of(tx, doer.person_id)
    if alarm is None:
        alarm_id = uuid7()
        now = await tx.lock(alarm_id)
        case_id = command.case_id
        if case_id is not None and await load(tx, case_id) is None:
            case_id = None
        path = _path_of(tx.directory, doer.person_id)
        event = alarms.raised(alarm_id, doer, now, unit_path=path, case_id=case_id)
        alarm = await _record(tx, None, [event])
        metrics.ALARMS.labels("raised").inc()
    if command.position is not None:
        place = Point(lon=command.position.lon, lat=command.position.lat)
        await rows.keep_place(tx, alarm.id, place, sealer)
    return alarm


async def answer_alarm(tx: Transaction, alarm_id: UUID, doer: Doer) -> Alarm:
    now = await tx.lock(alarm_id)
    alarm = await known_alarm(tx, alarm_id)
    events = agreed(alarms.answer(alarm, doer, now))
    metrics.ALARMS.labels("answered").inc(len(events))
    return await _record(tx, alarm, events)


async def end_alarm(tx: Transaction, alarm_id: UUID, doer: Doer, *, by_mistake: bool) -> Alarm:
    now = await tx.lock(alarm_id)
    alarm = await known_alarm(tx, alarm_id)
    events = alarms.end(alarm, doer, now, by_mistake=by_mistake)
    metrics.ALARMS.labels("ended").inc(len(events))
    return await _record(tx, alarm, events)


async def known_alarm(tx: Transaction, alarm_id: UUID) -> Alarm:
    alarm = await rows.find(tx, alarm_id)
    if alarm is None:
        raise not_found("没有这次警报 / No such alarm")
    return alarm


async def _record(tx: Transaction, before: Alarm | None, events: Sequence[Event]) -> Alarm:
    after = before
    for event in events:
        after = alarms.apply(after, event)
    assert after is not None
    if events:
        await rows.save(tx, after)
        tx.announce(*events)
    return after


def _path_of(directory: Directory, person_id: str) -> tuple[str, ...]:
    """Where somebody belongs: their post, else the unit of their role, from the top down."""
    person = directory.people.get(person_id)
    if person is None:
        return ()
    units = [post.unit_id for post in person.posts] + [grant.unit_id for grant in person.grants]
    return tuple(unit.id for unit in directory.path(units[0])) if units else ()
