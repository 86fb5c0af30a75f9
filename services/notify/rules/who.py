"""Whom a notice concerns: holders, officers, supervisors, callers, the desk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.notify.rules.facts import CaseFacts, Hold, Roster
from services.notify.rules.replica import rung_of
from shared.vocabulary import Level, Post, Role


def people_holding(case: CaseFacts, *holds: Hold, round: int | None = None) -> list[str]:
    wanted = case.round if round is None else round
    return [part.person_id for part in case.parts if part.hold in holds and part.round == wanted]


def holders_or_officers(case: CaseFacts, at: datetime, roster: Roster) -> list[str]:
    """Whoever holds a part or is being asked; while nobody does, who answers for the unit it is with."""
    on_it = people_holding(case, Hold.OFFERED, Hold.HELD)
    return on_it or answering_for(case.unit_id, at, roster)


def role_of(person_id: str, unit_id: str, roster: Roster) -> Role | None:
    """As what somebody comes: by a role that holds in the unit they were asked for, else by any they have."""
    person = roster.people.get(person_id)
    grants = person.grants if person is not None else ()
    here = [grant.role for grant in grants if roster.covers(grant.unit_id, unit_id)]
    return next(iter([*here, *(grant.role for grant in grants)]), None)


def with_role(role: Role, unit_ids: Iterable[str], roster: Roster) -> list[str]:
    return sorted({person.id for unit_id in unit_ids for person in roster.with_role(role, unit_id)})


def supervisors_from(case: CaseFacts, level: Level, roster: Roster) -> list[str]:
    """The supervisors of the case's unit at `level` and of every unit above it."""
    return supervisors_over(rung_of(case.ladder, level), roster)


def supervisors_over(unit_id: str, roster: Roster) -> list[str]:
    """The supervisors of a unit and of every unit above it."""
    return with_role(Role.SUPERVISOR, (unit.id for unit in roster.path(unit_id)), roster)


def nearest_supervisors(unit_id: str, roster: Roster) -> list[str]:
    """The unit's own supervisors; where it has none, those of the nearest unit above that has."""
    for unit in reversed(roster.path(unit_id)):
        if supervisors := with_role(Role.SUPERVISOR, (unit.id,), roster):
            return supervisors
    return []


def officers(unit_id: str, at: datetime, roster: Roster) -> list[str]:
    """The unit's duty officers on duty; all of them where none is, because a raise must not wait unseen."""
    of_unit = [person.id for person in roster.holders(unit_id, Post.DUTY_OFFICER)]
    on_duty = {person.id for person, _ in roster.on_duty(unit_id, at)}
    return [person_id for person_id in of_unit if person_id in on_duty] or of_unit


def answering_for(unit_id: str, at: datetime, roster: Roster) -> list[str]:
    """Who answers for a unit now: its officers; in a grid its leader, else its A holder, else its supervisors."""
    for found in (
        officers(unit_id, at, roster),
        [person.id for person in roster.holders(unit_id, Post.LEADER)],
        [person.id for person in roster.holders(unit_id, Post.A)],
    ):
        if found:
            return found
    return nearest_supervisors(unit_id, roster)


def deciding_over(case: CaseFacts, level: Level, at: datetime, roster: Roster) -> list[str]:
    """Who rules one level up: the officers and supervisors of the next rung; at the top its own supervisors."""
    levels = [rung.level for rung in case.ladder]
    place = levels.index(level) if level in levels else 0
    if place + 1 == len(levels):
        return nearest_supervisors(case.ladder[place].unit_id, roster)
    unit_id = case.ladder[place + 1].unit_id
    return [*officers(unit_id, at, roster), *nearest_supervisors(unit_id, roster)]


def leaders(unit_path: tuple[str, ...], roster: Roster) -> list[str]:
    """The leaders of the lowest unit of the path that has one."""
    for unit_id in reversed(unit_path):
        if found := [person.id for person in roster.holders(unit_id, Post.LEADER)]:
            return found
    return []


def desk(unit_path: tuple[str, ...], at: datetime, roster: Roster) -> list[str]:
    """The operators of these units who are on duty; all of them where none is."""
    operators = with_role(Role.OPERATOR, unit_path, roster)
    on_duty = {person.id for person, _ in roster.on_duty(None, at)}
    return [person_id for person_id in operators if person_id in on_duty] or operators
