"""What happens to an account, kept in registry's own journal and told to nobody; never a secret, not even a name.

An account's story is its own: its subject is the account's id.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.event import Event


class WrongPart(StrEnum):
    """Which part of a sign-in was wrong."""

    PASSWORD = "password"
    CODE = "code"


class SecondStep(StrEnum):
    NONE = "none"
    CODE = "code"
    RECOVERY_CODE = "recovery_code"


class EndedBecause(StrEnum):
    """Why sessions ended."""

    SIGNED_OUT = "signed_out"
    PASSWORD_SET = "password_set"
    ACCOUNT_CHANGED = "account_changed"
    BY_ADMINISTRATOR = "by_administrator"
    REUSED = "reused"


class AccountEvent(Event):
    topic = ""
    account_id: UUID

    @property
    def subject(self) -> UUID:
        return self.account_id


class AccountMade(AccountEvent, type="yike.account.made", source="registry"):
    """`one_time_until`: its first password is good once, until then."""

    person_id: str
    demo: bool = False
    one_time_until: datetime | None = None


class AccountGiven(AccountEvent, type="yike.account.given", source="registry"):
    """To another person; what the one before had as a second step is gone."""

    person_id: str


class AccountDisabled(AccountEvent, type="yike.account.disabled", source="registry"):
    pass


class AccountEnabled(AccountEvent, type="yike.account.enabled", source="registry"):
    pass


class PasswordSet(AccountEvent, type="yike.account.password_set", source="registry"):
    """By the person or, once usable until `one_time_until`, by an administrator."""

    one_time_until: datetime | None = None


class SignInFailed(AccountEvent, type="yike.account.sign_in_failed", source="registry"):
    wrong: WrongPart


class AccountLocked(AccountEvent, type="yike.account.locked", source="registry"):
    until: datetime


class AccountUnlocked(AccountEvent, type="yike.account.unlocked", source="registry"):
    pass


class SessionOpened(AccountEvent, type="yike.account.session_opened", source="registry"):
    session_id: UUID
    second_step: SecondStep = SecondStep.NONE


class SessionsEnded(AccountEvent, type="yike.account.sessions_ended", source="registry"):
    """One session, or all of the account."""

    because: EndedBecause
    session_id: UUID | None = None


class CodesTurnedOn(AccountEvent, type="yike.account.codes_turned_on", source="registry"):
    recovery_codes: int


class CodesTurnedOff(AccountEvent, type="yike.account.codes_turned_off", source="registry"):
    pass


class RecoveryCodesMade(AccountEvent, type="yike.account.recovery_codes_made", source="registry"):
    recovery_codes: int


@dataclass(frozen=True)
class AccountState:
    """What an account is, as far as it is no secret. `codes`: there is a second step at sign-in."""

    person_id: str = ""
    demo: bool = False
    disabled: bool = False
    one_time_until: datetime | None = None
    locked_until: datetime | None = None
    codes: bool = False
    recovery_codes_left: int = 0


def apply(state: AccountState, event: AccountEvent) -> AccountState:
    match event:
        case AccountMade():
            return AccountState(event.person_id, demo=event.demo, one_time_until=event.one_time_until)
        case AccountGiven(person_id=person_id):
            return replace(state, person_id=person_id, demo=False, codes=False, recovery_codes_left=0)
        case AccountDisabled():
            return replace(state, disabled=True)
        case AccountEnabled():
            return replace(state, disabled=False)
        case PasswordSet(one_time_until=until):
            return replace(state, demo=False, one_time_until=until, locked_until=None)
        case AccountLocked(until=until):
            return replace(state, locked_until=until)
        case AccountUnlocked():
            return replace(state, locked_until=None)
        case SessionOpened(second_step=SecondStep.RECOVERY_CODE):
            return replace(state, recovery_codes_left=state.recovery_codes_left - 1)
        case CodesTurnedOn(recovery_codes=count):
            return replace(state, codes=True, recovery_codes_left=count)
        case CodesTurnedOff():
            return replace(state, codes=False, recovery_codes_left=0)
        case RecoveryCodesMade(recovery_codes=count):
            return replace(state, recovery_codes_left=count)
    return state
