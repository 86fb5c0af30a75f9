"""Sign-in, the keys behind it, and who one is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.registry.api import accounts, own_account
from services.registry.api.answers import Me, OffDuty, Tokens
from services.registry.api.own_account import Device, tokens
from services.registry.commands import GoOnDuty, Refresh, SignIn, SignOut
from services.registry.handlers import duty
from services.registry.handlers.sign_in import Issuer, sign_out
from services.registry.queries import things as stored
from services.registry.rules.duty import running
from shared.openapi import refusing
from shared.problems import Problem, not_found, render
from shared.routes import Caller, Db, Tx, allow, open_to_everybody, router_for
from shared.things import Person, Shift, Unit
from shared.vocabulary import Role

KEYS_KEPT = {"Cache-Control": "public, max-age=300"}


def routers(issuer: Issuer) -> tuple[APIRouter, ...]:
    """Routes over one issuer of tokens."""
    settings = issuer.settings
    # Sign-in opens its own transactions, so that none is open while a password is checked.
    by_itself = router_for("registry", one_transaction=False)
    router = router_for("registry")

    @by_itself.post(
        "/sign-in", response_model=Tokens, dependencies=[open_to_everybody()], responses=refusing(401)
    )
    async def sign_in(body: SignIn, database: Db, device: Device = None) -> Response:
        return tokens(issuer, await issuer.sign_in(database, body, device))

    @router.post(
        "/refresh", response_model=Tokens, dependencies=[open_to_everybody()], responses=refusing(401)
    )
    async def refresh(body: Refresh, tx: Tx, request: Request) -> Response:
        answer = await issuer.refresh(tx, body)
        if isinstance(answer, Problem):
            return render(answer, request.headers.get("accept-language"), request.url.path)
        return tokens(issuer, answer)

    @router.post("/sign-out", status_code=204, dependencies=[open_to_everybody()])
    async def leave(body: SignOut, tx: Tx) -> None:
        await sign_out(tx, body)

    @router.get("/jwks.json", dependencies=[open_to_everybody()])
    async def keys(response: Response) -> dict[str, list[dict[str, object]]]:
        response.headers.update(KEYS_KEPT)
        return issuer.public_keys()

    @router.get("/.well-known/openid-configuration", dependencies=[open_to_everybody()])
    async def discovery(response: Response) -> dict[str, Any]:
        response.headers.update(KEYS_KEPT)
        return described(settings.oidc_issuer)

    return by_itself, router, accounts.router_of(issuer), own_account.router_of(issuer), _own_routes()


def described(issuer: str) -> dict[str, Any]:
    """The OpenID Connect discovery document, as far as we are a provider: keys and claims, and no browser redirect."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks.json",
        "token_endpoint": f"{issuer}/refresh",
        "userinfo_endpoint": f"{issuer}/me",
        "end_session_endpoint": f"{issuer}/sign-out",
        "response_types_supported": ["token"],
        "grant_types_supported": ["refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["iss", "sub", "name", "grants", "lang", "iat", "exp", "jti"],
    }


def _own_routes() -> APIRouter:
    """What concerns nobody but oneself."""
    router = router_for("registry")

    @router.get("/me", dependencies=[allow(*Role)])
    async def me(tx: Tx, who: Caller) -> Me:
        found = await stored.one(tx, Person, who.person_id)
        if found is None:
            raise not_found("登记中没有您 / The registry does not know you")
        person = found[0]
        known = await stored.known_about(tx, [person])
        paths = [[known.units[id] for id in reversed(known.path(post.unit_id))] for post in person.posts]
        now = await tx.now()
        ends = [shift.ends_at for shift in running(await stored.shifts_now(tx, person.id, now), now)]
        return Me(
            person=person,
            unit_paths=tuple(tuple[Unit, ...](path) for path in paths),
            on_duty=bool(ends),
            on_duty_until=max(ends, default=None),
        )

    @router.post("/me/on-duty", dependencies=[allow(*Role)])
    async def on_duty(body: GoOnDuty, tx: Tx, who: Caller) -> Shift:
        return await duty.go_on_duty(tx, body, who)

    @router.post("/me/off-duty", dependencies=[allow(*Role)])
    async def off_duty(tx: Tx, who: Caller) -> OffDuty:
        return OffDuty(ended=tuple(await duty.go_off_duty(tx, who)))

    return router
