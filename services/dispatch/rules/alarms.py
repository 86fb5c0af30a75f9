"""SOS: a worker needs help now. A story of its own, with a case or without; facts in, events out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from uuid import UUID

from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.work import Doer
from shared.event import Event
from shared.events.dispatch import AlarmAnswered, AlarmEnded, AlarmRaised

ENDED = Refused(
    "alarm-ended",
    "警报已结束 / The alarm has ended",
    "如仍需帮助请再次按下 / Press it again if help is still needed",
)


def answered_already(by: str) -> Refused:
    return Refused(
        "alarm-answered",
        "已有人在处理这次警报 / Somebody is taking care of this alarm",
        f"请与 {by} 联系；离得近也可以前往 / Speak to {by}; if you are near, go as well",
        {"answered_by": by},
    )


@dataclass(frozen=True, slots=True)
class Alarm:
    """`unit_path` runs from the top down to where the worker belongs: who of it may help."""

    id: UUID
    person_id: str
    unit_path: tuple[str, ...]
    case_id: UUID | None
    raised_at: datetime
    answered_by: str | None = None
    answered_at: datetime | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None
    by_mistake: bool = False


def fold(events: Iterable[Event]) -> Alarm | None:
    return reduce(lambda alarm, event: apply(alarm, event), events, None)


def apply(alarm: Alarm | None, event: Event) -> Alarm | None:
    """The alarm after `event`."""
    match event:
        case AlarmRaised():
            return alarm or Alarm(event.alarm_id, event.person_id, event.unit_path, event.case_id, event.at)
        case AlarmAnswered() if alarm is not None:
            return replace(alarm, answered_by=event.answered_by, answered_at=event.at)
        case AlarmEnded() if alarm is not None:
            by = event.actor.person_id
            return replace(alarm, ended_by=by, ended_at=event.at, by_mistake=event.by_mistake)
    return alarm


def raised(
    alarm_id: UUID, doer: Doer, now: datetime, *, unit_path: tuple[str, ...], case_id: UUID | None
) -> AlarmRaised:
    return AlarmRaised(
        alarm_id=alarm_id,
        at=now,
        actor=doer.actor,
        channel=doer.channel,
        person_id=doer.person_id,
        unit_path=unit_path,
        case_id=case_id,
    )


def answer(alarm: Alarm, doer: Doer, now: datetime) -> list[Event] | Refused:
    """The first who takes care of it; others are told who that is."""
    if alarm.answered_by == doer.person_id:
        return []
    if alarm.ended_at is not None:
        return ENDED
    if alarm.answered_by is not None:
        return answered_already(alarm.answered_by)
    return [
        AlarmAnswered(
            alarm_id=alarm.id,
            at=now,
            actor=doer.actor,
            channel=doer.channel,
            person_id=alarm.person_id,
            answered_by=doer.person_id,
        )
    ]


def end(alarm: Alarm, doer: Doer, now: datetime, *, by_mistake: bool) -> list[Event]:
    """By the worker, or by who may help; ended twice is ended once."""
    if alarm.ended_at is not None:
        return []
    return [
        AlarmEnded(
            alarm_id=alarm.id,
            at=now,
            actor=doer.actor,
            channel=doer.channel,
            person_id=alarm.person_id,
            by_mistake=by_mistake,
        )
    ]
