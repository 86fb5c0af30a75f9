"""One's own account: password, second step, devices; delegations; and acting for somebody."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from services.registry.api.account_answers import (
    ActingToken,
    Delegations,
    DelegationShown,
    RecoveryCodes,
    SecondStepBegun,
    Sessions,
)
from services.registry.api.answers import Tokens
from services.registry.commands import ActForSomebody, ChangePassword, ConfirmCodes, Delegate, ProveOneself
from services.registry.handlers import delegations, own_account
from services.registry.handlers.sign_in import Issuer, Session
from shared.openapi import refusing
from shared.problems import Problem, render
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import Role

PROVEN = refusing(429)
"""Where a password or a code is asked for again, it may be guessed so often and no more."""
NOT_KEPT = {"Cache-Control": "no-store"}
ROWS_MAX = 500
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX)]
Device = Annotated[str | None, Header(alias="user-agent", include_in_schema=False)]
everybody_at_work = [allow(*Role)]


def router_of(issuer: Issuer) -> APIRouter:
    router = router_for("registry")
    _password_and_devices(router, issuer)
    _second_step(router, issuer)
    _delegations(router, issuer)
    return router


def _password_and_devices(router: APIRouter, issuer: Issuer) -> None:
    @router.post("/me/password", response_model=Tokens, dependencies=everybody_at_work, responses=PROVEN)
    async def change_password(
        body: ChangePassword, tx: Tx, who: Caller, request: Request, device: Device = None
    ) -> Response:
        answer = await own_account.change_password(tx, issuer, body, who, device)
        return _refused(answer, request) if isinstance(answer, Problem) else tokens(issuer, answer)

    @router.get("/me/sessions", dependencies=everybody_at_work)
    async def sessions(tx: Tx, who: Caller, cursor: UUID | None = None, limit: Limit = 100) -> Sessions:
        return Sessions.page(await own_account.my_sessions(tx, who, cursor, limit + 1), limit)

    @router.post("/me/sessions/{id}/end", status_code=204, dependencies=everybody_at_work)
    async def end_session(id: UUID, tx: Tx, who: Caller) -> None:
        await own_account.end_session(tx, id, who)

    @router.post("/me/sign-out-everywhere", status_code=204, dependencies=everybody_at_work)
    async def sign_out_everywhere(tx: Tx, who: Caller) -> None:
        await own_account.sign_out_everywhere(tx, who)


def _second_step(router: APIRouter, issuer: Issuer) -> None:
    @router.post(
        "/me/second-step", response_model=SecondStepBegun, dependencies=everybody_at_work, responses=PROVEN
    )
    async def start(body: ProveOneself, tx: Tx, who: Caller, request: Request) -> Response:
        answer = await own_account.start_codes(tx, issuer, body, who)
        if isinstance(answer, Problem):
            return _refused(answer, request)
        secret, address = answer
        return _told_once(SecondStepBegun(secret=secret, address=address))

    @router.post(
        "/me/second-step/confirm",
        response_model=RecoveryCodes,
        dependencies=everybody_at_work,
        responses=PROVEN,
    )
    async def confirm(body: ConfirmCodes, tx: Tx, who: Caller) -> Response:
        codes = await own_account.confirm_codes(tx, issuer, body, who)
        return _told_once(RecoveryCodes(recovery_codes=tuple(codes)))

    @router.post(
        "/me/second-step/recovery-codes",
        response_model=RecoveryCodes,
        dependencies=everybody_at_work,
        responses=PROVEN,
    )
    async def renew(body: ProveOneself, tx: Tx, who: Caller, request: Request) -> Response:
        answer = await own_account.renew_recovery_codes(tx, issuer, body, who)
        if isinstance(answer, Problem):
            return _refused(answer, request)
        return _told_once(RecoveryCodes(recovery_codes=tuple(answer)))

    @router.post(
        "/me/second-step/turn-off", status_code=204, dependencies=everybody_at_work, responses=PROVEN
    )
    async def turn_off(body: ProveOneself, tx: Tx, who: Caller, request: Request) -> Response:
        refused = await own_account.turn_codes_off(tx, issuer, body, who)
        return Response(status_code=204) if refused is None else _refused(refused, request)


def _delegations(router: APIRouter, issuer: Issuer) -> None:
    @router.get("/delegations", dependencies=everybody_at_work)
    async def mine(tx: Tx, who: Caller) -> Delegations:
        lent, borrowed = await delegations.mine(tx, who)
        return Delegations(
            lent=tuple(DelegationShown.of(lending) for lending in lent),
            borrowed=tuple(DelegationShown.of(lending) for lending in borrowed),
        )

    @router.post("/delegations", status_code=201, dependencies=everybody_at_work)
    async def delegate(body: Delegate, tx: Tx, who: Caller) -> DelegationShown:
        return DelegationShown.of(await delegations.delegate(tx, body, who))

    @router.post("/delegations/{id}/revoke", status_code=204, dependencies=everybody_at_work)
    async def revoke(id: str, tx: Tx, who: Caller) -> None:
        await delegations.revoke(tx, id, who)

    @router.post("/act-for", response_model=ActingToken, dependencies=[allow(Role.ADMINISTRATOR)])
    async def act_for(body: ActForSomebody, tx: Tx, who: Caller) -> Response:
        person, token = await delegations.act_for(tx, issuer, body, who)
        seconds = issuer.settings.acting_minutes * 60
        return _told_once(ActingToken(access_token=token, expires_in=seconds, person=person))


def tokens(issuer: Issuer, session: Session) -> Response:
    return _told_once(
        Tokens(
            access_token=session.access_token,
            refresh_token=session.refresh_token,
            expires_in=issuer.settings.access_token_minutes * 60,
            person=session.person,
        )
    )


def _told_once(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json", headers=NOT_KEPT)


def _refused(problem: Problem, request: Request) -> Response:
    """Returned, not raised: the count of tries is committed with it."""
    return render(problem, request.headers.get("accept-language"), request.url.path)
