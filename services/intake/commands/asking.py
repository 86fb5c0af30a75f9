"""Feedback cards entered together, ends that are contested, and what supervisors read of the answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.commands.changes import WithCode
from services.intake.commands.follow_ups import GiveAnswers
from services.intake.commands.given import DESCRIPTION_CHARACTERS_MAX, Command, Line
from shared.vocabulary import CaseState, Channel, FollowUpKind, Satisfaction

CARDS_MAX = 200


class CardFilledIn(Command):
    """One paper card: the number printed on the card, the number of the case, and the three answers."""

    card_number: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9-]+$")
    number: str = Field(min_length=1, max_length=40)
    contacted: bool
    solved: bool
    satisfaction: Satisfaction
    coached: bool = False
    remark: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)


class EnterCards(Command):
    cards: tuple[CardFilledIn, ...] = Field(min_length=1, max_length=CARDS_MAX)


class CardResult(StrEnum):
    """What became of a card. Only `recorded` and `contested` use its number up."""

    RECORDED = "recorded"
    CONTESTED = "contested"
    COUNTED_BEFORE = "counted_before"
    UNKNOWN_NUMBER = "unknown_number"
    NOT_YOURS = "not_yours"
    REFUSED = "refused"


class CardAnswer(BaseModel):
    """`because` is the code of the refusal, `detail` says it in words."""

    card_number: str
    result: CardResult
    case_id: UUID | None = None
    state: CaseState | None = None
    because: str | None = None
    detail: str | None = None


class CardAnswers(BaseModel):
    items: tuple[CardAnswer, ...]


class GiveOwnAnswers(GiveAnswers, WithCode):
    """The three questions on the tracking page, for who lost the link or was sent none."""


class ContestCase(WithCode):
    """Sent from the tracking page."""

    remark: Line = Field(default="", max_length=DESCRIPTION_CHARACTERS_MAX)


class AttemptTold(BaseModel):
    number: int
    at: datetime
    channel: Channel
    reached: bool
    person_id: str | None


class FollowUpTold(BaseModel):
    """One follow-up of a case with its attempts. `coached` is told to supervisors and to nobody else."""

    follow_up_id: UUID
    kind: FollowUpKind
    round: int
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    link_expires_at: datetime | None
    contacted: bool | None
    solved: bool | None
    satisfaction: Satisfaction | None
    coached: bool | None
    attempts: tuple[AttemptTold, ...]


class FollowUpsTold(BaseModel):
    """Oldest first; `next_cursor` asks for those after, None at the end."""

    items: tuple[FollowUpTold, ...]
    next_cursor: str | None


class CoachedShown(BaseModel):
    """A resident said that somebody had told them what to answer."""

    follow_up_id: UUID
    case_id: UUID
    number: str
    unit_id: str
    headline: str
    round: int
    answered_at: datetime
    channel: Channel
    solved: bool | None
    satisfaction: Satisfaction | None
    holders: tuple[str, ...]


class CoachedPage(BaseModel):
    items: tuple[CoachedShown, ...]
    next_cursor: str | None
