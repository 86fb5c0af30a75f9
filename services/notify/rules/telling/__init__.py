"""Who must be told what: one event in, the notices it owes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.rules.facts import CaseFacts, Notice, Roster
from services.notify.rules.telling import existence, offers, time
from shared.event import CaseEvent

TELLS: Mapping[type[CaseEvent], Callable[[CaseFacts, Any, Roster], list[Notice]]] = {
    **existence.TELLS,
    **offers.TELLS,
    **time.TELLS,
}
"""Event → who is told what. What is heard and not listed here only keeps the replica of the case true."""


def to_tell(case: CaseFacts, event: CaseEvent, roster: Roster) -> list[Notice]:
    """Every notice `event` owes, once per person and kind. `case` is the case after the event."""
    tell = TELLS.get(type(event))
    notices = tell(case, event, roster) if tell else []
    return list({(notice.kind, notice.person_id): notice for notice in reversed(notices)}.values())[::-1]


def body_of(case: CaseFacts, event: CaseEvent, notice: Notice) -> dict[str, Any]:
    """Everything a screen needs to show the moment without asking anybody; unknown values are left out."""
    body = {
        "kind": notice.kind,
        "event_id": event.id,
        "at": event.at,
        "case_id": case.case_id,
        "number": case.number,
        "headline": case.headline,
        "place": case.place.model_dump(exclude_none=True),
        "urgency": case.urgency,
        "level": getattr(event, "level", case.level),
        "round": case.round,
        "due": dict(case.due),
        **notice.says,
    }
    return {name: value for name, value in body.items() if value is not None}


def body_of_alarm(event_id: UUID, at: datetime, notice: Notice, case: CaseFacts | None) -> dict[str, Any]:
    """The same for an alarm; of its case only what says which one it is."""
    of_case = {"case_id": case.case_id, "number": case.number, "headline": case.headline} if case else {}
    said = {"urgency": "emergency", **of_case, **body_of_matter(event_id, at, notice)}
    return {name: value for name, value in said.items() if value is not None}


def body_of_matter(event_id: UUID, at: datetime, notice: Notice) -> dict[str, Any]:
    """The same for what is no case's."""
    return {"kind": notice.kind, "event_id": event_id, "at": at, **notice.says}
