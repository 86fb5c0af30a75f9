"""Accounts as administrators give and take them, each within the units they administer."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.registry.commands import MakeAccount, PutAccount
from services.registry.handlers import proof
from services.registry.handlers.passwords import Passwords
from services.registry.handlers.sign_in import Issuer
from services.registry.handlers.versions import must_match
from services.registry.queries import accounts, rights, sessions
from services.registry.queries import things as stored
from services.registry.queries.accounts import Account
from services.registry.queries.sessions import OpenSession
from services.registry.rules.account_story import (
    AccountDisabled,
    AccountEnabled,
    AccountEvent,
    AccountGiven,
    AccountMade,
    AccountUnlocked,
    CodesTurnedOff,
    EndedBecause,
    PasswordSet,
    SessionsEnded,
)
from services.registry.rules.sign_in import Tries
from services.registry.rules.things import may_change
from shared import journal
from shared.database import Transaction
from shared.event import SYSTEM, Actor, Event
from shared.identity import SignedIn, not_allowed
from shared.problems import Problem, not_found
from shared.things import Grant, Person
from shared.vocabulary import Channel, Role

ONE_TIME_PASSWORD_BYTES = 12


async def make_accounts(
    tx: Transaction, rows: Sequence[tuple[str, str, str]], *, demo: bool = False, actor: Actor = SYSTEM
) -> None:
    """Accounts (name, person id, hash) from their beginning; none of the names may be taken."""
    ids = await accounts.make(tx, rows, demo=demo)
    at = await tx.lock(*ids)
    tx.note(
        *(
            AccountMade(at=at, account_id=id, actor=actor, person_id=person_id, demo=demo)
            for id, (_, person_id, _) in zip(ids, rows, strict=True)
        )
    )


async def make_account(
    tx: Transaction, issuer: Issuer, command: MakeAccount, who: SignedIn
) -> tuple[str, datetime]:
    """A way to sign in for a person: a password that is good once, and until when."""
    person = await _person(tx, command.person_id)
    actor = await _must_administer(tx, who, [person])
    if await accounts.accounts_present(tx, [command.account]):
        raise Problem(
            409,
            "account-taken",
            "账号已存在 / This account exists",
            detail="请换一个账号名，或重置它的密码 / Choose another name, or reset its password",
        )
    password, until = await _one_time(tx, issuer)
    hashed = await issuer.passwords.hash(password)
    [id] = await accounts.make(tx, [(command.account, person.id, hashed)], one_time_until=until)
    at = await tx.lock(id)
    made = AccountMade(at=at, account_id=id, actor=actor, person_id=person.id, one_time_until=until)
    tx.note(made.model_copy(update={"channel": Channel.DESK}))
    return password, until


async def put_account(
    tx: Transaction,
    passwords: Passwords,
    name: str,
    command: PutAccount,
    who: SignedIn,
    if_match: str | None,
) -> int:
    """Give a person an account or a new password; ends the account's open sessions. Its version after that."""
    held = await accounts.holders(tx, name, command.person_id)
    if command.person_id not in {person.id for person in held}:
        raise not_found(f"没有人员 {command.person_id} / There is no person {command.person_id}")
    actor = await _must_administer(tx, who, held)
    hashed = await passwords.hash(command.password.get_secret_value())
    found = await accounts.locked(tx, name)
    must_match(if_match, found[0].version if found is not None else None)
    if found is None:
        await make_accounts(tx, [(name, command.person_id, hashed)], actor=actor)
        found = await accounts.locked(tx, name)
        assert found is not None, "it was made in this transaction"
    account, at = found
    told: list[AccountEvent] = []
    if account.person.id != command.person_id:
        await accounts.drop_codes(tx, account.id)
        told.append(AccountGiven(at=at, account_id=account.id, actor=actor, person_id=command.person_id))
    if account.password_hash != hashed:
        await accounts.set_password(tx, account.id, hashed)
        told.append(PasswordSet(at=at, account_id=account.id, actor=actor))
    if command.disabled != account.state.disabled:
        turned = AccountDisabled if command.disabled else AccountEnabled
        told.append(turned(at=at, account_id=account.id, actor=actor))
    await accounts.count_tries(tx, account.id, Tries())
    await proof.tell(tx, account, *told, *await _sessions_ended(tx, account, at, actor))
    after = await accounts.account(tx, name)
    assert after is not None, "its story is locked"
    return after.version


async def reset_password(tx: Transaction, issuer: Issuer, name: str, who: SignedIn) -> tuple[str, datetime]:
    """A password that is good once; every device is signed out, and a lock is lifted."""
    account, at, actor = await _administered(tx, name, who)
    password, until = await _one_time(tx, issuer)
    await accounts.set_password(tx, account.id, await issuer.passwords.hash(password))
    await accounts.count_tries(tx, account.id, Tries())
    given = PasswordSet(at=at, account_id=account.id, actor=actor, one_time_until=until)
    await proof.tell(tx, account, given, *await _sessions_ended(tx, account, at, actor))
    return password, until


async def disable(tx: Transaction, name: str, who: SignedIn) -> None:
    account, at, actor = await _administered(tx, name, who)
    if not account.state.disabled:
        gone = AccountDisabled(at=at, account_id=account.id, actor=actor)
        await proof.tell(tx, account, gone, *await _sessions_ended(tx, account, at, actor))


async def enable(tx: Transaction, name: str, who: SignedIn) -> None:
    account, at, actor = await _administered(tx, name, who)
    if account.state.disabled:
        await proof.tell(tx, account, AccountEnabled(at=at, account_id=account.id, actor=actor))


async def unlock(tx: Transaction, name: str, who: SignedIn) -> None:
    """Take passwords again at once."""
    account, at, actor = await _administered(tx, name, who)
    await accounts.count_tries(tx, account.id, Tries())
    if account.state.locked_until is not None:
        await proof.tell(tx, account, AccountUnlocked(at=at, account_id=account.id, actor=actor))


async def turn_codes_off(tx: Transaction, name: str, who: SignedIn) -> None:
    """For somebody who lost phone and recovery codes; every device is signed out."""
    account, at, actor = await _administered(tx, name, who)
    if account.codes is not None:
        await accounts.drop_codes(tx, account.id)
        off = CodesTurnedOff(at=at, account_id=account.id, actor=actor)
        await proof.tell(tx, account, off, *await _sessions_ended(tx, account, at, actor))


async def sign_out_everywhere(tx: Transaction, name: str, who: SignedIn) -> None:
    account, at, actor = await _administered(tx, name, who)
    tx.note(*await _sessions_ended(tx, account, at, actor))


async def page(
    tx: Transaction, who: SignedIn, after: str, rows_max: int, person_id: str | None
) -> list[Account]:
    """The next accounts by name of people within the units the caller administers."""
    asking, now = await _asking(tx, who)
    grants = await rights.grants_of(tx, asking, now)
    own = {grant.unit_id for grant in grants if grant.role is Role.ADMINISTRATOR}
    units = (await stored.known_about(tx, [_with(asking, grants)])).units
    at_top = any(id in units and units[id].parent_id is None for id in own)
    return await accounts.page(tx, sorted(own), after, rows_max, at_top=at_top, person_id=person_id)


async def one(tx: Transaction, name: str, who: SignedIn) -> Account:
    account = await accounts.account(tx, name)
    if account is None:
        raise not_found()
    await _must_administer(tx, who, [account.person])
    return account


async def sessions_of(
    tx: Transaction, name: str, who: SignedIn, before: UUID | None, rows_max: int
) -> list[OpenSession]:
    names = [(await one(tx, name, who)).name]
    return await sessions.open_sessions(tx, names, before=before, rows_max=rows_max)


async def story_of(tx: Transaction, name: str, who: SignedIn) -> list[Event]:
    """What happened to the account, oldest first."""
    return await journal.story(tx, (await one(tx, name, who)).id)


async def _administered(tx: Transaction, name: str, who: SignedIn) -> tuple[Account, datetime, Actor]:
    found = await accounts.locked(tx, name)
    if found is None:
        raise not_found(f"没有账号 {name} / There is no account {name}")
    account, at = found
    return account, at, await _must_administer(tx, who, [account.person])


async def _must_administer(tx: Transaction, who: SignedIn, people: Sequence[Person]) -> Actor:
    """Rights are those the registry knows now. Whoever holds somebody's account holds what was lent to them as well,
    so that counts too."""
    asking, now = await _asking(tx, who)
    lent = await rights.lent_to(tx, asking, now)
    with_lent = (*asking.grants, *(grant for grant, _ in lent))
    whole = [_with(person, await rights.grants_of(tx, person, now)) for person in people]
    known = (await stored.known_about(tx, [*whole, _with(asking, with_lent)])).after(whole)
    if all(may_change(asking.grants, person, known) for person in whole):
        return who.actor(Role.ADMINISTRATOR)
    if not all(may_change(with_lent, person, known) for person in whole):
        raise not_allowed([Role.ADMINISTRATOR])
    lender = next(lender for grant, lender in lent if grant.role is Role.ADMINISTRATOR)
    return who.actor(Role.ADMINISTRATOR).model_copy(update={"on_behalf_of": lender})


def _with(person: Person, grants: tuple[Grant, ...]) -> Person:
    return person.model_copy(update={"grants": grants})


async def _asking(tx: Transaction, who: SignedIn) -> tuple[Person, datetime]:
    found = await stored.one(tx, Person, who.person_id)
    if found is None or found[0].retired_at is not None:
        raise not_allowed([Role.ADMINISTRATOR])
    return found[0], await tx.now()


async def _person(tx: Transaction, id: str) -> Person:
    found = await stored.one(tx, Person, id)
    if found is None or found[0].retired_at is not None:
        raise not_found(f"没有人员 {id} / There is no person {id}")
    return found[0]


async def _one_time(tx: Transaction, issuer: Issuer) -> tuple[str, datetime]:
    hours = issuer.settings.one_time_password_hours
    until = await accounts.real_now(tx) + timedelta(hours=hours)
    return secrets.token_urlsafe(ONE_TIME_PASSWORD_BYTES), until


async def _sessions_ended(
    tx: Transaction, account: Account, at: datetime, actor: Actor
) -> list[SessionsEnded]:
    because = EndedBecause.BY_ADMINISTRATOR
    if not await sessions.end_sessions_of(tx, account.name, because):
        return []
    return [SessionsEnded(at=at, account_id=account.id, actor=actor, because=because)]
