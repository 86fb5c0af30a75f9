"""Changes entered now that become valid later: what is kept of them, and what they make of things then.

Only the fields that differ are kept. Whoever corrects a unit's name in between does not lose that again when its new
boundary becomes valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.registry.rules.things import (
    ORDER,
    SINGULAR,
    Known,
    Thing,
    differing,
    id_of,
    kind_name,
)
from shared.things import Value

AHEAD_DAYS_MAX = 1100
KIND_OF_NAME: dict[str, Any] = {SINGULAR[kind]: kind for kind in ORDER}


class PlanState(StrEnum):
    PLANNED = "planned"
    APPLIED = "applied"
    CANCELLED = "cancelled"
    REFUSED = "refused"


class PlannedThing(Value):
    """`fields` of the thing `id` of `kind` (`unit`, `person`, …) as they will be; all of them if it is `new`."""

    kind: str
    id: str
    new: bool = False
    fields: dict[str, Any]


class PlanFlaw(Value):
    kind: str
    id: str
    code: str
    text: str


class Plan(Value):
    """Things that change together at `valid_from`. `revision` is the registry's after it was applied; `flaws` is why
    it was refused then. `on_behalf_of` lent the role it was planned by."""

    id: UUID
    state: PlanState
    valid_from: datetime
    things: tuple[PlannedThing, ...]
    planned_by: str
    on_behalf_of: str | None = None
    planned_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    revision: int | None = None
    flaws: tuple[PlanFlaw, ...] = ()


def may_begin(valid_from: datetime, now: datetime) -> bool:
    """What holds from now on is no plan; what lies years ahead is a mistake."""
    return valid_from.tzinfo is not None and now < valid_from <= now + timedelta(days=AHEAD_DAYS_MAX)


def planned(things: Iterable[Thing], known: Known) -> tuple[PlannedThing, ...]:
    """What differs from what is known; nothing for a thing that is as it should be."""
    return tuple(change for thing in things if (change := _planned(thing, known.get(thing))).fields)


def _planned(thing: Thing, before: Thing | None) -> PlannedThing:
    fields = thing.model_dump(mode="json")
    if before is not None:
        changed = differing(before, thing)
        fields = {name: value for name, value in fields.items() if name in changed}
    return PlannedThing(kind=kind_name(thing), id=id_of(thing), new=before is None, fields=fields)


def become(changes: Sequence[PlannedThing], known: Known) -> list[Thing]:
    """The things as they will be, from what is known of them. A thing gone missing is left out: things do not."""
    return [thing for change in changes if (thing := _becomes(change, known)) is not None]


def _becomes(change: PlannedThing, known: Known) -> Thing | None:
    kind = KIND_OF_NAME[change.kind]
    before = known.under(kind, change.id)
    if before is None and not change.new:
        return None
    fields = before.model_dump(mode="json") if before is not None else {}
    made: Thing = kind.model_validate({**fields, **change.fields})
    return made


def after_all(plans: Iterable[Plan], known: Known) -> Known:
    """The registry as it will be when `plans` have become valid, one after the other."""
    for plan in sorted(plans, key=lambda plan: (plan.valid_from, plan.id)):
        known = known.after(become(plan.things, known))
    return known
