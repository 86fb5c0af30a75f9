"""What people do with their own account: password, second step, devices. What is delicate asks for the password
again, and none of it can be done for somebody else."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.registry.commands import ChangePassword, ConfirmCodes, ProveOneself
from services.registry.handlers import proof
from services.registry.handlers.sign_in import Issuer, Session, unfit
from services.registry.queries import accounts, sessions
from services.registry.queries.accounts import Account
from services.registry.queries.sessions import OpenSession
from services.registry.rules import one_time_codes
from services.registry.rules.account_story import (
    CodesTurnedOff,
    CodesTurnedOn,
    EndedBecause,
    PasswordSet,
    RecoveryCodesMade,
    SessionsEnded,
)
from services.registry.rules.sign_in import unfit_because
from shared.database import Transaction
from shared.identity import SignedIn
from shared.problems import Problem, not_found


async def change_password(
    tx: Transaction, issuer: Issuer, command: ChangePassword, who: SignedIn, device: str | None
) -> Session | Problem:
    """The new password, and a session with it; every other device is signed out."""
    account, at = await _own(tx, who, command.account)
    old, new = command.password.get_secret_value(), command.new_password.get_secret_value()
    if (refused := await _prove(tx, issuer, account, at, old)) is not None:
        return refused
    if (refused := unfit(unfit_because(account.name, old, new))) is not None:
        return refused
    await accounts.set_password(tx, account.id, await issuer.passwords.hash(new))
    await sessions.end_sessions_of(tx, account.name, EndedBecause.PASSWORD_SET)
    told = [
        PasswordSet(at=at, account_id=account.id, actor=who.actor()),
        SessionsEnded(at=at, account_id=account.id, actor=who.actor(), because=EndedBecause.PASSWORD_SET),
    ]
    return await issuer.open(tx, account, at, device, told=list(told))


async def start_codes(
    tx: Transaction, issuer: Issuer, command: ProveOneself, who: SignedIn
) -> tuple[str, str] | Problem:
    """A secret for an authenticator app, and its address; on only when a code of it was shown."""
    account, at = await _own(tx, who, command.account)
    if account.state.codes:
        raise Problem(
            409,
            "codes-are-on",
            "两步验证已开启 / The second step is on already",
            detail="先关闭再重新开启 / Turn it off first",
        )
    if (refused := await _prove(tx, issuer, account, at, command.password.get_secret_value())) is not None:
        return refused
    secret = one_time_codes.new_secret()
    key, wrapped = issuer.sealer.new_case_key()
    sealed = issuer.sealer.seal(key, secret, proof.context_of(account))
    await accounts.keep_codes(tx, account.id, wrapped, sealed)
    return secret, one_time_codes.address_for(secret, account.name)


async def confirm_codes(tx: Transaction, issuer: Issuer, command: ConfirmCodes, who: SignedIn) -> list[str]:
    """The second step is on; recovery codes, shown this once."""
    account, at = await _own(tx, who, command.account)
    if account.codes is None or account.state.codes:
        raise Problem(
            409,
            "codes-not-started",
            "没有待确认的两步验证 / There is nothing to confirm",
            detail="请先开始设置 / Start it first",
        )
    if await proof.second_step(tx, account, issuer.sealer, command.code, None) is None:
        raise Problem(
            422,
            "wrong-code",
            "验证码不正确 / The code is wrong",
            detail="请检查手机时间后再输入新的验证码 / Check the phone's clock and enter the next code",
        )
    codes = await _new_recovery_codes(tx, account)
    on = CodesTurnedOn(at=at, account_id=account.id, actor=who.actor(), recovery_codes=len(codes))
    await proof.tell(tx, account, on)
    return codes


async def renew_recovery_codes(
    tx: Transaction, issuer: Issuer, command: ProveOneself, who: SignedIn
) -> list[str] | Problem:
    account, at = await _own(tx, who, command.account)
    if not account.state.codes:
        raise _codes_are_off()
    if (refused := await _prove(tx, issuer, account, at, command.password.get_secret_value())) is not None:
        return refused
    codes = await _new_recovery_codes(tx, account)
    made = RecoveryCodesMade(at=at, account_id=account.id, actor=who.actor(), recovery_codes=len(codes))
    await proof.tell(tx, account, made)
    return codes


async def turn_codes_off(
    tx: Transaction, issuer: Issuer, command: ProveOneself, who: SignedIn
) -> Problem | None:
    account, at = await _own(tx, who, command.account)
    if not account.state.codes:
        raise _codes_are_off()
    if (refused := await _prove(tx, issuer, account, at, command.password.get_secret_value())) is not None:
        return refused
    await accounts.drop_codes(tx, account.id)
    await proof.tell(tx, account, CodesTurnedOff(at=at, account_id=account.id, actor=who.actor()))
    return None


async def my_sessions(
    tx: Transaction, who: SignedIn, before: UUID | None, rows_max: int
) -> list[OpenSession]:
    who.must_be_oneself()
    names = [account.name for account in await accounts.of_person(tx, who.person_id)]
    return await sessions.open_sessions(tx, names, before=before, rows_max=rows_max)


async def end_session(tx: Transaction, id: UUID, who: SignedIn) -> None:
    """Sign one device out; one that is signed out already is no error, one of somebody else's is unknown."""
    who.must_be_oneself()
    for account in await accounts.of_person(tx, who.person_id):
        at = await tx.lock(account.id)
        if id in {session.id for session in await sessions.open_sessions(tx, [account.name])}:
            await sessions.end_session(tx, id, EndedBecause.SIGNED_OUT)
            tx.note(_ended(account, at, who).model_copy(update={"session_id": id}))
            return
    raise not_found("没有这个登录 / There is no such session")


async def sign_out_everywhere(tx: Transaction, who: SignedIn) -> None:
    """Every device of every account of the caller."""
    who.must_be_oneself()
    for account in await accounts.of_person(tx, who.person_id):
        at = await tx.lock(account.id)
        if await sessions.end_sessions_of(tx, account.name, EndedBecause.SIGNED_OUT):
            tx.note(_ended(account, at, who))


async def _own(tx: Transaction, who: SignedIn, name: str | None) -> tuple[Account, datetime]:
    """The caller's account, locked: the one named, or the only one."""
    who.must_be_oneself()
    names = [account.name for account in await accounts.of_person(tx, who.person_id)]
    if name is None and len(names) > 1:
        raise Problem(
            422,
            "which-account",
            "您有多个账号 / You have several accounts",
            detail=f"请写明账号：{'、'.join(names)} / Name one: {', '.join(names)}",
        )
    wanted = name or (names[0] if names else "")
    found = await accounts.locked(tx, wanted) if wanted in names else None
    if found is None:
        raise not_found("您没有这个账号 / You have no such account")
    return found


async def _prove(
    tx: Transaction, issuer: Issuer, account: Account, at: datetime, password: str
) -> Problem | None:
    return await proof.prove_oneself(tx, account, at, issuer.passwords, issuer.settings, password)


async def _new_recovery_codes(tx: Transaction, account: Account) -> list[str]:
    codes = one_time_codes.new_recovery_codes()
    digests = [one_time_codes.recovery_digest(code) for code in codes]
    await accounts.keep_recovery_codes(tx, account.id, digests)
    return codes


def _ended(account: Account, at: datetime, who: SignedIn) -> SessionsEnded:
    return SessionsEnded(at=at, account_id=account.id, actor=who.actor(), because=EndedBecause.SIGNED_OUT)


def _codes_are_off() -> Problem:
    return Problem(
        409,
        "codes-are-off",
        "两步验证未开启 / The second step is off",
        detail="请先开启 / Turn it on first",
    )
