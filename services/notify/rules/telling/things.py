"""What the registry did to somebody's own work, as it stands there: called in from call, acting for somebody, a street
they supervise sent in another way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from services.notify.rules.facts import Notice, Roster
from shared.going import MatchingPolicy
from shared.things import Shift, Unit
from shared.vocabulary import Level, NoticeKind, Role, ShiftKind

FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that somebody is told once, under a name of its own, while it lasts."""

    name: str
    notice: Notice
    ends_at: datetime


def begun(roster: Roster, now: datetime) -> list[Matter]:
    """Everything that holds now and that its person may not know of."""
    return [*_called_in(roster, now), *_lent(roster, now)]


def _called_in(roster: Roster, now: datetime) -> Iterator[Matter]:
    """On duty in a unit at a time they were to be on call for it: at home, and not expecting it."""
    for person, _ in roster.on_duty(None, now):
        shifts = [shift for shift in roster.shifts_of(person.id) if shift.retired_at is None]
        on_call = [shift for shift in shifts if shift.kind is ShiftKind.ON_CALL]
        for shift in shifts:
            runs = shift.kind is ShiftKind.ON_DUTY and shift.starts_at <= now < shift.ends_at
            if runs and any(_began_within(shift, other) for other in on_call):
                says = {"unit_id": shift.unit_id, "until": shift.ends_at}
                yield Matter(
                    f"shift:{shift.id}", Notice(NoticeKind.CALLED_IN, person.id, says), shift.ends_at
                )


def _began_within(shift: Shift, other: Shift) -> bool:
    return shift.unit_id == other.unit_id and other.starts_at <= shift.starts_at < other.ends_at


def _lent(roster: Roster, now: datetime) -> Iterator[Matter]:
    """委托 that has begun; what somebody lent who has left counts no more."""
    for person in roster.people.values():
        for lent in person.acts_for if person.retired_at is None else ():
            lender = roster.people.get(lent.person_id)
            if lender is None or lender.retired_at is not None or not lent.starts_at <= now < lent.ends_at:
                continue
            roles = list(dict.fromkeys(grant.role for grant in lent.grants))
            says = {"lender_id": lender.id, "roles": roles, "until": lent.ends_at}
            yield Matter(
                f"delegation:{lent.id}", Notice(NoticeKind.ACTING_FOR, person.id, says), lent.ends_at
            )


@dataclass(frozen=True, slots=True)
class WayOfSending:
    """How a street's emergencies are sent, and who of its supervisors is told when that changes. Nobody is told of what
    ships while nothing else was said before."""

    street_id: str
    name: str
    ships: bool
    notices: tuple[Notice, ...]

    @property
    def stem(self) -> str:
        """What the names of all ways of this street begin with."""
        return f"matching:{self.street_id}:"


def ways_of_sending(roster: Roster) -> list[WayOfSending]:
    """Of each street, and where there is none of the top: nobody else can be told to send by a policy."""
    streets = (unit for unit in roster.units.values() if unit.retired_at is None)
    return [_way(unit, roster) for unit in streets if unit.level is Level.STREET or unit.parent_id is None]


def _way(unit: Unit, roster: Roster) -> WayOfSending:
    policy = unit.matching_policy or MatchingPolicy.ENGINE
    says = {
        "unit_id": unit.id,
        "policy": policy,
        "shadow_policy": unit.shadow_policy,
        "advises": unit.advises,
    }
    return WayOfSending(
        street_id=unit.id,
        name=f"matching:{unit.id}:{policy}:{unit.shadow_policy or '-'}:{unit.advises}",
        ships=policy is MatchingPolicy.ENGINE and unit.shadow_policy is None and not unit.advises,
        notices=tuple(
            Notice(NoticeKind.MATCHING_CHANGED, person.id, says)
            for person in roster.with_role(Role.SUPERVISOR, unit.id)
        ),
    )
