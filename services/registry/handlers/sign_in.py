"""Signing in and out: short access tokens for every service, long refresh tokens for this one alone."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.jwk import ECKey

from services.registry import metrics
from services.registry.commands import PutAccount, Refresh, SignIn, SignOut
from services.registry.handlers.passwords import Passwords
from services.registry.queries import accounts
from services.registry.queries import things as stored
from services.registry.rules.sign_in import Step, next_step
from services.registry.rules.things import may_change
from services.registry.settings import Settings
from shared.database import Database, Transaction
from shared.identity import Claims, SignedIn, not_allowed
from shared.ids import uuid7
from shared.problems import Problem, not_found
from shared.things import Person
from shared.vocabulary import Role

TOKEN_BYTES = 32


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

    def public_keys(self) -> dict[str, list[dict[str, object]]]:
        """Every key whose tokens may still be about, without its private half."""
        return {"keys": [_public(key) for key in self.settings.signing_keys]}

    def access_token(self, person: Person, now: datetime) -> tuple[str, datetime]:
        """A signed statement of who this is and what they may do where, and when it ends."""
        expires_at = now + timedelta(minutes=self.settings.access_token_minutes)
        claims = Claims(
            iss=self.settings.oidc_issuer,
            sub=person.id,
            name=person.name.zh,
            grants=person.grants,
            lang=person.language,
            iat=int(now.timestamp()),
            exp=int(expires_at.timestamp()),
            jti=str(uuid7()),
            aud=self.settings.oidc_audience,
        )
        key = self.settings.signing_keys[0]
        header = {"alg": "ES256", "kid": key.kid, "typ": "JWT"}
        return jwt.encode(header, claims.model_dump(mode="json", exclude_none=True), key), expires_at

    async def sign_in(self, database: Database, command: SignIn) -> Session:
        """No connection is held while the password is checked: a crowd at eight o'clock must not keep out the rest."""
        async with database.transaction() as tx:
            account = await accounts.account(tx, command.account)
        if account is not None and account.demo and not self.settings.demo_is_allowed:
            account = None
        stored_hash = account.password_hash if account is not None else None
        fits = await self.passwords.fits(command.password.get_secret_value(), stored_hash)
        if account is None or not fits:
            metrics.SIGN_INS.labels(outcome="wrong").inc()
            raise _wrong_account_or_password()
        metrics.SIGN_INS.labels(outcome="signed_in").inc()
        refresh_token = secrets.token_urlsafe(TOKEN_BYTES)
        async with database.transaction() as tx:
            await accounts.open_session(
                tx, uuid7(), account.account, _digest(refresh_token), self.settings.refresh_token_days
            )
            return self._session(account.person, refresh_token, await accounts.real_now(tx))

    async def refresh(self, tx: Transaction, command: Refresh) -> Session | Problem:
        """The next pair of tokens. A refusal is returned, not raised: ending a stolen session must be committed."""
        shown = _digest(command.refresh_token.get_secret_value())
        session = await accounts.session_of(tx, shown)
        if session is None:
            metrics.REFRESHES.labels(outcome=Step.REFUSE).inc()
            return _sign_in_again()
        lost_answer = timedelta(seconds=self.settings.lost_answer_seconds)
        step = next_step(session.token, session.now, lost_answer)
        metrics.REFRESHES.labels(outcome=step).inc()
        if step is Step.REVOKE:
            await accounts.end_session(tx, session.id, "reused")
        if step in (Step.REVOKE, Step.REFUSE):
            return _sign_in_again()
        refresh_token = secrets.token_urlsafe(TOKEN_BYTES)
        days = self.settings.refresh_token_days
        await accounts.exchange(tx, session.id, shown, _digest(refresh_token), days)
        return self._session(session.person, refresh_token, session.now)

    async def put_account(self, tx: Transaction, name: str, command: PutAccount, who: SignedIn) -> None:
        """Give a person an account or a new password; ends the account's open sessions."""
        held = await accounts.holders(tx, name, command.person_id)
        if command.person_id not in {person.id for person in held}:
            raise not_found(f"没有人员 {command.person_id} / There is no person {command.person_id}")
        known = await stored.known_about(tx, held, who.person_id)
        asking = known.people.get(who.person_id)
        if asking is None or not all(may_change(asking.grants, person, known) for person in held):
            raise not_allowed([Role.ADMINISTRATOR])
        hashed = await self.passwords.hash(command.password.get_secret_value())
        await accounts.save_accounts(
            tx, [(name, command.person_id, hashed)], demo=False, disabled=command.disabled
        )

    def _session(self, person: Person, refresh_token: str, now: datetime) -> Session:
        access_token, expires_at = self.access_token(person, now)
        return Session(person, access_token, refresh_token, expires_at)


async def sign_out(tx: Transaction, command: SignOut) -> None:
    """End the session, or all of the account; a token nobody knows is signed out already."""
    session = await accounts.session_of(tx, _digest(command.refresh_token.get_secret_value()))
    if session is None:
        return
    if command.everywhere and not session.token.session_ended:
        await accounts.end_sessions_of(tx, session.account, "signed_out")
    await accounts.end_session(tx, session.id, "signed_out")


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


def _public(key: ECKey) -> dict[str, object]:
    return {**key.as_dict(private=False), "use": "sig", "alg": "ES256", "kid": key.kid}


def _digest(token: str) -> bytes:
    """The token has 256 random bits, so a plain hash cannot be guessed backwards."""
    return hashlib.sha256(token.encode()).digest()


def _wrong_account_or_password() -> Problem:
    return Problem(
        401,
        "wrong-account-or-password",
        "账号或密码不正确 / The account or the password is wrong",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _sign_in_again() -> Problem:
    return Problem(
        401,
        "sign-in-again",
        "登录已失效，请重新登录 / You are signed out; sign in again",
        headers={"WWW-Authenticate": "Bearer"},
    )
