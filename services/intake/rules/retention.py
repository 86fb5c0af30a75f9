"""How long it is kept who asked: by category where that is set, else by urgency, counted from the closing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.event import Actor
from shared.events.intake import RequesterErased
from shared.vocabulary import CaseState, Channel, Urgency

FOR_EVER = 0


@dataclass(frozen=True)
class Retention:
    """Days after closing; `FOR_EVER` keeps the requester until somebody asks to be erased."""

    by_urgency: Mapping[Urgency, int]
    by_category: Mapping[str, int] = field(default_factory=dict)

    def days(self, category_code: str, urgency: Urgency) -> int:
        return self.by_category.get(category_code, self.by_urgency.get(urgency, FOR_EVER))

    def ends_at(self, case: Case) -> datetime | None:
        """When this case's requester is erased; None while it is open, or never."""
        days = self.days(case.category_code, case.urgency)
        if case.closed_at is None or days == FOR_EVER:
            return None
        return case.closed_at + timedelta(days=days)

    @property
    def shortest_days(self) -> int | None:
        given = [days for days in (*self.by_urgency.values(), *self.by_category.values()) if days != FOR_EVER]
        return min(given, default=None)


def erase(case: Case, actor: Actor, channel: Channel, now: datetime) -> RequesterErased | Refused | None:
    """Forget who asked. Not while somebody still has to go there, or to ask; once is enough."""
    if case.erased_at is not None:
        return None
    if case.state is not CaseState.CLOSED:
        return Refused(RefusedBecause.CASE_NOT_CLOSED)
    return RequesterErased(at=now, case_id=case.case_id, actor=actor, channel=channel)
