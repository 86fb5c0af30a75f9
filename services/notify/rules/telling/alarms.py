"""SOS: the grid's leader, the desk and the supervisors at once; while nobody answers, again and further up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.notify.rules import who
from services.notify.rules.facts import AlarmFacts, Notice, Roster
from shared.event import AlarmEvent
from shared.events.dispatch import AlarmAnswered, AlarmEnded, AlarmRaised
from shared.vocabulary import NoticeKind, Role


def alarm_tells(alarm: AlarmFacts, event: AlarmEvent, roster: Roster) -> list[Notice]:
    """Every notice an alarm's event owes, once per person. `alarm` is the alarm after the event."""
    says, circle = _says(alarm), [*alarm.told, *called(alarm, event.at, roster)]
    match event:
        case AlarmRaised():
            return ring(alarm, 0, event.at, roster)
        case AlarmAnswered():
            kind, told = NoticeKind.ALARM_ANSWERED, [alarm.person_id, *circle]
            says["answerer_id"] = event.answered_by
        case AlarmEnded():
            kind, told = NoticeKind.ALARM_ENDED, circle
            says["by_mistake"] = event.by_mistake
        case _:
            return []
    acting = event.actor.person_id
    return [Notice(kind, person_id, says) for person_id in dict.fromkeys(told) if person_id != acting]


def ring(alarm: AlarmFacts, rings: int, at: datetime, roster: Roster) -> list[Notice]:
    """Everybody it rang already, whoever is called at once, and with each ring more of those above; never the worker
    who calls. `rings` counts how often it rang again."""
    told = [*alarm.told, *called(alarm, at, roster), *further_up(alarm, rings, at, roster)]
    return [
        Notice(NoticeKind.ALARM_RAISED, person_id, _says(alarm))
        for person_id in dict.fromkeys(told)
        if person_id != alarm.person_id
    ]


def _says(alarm: AlarmFacts) -> dict[str, Any]:
    says: dict[str, Any] = {"alarm_id": alarm.alarm_id, "worker_id": alarm.person_id}
    if alarm.unit_path:
        says["unit_id"] = alarm.unit_path[-1]
    return says


def called(alarm: AlarmFacts, at: datetime, roster: Roster) -> list[str]:
    """Who is called to help: the leader of the worker's grid, the operators on duty, every supervisor above, and
    whoever took care of it already."""
    path = alarm.unit_path
    answered = [alarm.answered_by] if alarm.answered_by else []
    return [
        *who.leaders(path, roster),
        *who.desk(path, at, roster),
        *who.with_role(Role.SUPERVISOR, path, roster),
        *answered,
    ]


def further_up(alarm: AlarmFacts, rings: int, at: datetime, roster: Roster) -> list[str]:
    """With each ring the duty officers of one rung more: of the community, of the street, and so on to the top."""
    by_unit = (who.officers(unit_id, at, roster) for unit_id in reversed(alarm.unit_path))
    rungs = [officers for officers in by_unit if officers]
    return [officer for officers in rungs[:rings] for officer in officers]


def rings_by(alarm: AlarmFacts, now: datetime, every: timedelta) -> int:
    """How often it should have rung again by now. Counted from the raising, so that lateness does not add up."""
    return max(0, (now - alarm.raised_at) // every)


def next_ring_at(alarm: AlarmFacts, now: datetime, every: timedelta) -> datetime:
    return alarm.raised_at + (rings_by(alarm, now, every) + 1) * every
