"""Showing that one is who one says: tries that are counted, a second step where it is on; and telling an account's
story, which every change of an account goes through."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce

from services.registry import metrics
from services.registry.handlers.passwords import Passwords
from services.registry.queries import accounts
from services.registry.queries.accounts import Account
from services.registry.rules import one_time_codes
from services.registry.rules.account_story import (
    AccountEvent,
    AccountLocked,
    SecondStep,
    SignInFailed,
    WrongPart,
    apply,
)
from services.registry.rules.sign_in import Tries, TryLimits, locks, may_try, one_more
from services.registry.settings import Settings
from shared.database import Transaction
from shared.problems import Problem
from shared.sealing import Sealer


def limits_of(settings: Settings) -> TryLimits:
    return TryLimits(
        settings.sign_in_tries_max,
        timedelta(minutes=settings.sign_in_tries_within_minutes),
        timedelta(minutes=settings.sign_in_locked_minutes),
    )


async def tell(tx: Transaction, account: Account, *events: AccountEvent) -> None:
    """Save what these make of the account, and journal them. Its story must be locked."""
    await accounts.save_state(tx, account.id, reduce(apply, events, account.state))
    tx.note(*events)


async def count_try(tx: Transaction, account: Account, limits: TryLimits) -> bool:
    """Whether the account takes a password now; if it does, this is counted as a try."""
    now = await accounts.real_now(tx)
    if not may_try(account.tries, now, limits):
        return False
    await accounts.count_tries(tx, account.id, one_more(account.tries, now, limits))
    return True


async def failed(
    tx: Transaction, account: Account, wrong: WrongPart, at: datetime, limits: TryLimits
) -> None:
    """Journal what was wrong; the last try locks."""
    metrics.SIGN_INS.labels(outcome="wrong").inc()
    events: list[AccountEvent] = [SignInFailed(at=at, account_id=account.id, wrong=wrong)]
    if locks(account.tries, limits):
        metrics.LOCKED_ACCOUNTS.inc()
        until = await accounts.real_now(tx) + limits.locked_for
        events.append(AccountLocked(at=at, account_id=account.id, until=until))
        await accounts.count_tries(tx, account.id, Tries())
    await tell(tx, account, *events)


async def second_step(
    tx: Transaction, account: Account, sealer: Sealer, code: str | None, recovery_code: str | None
) -> SecondStep | None:
    """Which second step these prove; none if they prove nothing. What is proven is used up."""
    if recovery_code is not None:
        digest = one_time_codes.recovery_digest(recovery_code)
        used = await accounts.use_recovery_code(tx, account.id, digest)
        return SecondStep.RECOVERY_CODE if used else None
    if code is None or account.codes is None:
        return None
    key = sealer.unwrap(account.codes.wrapped_key)
    secret = sealer.unseal(key, account.codes.sealed, context_of(account))
    now = await accounts.real_now(tx)
    step = one_time_codes.step_of(secret, code, now, account.codes.last_step)
    if step is None:
        return None
    await accounts.use_step(tx, account.id, step)
    return SecondStep.CODE


def context_of(account: Account) -> str:
    """Says which column of which row is sealed."""
    return f"accounts.codes:{account.id}"


async def prove_oneself(
    tx: Transaction,
    account: Account,
    at: datetime,
    passwords: Passwords,
    settings: Settings,
    password: str,
) -> Problem | None:
    """Who is signed in shows the password again before what is delicate. A refusal is returned, not raised: the try
    must be committed."""
    limits = limits_of(settings)
    if not await count_try(tx, account, limits):
        return _locked(limits)
    if await passwords.fits(password, account.password_hash):
        await accounts.count_tries(tx, account.id, Tries())
        return None
    counted = await accounts.account(tx, account.name)
    assert counted is not None, "its story is locked"
    await failed(tx, counted, WrongPart.PASSWORD, at, limits)
    return Problem(403, "wrong-password", "密码不正确 / The password is wrong", detail=warning(limits))


def warning(limits: TryLimits) -> str:
    """Said with every refusal alike, so that it tells nothing about the account."""
    minutes = int(limits.locked_for.total_seconds() // 60)
    return (
        f"连续输错 {limits.tries_max} 次，账号将锁定 {minutes} 分钟；忘记密码请找管理员"
        f" / After {limits.tries_max} wrong ones an account is locked for {minutes} minutes; an administrator helps"
    )


def _locked(limits: TryLimits) -> Problem:
    return Problem(
        429,
        "account-locked",
        "账号已锁定 / The account is locked",
        detail=warning(limits),
        headers={"Retry-After": str(int(limits.locked_for.total_seconds()))},
    )
