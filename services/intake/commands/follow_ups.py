"""What is asked afterwards, by link or by a caller, and the list callers work from."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.intake.commands.given import DESCRIPTION_CHARACTERS_MAX, Command, Line
from services.intake.commands.showing import RequesterShown
from shared.vocabulary import (
    CaseState,
    Channel,
    ClosedBy,
    FollowUpKind,
    Language,
    Outcome,
    Satisfaction,
    Urgency,
)


class GiveAnswers(Command):
    """The three questions; `coached` is the button `somebody told me what to answer`."""

    contacted: bool
    solved: bool
    satisfaction: Satisfaction
    coached: bool = False
    remark: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)


class RecordAttempt(Command):
    """A follow-up caller's attempt; answers if, and only if, the resident was reached. Whether it is solved and how
    satisfied they are may stay open in a progress call only."""

    channel: Literal[Channel.PHONE, Channel.VISIT, Channel.PAPER_CARD]
    reached: bool
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: Satisfaction | None = None
    coached: bool = False
    remark: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)

    @model_validator(mode="after")
    def _answers_if_reached(self) -> Self:
        given = [answer is not None for answer in (self.contacted, self.solved, self.satisfaction)]
        if self.reached and self.contacted is None:
            raise ValueError("请填写回答 / reached: the answers are needed")
        if not self.reached and (any(given) or self.coached):
            raise ValueError("未联系上则没有回答 / not reached: there can be no answers")
        return self


class VerifyCase(Command):
    """核验, where nobody can be asked: solved closes the case, not solved sends it back."""

    solved: bool
    remark: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)


class CaseAfter(BaseModel):
    """Where the case stands after a follow-up or a verification."""

    case_id: UUID
    number: str
    state: CaseState
    round: int
    outcome: Outcome | None
    closed_by: ClosedBy | None
    attempts: int
    next_attempt_at: datetime | None


class LinkShown(BaseModel):
    """What the single-use page shows before it is answered; looking does not use it up."""

    number: str
    category_code: str
    registered_at: datetime
    handled_at: datetime
    handled_outcome: Outcome
    expires_at: datetime
    language: Language


class FollowUpShown(BaseModel):
    """One line of the caller's list, masked. A progress call comes before `handled`."""

    follow_up_id: UUID
    kind: FollowUpKind
    case_id: UUID
    number: str
    category_code: str
    urgency: Urgency
    headline: str
    round: int
    unit_id: str
    handled_at: datetime | None
    handled_outcome: Outcome | None
    due_at: datetime
    is_due: bool
    attempts: int
    link_expires_at: datetime | None
    requester: RequesterShown


class FollowUpPage(BaseModel):
    items: tuple[FollowUpShown, ...]
    next_cursor: str | None
