"""Accounts for administrators, each within the units they administer. Answers with a password are kept nowhere."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.registry.api.account_answers import (
    AccountPage,
    AccountShown,
    OneTimePassword,
    Sessions,
    StoryLine,
    StoryPage,
)
from services.registry.api.things import MUST_MATCH, IfMatch
from services.registry.commands import MakeAccount, PutAccount
from services.registry.handlers import accounts
from services.registry.handlers.sign_in import Issuer
from shared.openapi import VERSIONED
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import Role

NOT_KEPT = {"Cache-Control": "no-store"}
ROWS_MAX = 500
Cursor = Annotated[str, Query(description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX)]
administrators = [allow(Role.ADMINISTRATOR)]


def router_of(issuer: Issuer) -> APIRouter:
    router = router_for("registry")
    _reading(router)
    _making(router, issuer)
    _turning(router)
    return router


def _reading(router: APIRouter) -> None:
    @router.get("/accounts", dependencies=administrators)
    async def page(
        tx: Tx, who: Caller, cursor: Cursor = "", limit: Limit = 100, person_id: str | None = None
    ) -> AccountPage:
        found = await accounts.page(tx, who, cursor, limit + 1, person_id)
        following = found[limit - 1].name if len(found) > limit else None
        return AccountPage(
            items=tuple(AccountShown.of(account) for account in found[:limit]), next_cursor=following
        )

    @router.get("/accounts/{account}", dependencies=administrators, responses=VERSIONED)
    async def one(account: str, tx: Tx, who: Caller, response: Response) -> AccountShown:
        found = await accounts.one(tx, account, who)
        response.headers["ETag"] = f'"{found.version}"'
        return AccountShown.of(found)

    @router.get("/accounts/{account}/sessions", dependencies=administrators)
    async def sessions(
        account: str, tx: Tx, who: Caller, cursor: UUID | None = None, limit: Limit = 100
    ) -> Sessions:
        return Sessions.page(await accounts.sessions_of(tx, account, who, cursor, limit + 1), limit)

    @router.get("/accounts/{account}/story", dependencies=administrators)
    async def story(
        account: str, tx: Tx, who: Caller, cursor: int | None = None, limit: Limit = 100
    ) -> StoryPage:
        told = await accounts.story_of(tx, account, who)
        end = len(told) if cursor is None else max(0, min(cursor, len(told)))
        begin = max(0, end - limit)
        items = tuple(StoryLine.of(event) for event in reversed(told[begin:end]))
        return StoryPage(items=items, next_cursor=begin or None)


def _making(router: APIRouter, issuer: Issuer) -> None:
    @router.post("/accounts", status_code=201, response_model=OneTimePassword, dependencies=administrators)
    async def make(body: MakeAccount, tx: Tx, who: Caller) -> Response:
        password, until = await accounts.make_account(tx, issuer, body, who)
        given = OneTimePassword(account=body.account, one_time_password=password, valid_until=until)
        return _told_once(given, 201)

    @router.put("/accounts/{account}", status_code=204, dependencies=administrators, responses=MUST_MATCH)
    async def put_account(
        account: str, body: PutAccount, tx: Tx, who: Caller, response: Response, if_match: IfMatch = None
    ) -> None:
        version = await accounts.put_account(tx, issuer.passwords, account, body, who, if_match)
        response.headers["ETag"] = f'"{version}"'

    @router.post("/accounts/{account}/reset", response_model=OneTimePassword, dependencies=administrators)
    async def reset(account: str, tx: Tx, who: Caller) -> Response:
        password, until = await accounts.reset_password(tx, issuer, account, who)
        return _told_once(
            OneTimePassword(account=account, one_time_password=password, valid_until=until), 200
        )


def _turning(router: APIRouter) -> None:
    @router.post("/accounts/{account}/disable", status_code=204, dependencies=administrators)
    async def disable(account: str, tx: Tx, who: Caller) -> None:
        await accounts.disable(tx, account, who)

    @router.post("/accounts/{account}/enable", status_code=204, dependencies=administrators)
    async def enable(account: str, tx: Tx, who: Caller) -> None:
        await accounts.enable(tx, account, who)

    @router.post("/accounts/{account}/unlock", status_code=204, dependencies=administrators)
    async def unlock(account: str, tx: Tx, who: Caller) -> None:
        await accounts.unlock(tx, account, who)

    @router.post("/accounts/{account}/turn-codes-off", status_code=204, dependencies=administrators)
    async def turn_codes_off(account: str, tx: Tx, who: Caller) -> None:
        await accounts.turn_codes_off(tx, account, who)

    @router.post("/accounts/{account}/sign-out-everywhere", status_code=204, dependencies=administrators)
    async def sign_out_everywhere(account: str, tx: Tx, who: Caller) -> None:
        await accounts.sign_out_everywhere(tx, account, who)


def _told_once(given: OneTimePassword, status: int) -> Response:
    return Response(given.model_dump_json(), status, NOT_KEPT, "application/json")
