"""Who asks: ES256 tokens of the configured issuer, checked against its published keys.

Any OpenID Connect issuer will do (registry, Keycloak, a city's own); which claims hold what is a setting. A token
without grants gets those the registry published for the person, and whoever was lent a colleague's role has that too
for as long as it is lent (委托). An administrator who acts for somebody shows a token with an `act` claim (RFC 8693).
Either way the journal names both.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from shared.event import Actor
from shared.problems import Problem
from shared.settings import ServiceSettings
from shared.things import Grant, Person
from shared.vocabulary import ActorKind, Language, Role

if TYPE_CHECKING:
    from shared.directory import Directory

log = logging.getLogger(__name__)

LEEWAY_SECONDS = 30
KEYS_FETCHED_AGAIN_AFTER_SECONDS = 600.0
UNKNOWN_KEY_REFETCH_SECONDS = 10.0
FIRST_KEYS_AGAIN_SECONDS = 1.0
FETCH_WITHIN_SECONDS = 3.0
TOKENS_REMEMBERED_MAX = 4096

_GRANTS = TypeAdapter(tuple[Grant, ...])


BusinessNow = Callable[[], Awaitable[datetime]]
"""Reads business time; asked only for people who were lent something."""


class Act(BaseModel):
    """Who really acts, where `sub` is for whom."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: str


class Claims(BaseModel):
    """What registry puts into an access token; `sub` is the person's id, times are seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    iss: str
    sub: str
    name: str
    grants: tuple[Grant, ...] = ()
    lang: Language = Language.CHINESE
    iat: int
    exp: int
    jti: str | None = None
    aud: str | None = None
    act: Act | None = None


@dataclass(frozen=True)
class Lent:
    """A role somebody has by delegation, and whose it is."""

    grant: Grant
    lender_id: str


@dataclass(frozen=True)
class SignedIn:
    """A person who showed a valid token, and what they may do where. `grants` has what was `lent` to them as well.
    `done_by` is the administrator who acts for this person; who it is for is still `person_id`."""

    person_id: str
    name: str = ""
    grants: tuple[Grant, ...] = ()
    language: Language = Language.CHINESE
    acting_role: Role | None = None
    lent: tuple[Lent, ...] = ()
    done_by: str | None = None
    _used: dict[Role, str] = field(default_factory=dict, compare=False, repr=False)
    """Whose role the last question about it was answered from, where it was a lent one."""

    def actor(self, role: Role | None = None) -> Actor:
        """How the journal names this person: who did it, and in whose place."""
        role = role or self.acting_role
        if self.done_by is not None:
            return Actor(kind=ActorKind.STAFF, person_id=self.done_by, role=role, on_behalf_of=self.person_id)
        return Actor(
            kind=ActorKind.STAFF, person_id=self.person_id, role=role, on_behalf_of=self._lender(role)
        )

    @property
    def own_grants(self) -> tuple[Grant, ...]:
        """What the person may do in their own right."""
        own = len(self.grants) - len(self.lent)
        return self.grants[:own]

    def has_role(self, *roles: Role) -> bool:
        """Whether the person holds one of these roles anywhere."""
        return any(grant.role in roles for grant in self.grants)

    def may(self, role: Role, unit_id: str, directory: Directory) -> bool:
        """Whether the person holds `role` in the unit or above it."""
        if any(_reaches(grant, role, unit_id, directory) for grant in self.own_grants):
            self._used.pop(role, None)
            return True
        for lent in self.lent:
            if _reaches(lent.grant, role, unit_id, directory):
                self._used[role] = lent.lender_id
                return True
        return False

    def must_be_oneself(self) -> None:
        """403 where somebody acts for this person: accounts and delegations are nobody else's."""
        if self.done_by is not None:
            raise Problem(
                403,
                "only-oneself",
                "代办时不能这样做 / Not while acting for somebody",
                detail="请由本人登录后操作 / They have to sign in and do it themself",
            )

    def _lender(self, role: Role | None) -> str | None:
        if role is None:
            return next(reversed(self._used.values()), None)
        if role in self._used or any(grant.role == role for grant in self.own_grants):
            return self._used.get(role)
        return next((lent.lender_id for lent in self.lent if lent.grant.role == role), None)

    def must(self, roles: Role | Iterable[Role], unit_id: str, directory: Directory) -> Role:
        """The first of `roles` that the person holds there, or 403."""
        wanted = (roles,) if isinstance(roles, Role) else tuple(roles)
        for role in wanted:
            if self.may(role, unit_id, directory):
                return role
        raise not_allowed(wanted)


def _reaches(grant: Grant, role: Role, unit_id: str, directory: Directory) -> bool:
    return grant.role == role and directory.covers(grant.unit_id, unit_id)


def not_signed_in(why: str = "") -> Problem:
    return Problem(
        401,
        "unauthenticated",
        "请先登录 / Sign in first",
        headers={"WWW-Authenticate": "Bearer"},
        **_because(why),
    )


def not_allowed(roles: Iterable[Role]) -> Problem:
    return Problem(403, "forbidden", "没有权限 / Not allowed", roles=sorted(roles))


def _because(why: str) -> dict[str, str]:
    return {"because": why} if why else {}


class IssuerKeys:
    """The issuer's public keys: fetched when first needed, again every ten minutes, and at once (though not more
    often than every ten seconds) when a token names a key not known yet."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._clock = clock
        self._keys = KeySet([])
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = asyncio.Lock()
        self.revision = 0

    async def with_key(self, key_id: str | None) -> KeySet:
        """The keys, with the one named among them if the issuer has it."""
        age = self._clock() - self._fetched_at
        if age > KEYS_FETCHED_AGAIN_AFTER_SECONDS or not self._knows(key_id):
            async with self._lock:
                if self._clock() - self._tried_at >= UNKNOWN_KEY_REFETCH_SECONDS:
                    await self._fetch()
        if self._fetched_at == float("-inf"):
            raise Problem(
                503,
                "issuer-away",
                "登录服务暂时不可用 / The sign-in service is away",
                headers={"Retry-After": "5"},
            )
        return self._keys

    def _knows(self, key_id: str | None) -> bool:
        return key_id is None or any(key.kid == key_id for key in self._keys.keys)

    async def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            async with httpx.AsyncClient(timeout=FETCH_WITHIN_SECONDS) as client:
                answer = (await client.get(self.url)).raise_for_status()
            keys = KeySet.import_key_set(answer.json())
        except (httpx.HTTPError, ValueError, KeyError, JoseError) as wrong:
            # With the keys of before the known tokens stay good; an outage of the issuer must not stop the work.
            log.warning("the issuer's keys could not be fetched from %s: %s", self.url, type(wrong).__name__)
            if self._fetched_at == float(
                "-inf"
            ):  # soon again, but not once for each who waits behind this try
                self._tried_at = self._clock() - UNKNOWN_KEY_REFETCH_SECONDS + FIRST_KEYS_AGAIN_SECONDS
            return
        self._keys, self._fetched_at = keys, self._clock()
        self.revision += 1


class Verifier:
    """Turns a bearer token into a person. What was verified is remembered until it expires, because an ES256
    signature costs more than most requests."""

    def __init__(self, settings: ServiceSettings, keys: IssuerKeys | None = None) -> None:
        self.settings = settings
        self.keys = keys or IssuerKeys(settings.jwks_url)
        self._known: dict[str, tuple[int, int, Mapping[str, Any]]] = {}

    async def person_of(
        self, token: str, directory: Directory | None, business_now: BusinessNow | None = None
    ) -> SignedIn:
        claims = await self._claims(token)
        names = self.settings
        person_id = claims.get(names.claim_person)
        if not isinstance(person_id, str) or not person_id:
            raise not_signed_in("no-person")
        done_by = _done_by(claims.get("act"))
        people = directory.people if directory is not None else {}
        known = people.get(person_id)
        if any(who.retired_at is not None for id in (person_id, done_by) if id and (who := people.get(id))):
            raise not_signed_in("retired")
        grants = _grants(claims.get(names.claim_grants)) if names.claim_grants in claims else None
        if grants is None:
            grants = known.grants if known is not None else ()
        lent: tuple[Lent, ...] = ()
        # Who acts for somebody has what is theirs, and not what others trusted them with.
        if known is not None and known.acts_for and done_by is None and directory and business_now:
            lent = lent_to(known, directory, await business_now())
        language = (
            Language.ENGLISH if str(claims.get(names.claim_language)).startswith("en") else Language.CHINESE
        )
        return SignedIn(
            person_id,
            str(claims.get(names.claim_name, "")),
            (*grants, *(each.grant for each in lent)),
            language,
            lent=lent,
            done_by=done_by,
        )

    async def _claims(self, token: str) -> Mapping[str, Any]:
        known = self._known.get(token)
        if known and known[0] == self.keys.revision and known[1] + LEEWAY_SECONDS > time.time():
            await self.keys.with_key(None)  # so that a revoked key is noticed within ten minutes
            if known[0] == self.keys.revision:
                return known[2]
        claims = await self._verified(token)
        if len(self._known) >= TOKENS_REMEMBERED_MAX:
            self._known.clear()
        self._known[token] = (self.keys.revision, int(claims["exp"]), claims)
        return claims

    async def _verified(self, token: str) -> Mapping[str, Any]:
        settings = self.settings
        try:
            key_id = _key_id(token)
            decoded = jwt.decode(
                token, await self.keys.with_key(key_id), algorithms=list(settings.oidc_algorithms)
            )
            rules: dict[str, Any] = {
                "exp": {"essential": True},
                "iss": {"essential": True, "value": settings.oidc_issuer},
            }
            if settings.oidc_audience:
                rules["aud"] = {"essential": True, "value": settings.oidc_audience}
            jwt.JWTClaimsRegistry(leeway=LEEWAY_SECONDS, **rules).validate(decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError) as wrong:
            raise not_signed_in(getattr(wrong, "error", None) or "bad-token") from wrong
        return decoded.claims


def lent_to(person: Person, directory: Directory, now: datetime) -> tuple[Lent, ...]:
    """What is lent to `person` now. Nobody lends what is not theirs any more: who leaves or loses a role takes what
    hangs on it along."""
    return tuple(
        Lent(grant, delegation.person_id)
        for delegation in person.acts_for
        if delegation.starts_at <= now < delegation.ends_at
        for grant in delegation.grants
        if _still_holds(directory.people.get(delegation.person_id), grant, directory)
    )


def _still_holds(lender: Person | None, grant: Grant, directory: Directory) -> bool:
    if lender is None or lender.retired_at is not None:
        return False
    return any(_reaches(own, grant.role, grant.unit_id, directory) for own in lender.grants)


def _done_by(act: Any) -> str | None:
    """A token that says in another way than ours for whom it acts is no token of ours."""
    if act is None:
        return None
    try:
        return Act.model_validate(act).sub
    except ValidationError:
        raise not_signed_in("bad-act") from None


def _key_id(token: str) -> str | None:
    from joserfc.jws import extract_compact

    found = extract_compact(token.encode()).headers().get("kid")
    return found if isinstance(found, str) else None


def _grants(value: Any) -> tuple[Grant, ...]:
    try:
        return _GRANTS.validate_python(value)
    except ValidationError:
        raise not_signed_in("bad-grants") from None


def is_internal(token: str, settings: ServiceSettings) -> bool:
    """Whether the token is one of those our services show each other."""
    shown = token.encode()
    return any(hmac.compare_digest(shown, secret.value.hex().encode()) for secret in settings.internal_tokens)


def internal_headers(settings: ServiceSettings) -> dict[str, str]:
    """What a service sends to an `internal_only` route of another."""
    return {"Authorization": f"Bearer {settings.internal_tokens[0].value.hex()}"}
