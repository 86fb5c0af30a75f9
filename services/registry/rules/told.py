"""What registry keeps in its own journal and tells nobody: plans and absences, each whole as it is from now on. What
comes of them is told as the things that change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.registry.rules.absence import Absence
from services.registry.rules.plans import Plan
from shared.event import Event
from shared.events.things import REGISTRY_SUBJECT


class _Note(Event):
    topic = ""

    @property
    def subject(self) -> UUID:
        return REGISTRY_SUBJECT


class PlanNoted(_Note, type="yike.registry.plan_noted", source="registry"):
    plan: Plan


class AbsenceNoted(_Note, type="yike.registry.absence_noted", source="registry"):
    absence: Absence


@dataclass(frozen=True)
class Ahead:
    """What the journal tells of plans and absences."""

    plans: Mapping[UUID, Plan] = field(default_factory=dict)
    absences: Mapping[UUID, Absence] = field(default_factory=dict)


def apply(ahead: Ahead, event: Event) -> Ahead:
    match event:
        case PlanNoted(plan=plan):
            return replace(ahead, plans={**ahead.plans, plan.id: plan})
        case AbsenceNoted(absence=absence):
            return replace(ahead, absences={**ahead.absences, absence.id: absence})
    return ahead
