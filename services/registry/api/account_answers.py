"""What registry answers about accounts, sessions and delegations."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from services.registry.api.answers import Answer
from services.registry.handlers.delegations import Lending
from services.registry.queries.accounts import Account
from services.registry.queries.sessions import OpenSession
from services.registry.rules.delegation import RUNNING_MAX
from shared.event import Actor, Event
from shared.things import Grant, Person


class AccountShown(Answer):
    """`one_time_until`: its password sets a new one until then. `second_step`: codes of an authenticator app are
    asked for."""

    account: str
    person_id: str
    disabled: bool
    locked_until: datetime | None
    one_time_until: datetime | None
    second_step: bool
    recovery_codes_left: int
    sessions_open: int
    made_at: datetime

    @classmethod
    def of(cls, account: Account) -> AccountShown:
        state = account.state
        return cls(
            account=account.name,
            person_id=state.person_id,
            disabled=state.disabled,
            locked_until=state.locked_until,
            one_time_until=state.one_time_until,
            second_step=state.codes,
            recovery_codes_left=state.recovery_codes_left,
            sessions_open=account.sessions_open,
            made_at=account.made_at,
        )


class AccountPage(Answer):
    items: tuple[AccountShown, ...]
    next_cursor: str | None


class OneTimePassword(Answer):
    """Told to the person, and gone with its first use."""

    account: str
    one_time_password: str
    valid_until: datetime


class SessionShown(Answer):
    id: UUID
    account: str
    device: str | None
    made_at: datetime
    last_used_at: datetime
    expires_at: datetime


class Sessions(Answer):
    """Those that are open, the latest made first."""

    items: tuple[SessionShown, ...]
    next_cursor: UUID | None

    @classmethod
    def page(cls, found: list[OpenSession], limit: int) -> Sessions:
        """`found` was asked for with one more than `limit`."""
        shown = tuple(SessionShown(**vars(session)) for session in found[:limit])
        return cls(items=shown, next_cursor=shown[-1].id if len(found) > limit else None)


class StoryLine(Answer):
    """What happened to an account, by whom."""

    at: datetime
    type: str
    actor: Actor
    about: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> StoryLine:
        about = event.model_dump(mode="json", exclude={"actor", "channel", "account_id"}, exclude_none=True)
        return cls(at=event.at, type=event.type, actor=event.actor, about=about)


class StoryPage(Answer):
    """Newest first; `next_cursor` asks for what is older."""

    items: tuple[StoryLine, ...]
    next_cursor: int | None


class SecondStepBegun(Answer):
    """`address` is what an authenticator app reads from a QR code; `secret` is for typing it in."""

    secret: str
    address: str


class RecoveryCodes(Answer):
    """Each is good once, instead of a code, for whoever lost the phone. They are shown this once."""

    recovery_codes: tuple[str, ...]


class DelegationShown(Answer):
    id: str
    from_person_id: str
    to_person_id: str
    grants: tuple[Grant, ...]
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, lending: Lending) -> DelegationShown:
        delegation = lending.delegation
        return cls(
            id=delegation.id,
            from_person_id=delegation.person_id,
            to_person_id=lending.borrower_id,
            grants=delegation.grants,
            starts_at=delegation.starts_at,
            ends_at=delegation.ends_at,
        )


class Delegations(Answer):
    """What the caller lends and borrows, as far as it has not ended: 20 of each at most, for more are refused."""

    lent: tuple[DelegationShown, ...] = Field(max_length=RUNNING_MAX)
    borrowed: tuple[DelegationShown, ...] = Field(max_length=RUNNING_MAX)


class ActingToken(Answer):
    """Good for `expires_in` seconds and not renewed; whatever is done with it names both."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int
    person: Person
