"""What an access token says, and what becomes of a refresh token that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Step(StrEnum):
    """What to do with a refresh token."""

    ROTATE = "rotated"
    REPEAT = "repeated"
    REVOKE = "reused"
    REFUSE = "refused"


@dataclass(frozen=True)
class ShownToken:
    """A refresh token that is known, and the session it belongs to. `successor_used` is whether the token it was
    exchanged for has been exchanged itself."""

    expires_at: datetime
    used_at: datetime | None
    successor_used: bool
    session_ended: bool
    account_disabled: bool


def next_step(token: ShownToken | None, now: datetime, lost_answer: timedelta) -> Step:
    """A token is good once. Shown again it was stolen from somebody, and since nobody can say from whom, the session
    ends; but a phone that lost the answer may ask again for a while, as long as nobody has used what it missed."""
    if token is None or token.session_ended or token.account_disabled or token.expires_at <= now:
        return Step.REFUSE
    if token.used_at is None:
        return Step.ROTATE
    if not token.successor_used and now <= token.used_at + lost_answer:
        return Step.REPEAT
    return Step.REVOKE
