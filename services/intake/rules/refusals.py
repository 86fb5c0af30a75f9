"""Why a command is refused: an outcome like any other. handlers/ has the words for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.vocabulary import EmergencyService


class RefusedBecause(StrEnum):
    """The stable code that programs read."""

    UNKNOWN_CATEGORY = "unknown-category"
    UNKNOWN_GRID = "unknown-grid"
    REGISTRY_NOT_READY = "registry-not-ready"
    UNKNOWN_PERSON = "unknown-person"
    UNKNOWN_SNIPPET = "unknown-snippet"
    UNKNOWN_UNIT = "unknown-unit"
    OUTSIDE_DUTY_LIST = "outside-duty-list"
    CRISIS_NOT_ANSWERED = "crisis-not-answered"
    WINDOW_LENGTH = "window-length"
    WINDOW_TIME = "window-time"
    NO_APPOINTMENT = "no-appointment"
    LATER_WINDOW = "later-window"
    CASE_ENDED = "case-ended"
    CASE_MERGED = "case-merged"
    CHANGED_MEANWHILE = "changed-meanwhile"
    URGENCY_LOWERED = "urgency-lowered"
    MERGED_WITH_ITSELF = "merged-with-itself"
    PARENT_LESS_URGENT = "parent-less-urgent"
    CHILDREN_ENDED = "children-ended"
    NOT_MERGED = "not-merged"
    PARENT_HANDLED = "parent-handled"
    OTHERS_ASKED_TOO = "others-asked-too"
    QUESTION_OPEN = "question-open"
    NO_SUCH_QUESTION = "no-such-question"
    TOO_MANY_ATTACHMENTS = "too-many-attachments"
    NOT_SHARED = "not-shared"
    ANONYMOUS_CONSENT = "anonymous-consent"
    RESIDENTS_OWN = "residents-own"
    CASE_NOT_HANDLED = "case-not-handled"
    FOLLOW_UP_CLOSED = "follow-up-closed"
    HELD_BY_YOU = "held-by-you"
    CODE_KNOWN_TO_HOLDER = "code-known-to-holder"
    SAME_HOUR = "same-hour"
    SOMEBODY_TO_ASK = "somebody-to-ask"
    NOBODY_TO_ASK = "nobody-to-ask"
    LINK_USED = "link-used"
    LINK_EXPIRED = "link-expired"
    ANSWERS_NOT_FOR_HOLDERS = "answers-not-for-holders"
    ANSWERS_MISSING = "answers-missing"
    CASE_NOT_CLOSED = "case-not-closed"
    CONTESTED_BEFORE = "contested-before"
    CONTEST_TOO_LATE = "contest-too-late"
    NOT_CONTESTABLE = "not-contestable"
    NOT_A_CASE_NUMBER = "not-a-case-number"
    TOO_LITTLE_TO_FIND = "too-little-to-find"
    KEY_REUSED = "idempotency-key-reused"


@dataclass(frozen=True)
class Refused:
    because: RefusedBecause
    try_again_at: datetime | None = None
    rightful_unit_id: str | None = None
    service: EmergencyService | None = None
