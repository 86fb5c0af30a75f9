"""Signing in and out: short access tokens for every service, long refresh tokens for this one alone."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from services.registry import metrics
from services.registry.commands import Refresh, SignIn, SignOut
from services.registry.handlers import proof
from services.registry.handlers.passwords import Passwords
from services.registry.queries import accounts, sessions
from services.registry.queries.accounts import Account
from services.registry.queries.sessions import LockedSession
from services.registry.rules.account_story import (
    AccountEvent,
    EndedBecause,
    PasswordSet,
    SecondStep,
    SessionOpened,
    SessionsEnded,
    WrongPart,
)
from services.registry.rules.sign_in import Step, Tries, next_step, unfit_because
from services.registry.settings import Settings
from shared.database import Database, Transaction
from shared.event import Actor
from shared.identity import Act, Claims
from shared.ids import uuid7
from shared.problems import Problem
from shared.sealing import Sealer
from shared.things import Person
from shared.vocabulary import ActorKind

TOKEN_BYTES = 32
DEVICE_CHARACTERS_MAX = 200


@dataclass(frozen=True)
class Session:
    """What a device gets: how to ask, how to go on asking, and when the first ends."""

    person: Person
    access_token: str
    refresh_token: str
    expires_at: datetime


class Issuer:
    """Makes sessions; one per process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.passwords = Passwords(settings.hashes_at_once, settings.hashes_waiting_max)
        self.limits = proof.limits_of(settings)

    @cached_property
    def sealer(self) -> Sealer:
        return Sealer(self.settings.master_keys)

    def public_keys(self) -> dict[str, list[dict[str, object]]]:
        """Every key whose tokens may still be about, without its private half."""
        return {"keys": [_public(key) for key in self.settings.signing_keys]}

    def access_token(
        self, person: Person, now: datetime, *, done_by: str | None = None, id: UUID | None = None
    ) -> tuple[str, datetime]:
        """A signed statement of who this is and what they may do where, and when it ends; `done_by` is the
        administrator who acts for them."""
        settings = self.settings
        minutes = settings.access_token_minutes if done_by is None else settings.acting_minutes
        expires_at = now + timedelta(minutes=minutes)
        claims = Claims(
            iss=settings.oidc_issuer,
            sub=person.id,
            name=person.name.zh,
            grants=person.grants,
            lang=person.language,
            iat=int(now.timestamp()),
            exp=int(expires_at.timestamp()),
            jti=str(id or uuid7()),
            aud=settings.oidc_audience,
            act=Act(sub=done_by) if done_by is not None else None,
        )
        key = settings.signing_keys[0]
        header = {"alg": "ES256", "kid": key.kid, "typ": "JWT"}
        return jwt.encode(header, claims.model_dump(mode="json", exclude_none=True), key), expires_at

    async def sign_in(self, database: Database, command: SignIn, device: str | None) -> Session:
        """No connection is held while the password is checked: a crowd at eight o'clock must not keep out the rest.
        Every refusal takes as long as any other and reads the same until the password was right."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await self._sign_in(database, command, device)
        except Problem as refused:
            if refused.status == 401:
                floor = self.settings.sign_in_refused_after_ms / 1000
                await asyncio.sleep(max(0.0, began + floor - loop.time()))
            raise

    async def _sign_in(self, database: Database, command: SignIn, device: str | None) -> Session:
        async with database.transaction() as tx:
            account = await self._taken_up(tx, command.account)
        new_hash = None
        try:
            stored = account.password_hash if account is not None else None
            fits = await self.passwords.fits(command.password.get_secret_value(), stored)
            if fits and command.new_password is not None:
                new_hash = await self.passwords.hash(command.new_password.get_secret_value())
        except Problem:
            if account is not None:
                async with database.transaction() as tx:
                    await accounts.give_back(tx, account.name)
            raise
        if account is None:
            metrics.SIGN_INS.labels(outcome="wrong").inc()
            raise self._wrong()
        async with database.transaction() as tx:
            answer = await self._answer(tx, account, command, fits, new_hash, device)
        if isinstance(answer, Problem):
            raise answer
        return answer

    async def _taken_up(self, tx: Transaction, name: str) -> Account | None:
        """The account, with a try counted; `None` for one that does not exist, may not be used, or takes no more."""
        found = await accounts.locked(tx, name)
        if found is None or not found[0].may_be_used:
            return None
        account = found[0]
        if account.state.demo and not self.settings.demo_is_allowed:
            return None
        return account if await proof.count_try(tx, account, self.limits) else None

    async def _answer(
        self,
        tx: Transaction,
        checked: Account,
        command: SignIn,
        fits: bool,
        new_hash: str | None,
        device: str | None,
    ) -> Session | Problem:
        """A refusal is returned, not raised: the count of tries must be committed."""
        found = await accounts.locked(tx, checked.name)
        if found is None:
            return self._wrong()
        account, at = found
        now = await accounts.real_now(tx)
        if not fits or account.password_hash != checked.password_hash:
            await proof.failed(tx, account, WrongPart.PASSWORD, at, self.limits)
            return self._wrong()
        if not account.may_be_used or (account.state.locked_until or now) > now:
            return self._wrong()
        step = await self._second_step(tx, account, command, at)
        if isinstance(step, Problem):
            return step
        told = await self._first_password(tx, account, command, new_hash, at)
        if isinstance(told, Problem):
            await accounts.give_back(tx, account.name)
            return told
        return await self.open(tx, account, at, device, step, told)

    async def _second_step(
        self, tx: Transaction, account: Account, command: SignIn, at: datetime
    ) -> SecondStep | Problem:
        if not account.state.codes:
            return SecondStep.NONE
        if command.code is None and command.recovery_code is None:
            await accounts.give_back(tx, account.name)
            return _code_needed()
        proven = await proof.second_step(tx, account, self.sealer, command.code, command.recovery_code)
        if proven is None:
            await proof.failed(tx, account, WrongPart.CODE, at, self.limits)
            return _wrong_code(proof.warning(self.limits))
        return proven

    async def _first_password(
        self, tx: Transaction, account: Account, command: SignIn, new_hash: str | None, at: datetime
    ) -> list[AccountEvent] | Problem:
        """A one-time password does nothing but set a password of one's own."""
        until = account.state.one_time_until
        if until is None:
            return []
        if until <= await accounts.real_now(tx):
            return self._wrong()
        if command.new_password is None or new_hash is None:
            return _new_password_needed()
        new, old = command.new_password.get_secret_value(), command.password.get_secret_value()
        if (refused := unfit(unfit_because(account.name, old, new))) is not None:
            return refused
        await accounts.set_password(tx, account.id, new_hash)
        return [PasswordSet(at=at, account_id=account.id, actor=by(account.person.id))]

    async def open(
        self,
        tx: Transaction,
        account: Account,
        at: datetime,
        device: str | None,
        step: SecondStep = SecondStep.NONE,
        told: list[AccountEvent] | None = None,
    ) -> Session:
        """A session of a new device; tries begin anew."""
        metrics.SIGN_INS.labels(outcome="signed_in").inc()
        id, refresh_token = uuid7(), secrets.token_urlsafe(TOKEN_BYTES)
        await accounts.count_tries(tx, account.id, Tries())
        await sessions.open_session(
            tx,
            id,
            account.name,
            (device or "")[:DEVICE_CHARACTERS_MAX] or None,
            _digest(refresh_token),
            self.settings.refresh_token_days,
        )
        opened = SessionOpened(
            at=at, account_id=account.id, actor=by(account.person.id), session_id=id, second_step=step
        )
        await proof.tell(tx, account, *(told or ()), opened)
        return self._session(account.person, refresh_token, await accounts.real_now(tx))

    async def refresh(self, tx: Transaction, command: Refresh) -> Session | Problem:
        """The next pair of tokens. A refusal is returned, not raised: ending a stolen session must be committed."""
        shown = _digest(command.refresh_token.get_secret_value())
        account_id = await sessions.account_of(tx, shown)
        at = await tx.lock(account_id) if account_id is not None else None
        session = await sessions.session_of(tx, shown)
        if session is None or at is None:
            metrics.REFRESHES.labels(outcome=Step.REFUSE).inc()
            return _sign_in_again()
        lost_answer = timedelta(seconds=self.settings.lost_answer_seconds)
        step = next_step(session.token, session.now, lost_answer)
        metrics.REFRESHES.labels(outcome=step).inc()
        if step is Step.REVOKE and await sessions.end_session(tx, session.id, EndedBecause.REUSED):
            tx.note(_ended(session, at, EndedBecause.REUSED))
        if step in (Step.REVOKE, Step.REFUSE):
            return _sign_in_again()
        refresh_token = secrets.token_urlsafe(TOKEN_BYTES)
        days = self.settings.refresh_token_days
        await sessions.exchange(tx, session.id, shown, _digest(refresh_token), days)
        return self._session(session.person, refresh_token, session.now)

    def _session(self, person: Person, refresh_token: str, now: datetime) -> Session:
        access_token, expires_at = self.access_token(person, now)
        return Session(person, access_token, refresh_token, expires_at)

    def _wrong(self) -> Problem:
        return Problem(
            401,
            "wrong-account-or-password",
            "账号或密码不正确 / The account or the password is wrong",
            detail=proof.warning(self.limits),
            headers={"WWW-Authenticate": "Bearer"},
        )


async def sign_out(tx: Transaction, command: SignOut) -> None:
    """End the session, or all of the account; a token nobody knows is signed out already."""
    shown = _digest(command.refresh_token.get_secret_value())
    account_id = await sessions.account_of(tx, shown)
    if account_id is None:
        return
    at = await tx.lock(account_id)
    session = await sessions.session_of(tx, shown)
    if session is None:
        return
    ended = _ended(session, at, EndedBecause.SIGNED_OUT)
    if command.everywhere and not session.token.session_ended:
        if await sessions.end_sessions_of(tx, session.account, EndedBecause.SIGNED_OUT):
            tx.note(ended.model_copy(update={"session_id": None}))
    elif await sessions.end_session(tx, session.id, EndedBecause.SIGNED_OUT):
        tx.note(ended)


def _ended(session: LockedSession, at: datetime, because: EndedBecause) -> SessionsEnded:
    """Told by whoever showed the token."""
    return SessionsEnded(
        at=at,
        account_id=session.account_id,
        actor=by(session.person.id),
        because=because,
        session_id=session.id,
    )


async def refuse_demo_accounts(settings: Settings) -> None:
    """End the process rather than serve a city beside accounts whose passwords anybody can compute."""
    if settings.demo_is_allowed:
        return
    database = Database(settings.database_url, source="registry", pool_size=2)
    try:
        async with database.transaction() as tx:
            count = await accounts.demo_accounts(tx)
    finally:
        await database.close()
    if count:
        raise SystemExit(
            f"This database holds {count} demo accounts, refused in production. Start with a new database, or set "
            "YIKE_ENV=demo if this is a demo."
        )


def unfit(why: str | None) -> Problem | None:
    if why is None:
        return None
    return Problem(422, "password-unfit", "新密码不合适 / The new password will not do", detail=why)


def _public(key: ECKey) -> dict[str, object]:
    return {**key.as_dict(private=False), "use": "sig", "alg": "ES256", "kid": key.kid}


def _digest(token: str) -> bytes:
    """The token has 256 random bits, so a plain hash cannot be guessed backwards."""
    return hashlib.sha256(token.encode()).digest()


def by(person_id: str) -> Actor:
    return Actor(kind=ActorKind.STAFF, person_id=person_id)


def _sign_in_again() -> Problem:
    return Problem(
        401,
        "sign-in-again",
        "登录已失效，请重新登录 / You are signed out; sign in again",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _code_needed() -> Problem:
    return Problem(
        401,
        "code-needed",
        "还需要验证码 / A code is needed as well",
        detail="请连同验证器上的 6 位验证码（code）或一个恢复码（recovery_code）再登录一次"
        " / Sign in again with the 6 digits of your app as `code`, or a `recovery_code`",
    )


def _wrong_code(warning: str) -> Problem:
    return Problem(401, "wrong-code", "验证码不正确 / The code is wrong", detail=warning)


def _new_password_needed() -> Problem:
    return Problem(
        401,
        "new-password-needed",
        "一次性密码只能用来设置新密码 / A one-time password only sets a new one",
        detail="请连同新密码（new_password）再登录一次 / Sign in again with a `new_password`",
    )
