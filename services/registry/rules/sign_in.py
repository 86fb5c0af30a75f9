"""Who may try to sign in, what may be a password, and what becomes of a refresh token that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# ── how often somebody may try ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class TryLimits:
    """After `tries_max` wrong passwords within `within` the account takes none for `locked_for`, right or wrong."""

    tries_max: int
    within: timedelta
    locked_for: timedelta


@dataclass(frozen=True)
class Tries:
    """Tries since the last that was right, the first of them at `since`."""

    count: int = 0
    since: datetime | None = None
    locked_until: datetime | None = None


def may_try(tries: Tries, now: datetime, limits: TryLimits) -> bool:
    """Whether the account takes another password now."""
    if tries.locked_until is not None and now < tries.locked_until:
        return False
    return _counted(tries, now, limits) < limits.tries_max


def one_more(tries: Tries, now: datetime, limits: TryLimits) -> Tries:
    """Counted before the password is looked at, so that a hundred at once are no more than five one after the
    other; whoever was right, or could not be checked, gets it back."""
    counted = _counted(tries, now, limits)
    return Tries(counted + 1, tries.since if counted else now, tries.locked_until)


def locks(tries: Tries, limits: TryLimits) -> bool:
    """Whether the try that just failed was the last one."""
    return tries.count >= limits.tries_max


def _counted(tries: Tries, now: datetime, limits: TryLimits) -> int:
    return tries.count if tries.since is not None and now - tries.since < limits.within else 0


# ── what may be a password ────────────────────────────────────────────────────────────────────────────────────────


def unfit_because(account: str, old: str, new: str) -> str | None:
    """Why `new` may not be the next password; its length is checked where it comes in. No rules about signs and
    capitals: they make people write passwords down."""
    if new == old:
        return "与原密码相同 / It is the one you have"
    if account.casefold() in new.casefold() or new.casefold() in account.casefold():
        return "密码中含有账号 / It contains the account"
    if len(set(new)) < 4:
        return "重复的字符太多 / It repeats too few characters"
    return None


# ── refresh tokens ────────────────────────────────────────────────────────────────────────────────────────────────


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
