"""What intake writes into its own journal and never publishes: a requester's consents, and what became of the case
this one was merged into."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.intake.commands.changes import ConsentPurpose
from shared.event import CaseEvent
from shared.vocabulary import Level, Outcome


class ConsentRecorded(CaseEvent, type="yike.consent.recorded", source="intake"):
    """The requester agrees, or no longer agrees, to a use of their data."""

    topic: ClassVar[str] = ""

    purpose: ConsentPurpose
    given: bool
    requester_can_be_asked: bool


class ParentHandled(CaseEvent, type="yike.parent.handled", source="intake"):
    """The case this one is part of was handled in its `round`: this requester is asked as well, by nobody of
    `holders`."""

    topic: ClassVar[str] = ""

    parent_id: UUID
    round: int
    handled_at: datetime
    outcome: Outcome
    level: Level | None
    holders: tuple[str, ...]


class ParentReopened(CaseEvent, type="yike.parent.reopened", source="intake"):
    """The case this one is part of goes on; there is nothing to ask yet."""

    topic: ClassVar[str] = ""

    parent_id: UUID
