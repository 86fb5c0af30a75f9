"""What others may see of a requester, whose word number and code are, and how often somebody may guess a code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid5

from services.intake.rules.endings import may_ask
from services.intake.rules.facts import Case
from shared.event import Actor, CaseEvent
from shared.vocabulary import ActorKind

SEARCHES = UUID("5e0f7f0a-54c5-5f7a-9a55-6f2b1c9d4b10")
WRONG_CODES_MAX = 5
WRONG_CODES_FORGOTTEN_AFTER = timedelta(minutes=15)


class RequesterRevealed(CaseEvent, type="yike.requester.revealed", source="intake"):
    """Somebody saw who asked, and said why. Kept in intake's journal only: it is never published."""

    topic: ClassVar[str] = ""

    purpose: str


class RequesterSearched(CaseEvent, type="yike.requester.searched", source="intake"):
    """Somebody looked for the cases of a phone number, and said why; `found` so many. Kept in the story of each case
    found, and in the searcher's own (`searches_of`), so that a search that found nothing is kept as well. The number
    itself is in neither."""

    topic: ClassVar[str] = ""

    purpose: str
    found: int


def searches_of(person_id: str) -> UUID:
    """The id of the story that somebody's searches are kept in."""
    return uuid5(SEARCHES, person_id)


def masked_name(name: str) -> str:
    """王小明 → 王*."""
    return f"{name[0]}*" if name else ""


def masked_phone(phone: str) -> str:
    """13812345678 → 138****5678; a short number keeps its last two digits."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 9 else f"****{phone[-2:]}"


def sees_code(actor: Actor, *, at_desk: bool, sent: bool) -> bool:
    """Whether whoever registers a case is shown its pickup code. Residents see their own, the desk reads it out to the
    caller. Anybody else, who may be sent the case next, sees it only where no message carries it to the requester: then
    they write it on a slip."""
    return actor.kind is not ActorKind.STAFF or at_desk or not sent


def code_speaks(case: Case, parent: Case | None, shown_to: str | None) -> bool:
    """Whether number and code are the requester's word: not where somebody who was shown the code holds or held the
    case, or the one it is part of. They would answer the questions about their own work."""
    held = [case, parent] if parent else [case]
    return shown_to is None or all(may_ask(one, shown_to) for one in held)


@dataclass(frozen=True)
class Guesses:
    """Wrong pickup codes given for one number."""

    wrong: int = 0
    since: datetime | None = None


def may_guess(guesses: Guesses, now: datetime) -> bool:
    """Six digits hold only against somebody who may not try them all."""
    return guesses.wrong < WRONG_CODES_MAX or _forgotten(guesses, now)


def guessed_wrong(guesses: Guesses, now: datetime) -> Guesses:
    if guesses.since is None or _forgotten(guesses, now):
        return Guesses(1, now)
    return Guesses(guesses.wrong + 1, guesses.since)


def _forgotten(guesses: Guesses, now: datetime) -> bool:
    return guesses.since is None or now - guesses.since >= WRONG_CODES_FORGOTTEN_AFTER
