"""Looking for what is known already."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.commands.given import DESCRIPTION_CHARACTERS_MAX, Command, Line
from services.intake.commands.places import PlaceGiven
from shared.vocabulary import CaseState, Urgency

SHOWN_MAX = 20


class LookForDuplicates(Command):
    """What the operator has written down so far."""

    category_code: str = Field(min_length=1, max_length=60)
    description: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)
    place: PlaceGiven = PlaceGiven()
    grid_id: str | None = Field(default=None, max_length=60)


class Candidate(BaseModel):
    """An open case that may be the same thing. `score` is 0–100, `because` what the likeness lies in."""

    case_id: UUID
    number: str
    category_code: str
    urgency: Urgency
    state: CaseState
    headline: str
    place_label: str
    registered_at: datetime
    score: int
    because: tuple[str, ...]
    distance_m: int | None


class Candidates(BaseModel):
    """The likeliest first, and no more than anybody reads while somebody talks."""

    items: tuple[Candidate, ...] = Field(max_length=SHOWN_MAX)
