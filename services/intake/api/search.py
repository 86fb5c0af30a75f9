"""Finding cases again. Words, addresses and phone numbers stand in no address bar and no log: they are searched by a
POST, a phone number with a purpose."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from services.intake.api.edge import NO_STORE, Seals
from services.intake.commands.search import CasesFound, ListCases, SearchByPhone, SearchCases
from services.intake.handlers import searching
from services.intake.handlers.permissions import MAY_SEARCH
from shared.routes import Caller, Tx, allow, router_for

router = router_for("intake")


@router.get("/cases", dependencies=[allow(*MAY_SEARCH)])
async def list_cases(
    asked: Annotated[ListCases, Query()], response: Response, tx: Tx, sealer: Seals, who: Caller
) -> CasesFound:
    """Newest first, of the caller's units."""
    response.headers.update(NO_STORE)
    return await searching.search_cases(tx, sealer, SearchCases(**dict(asked)), who)


@router.post("/cases/search", dependencies=[allow(*MAY_SEARCH)])
async def search_cases(
    body: SearchCases, response: Response, tx: Tx, sealer: Seals, who: Caller
) -> CasesFound:
    """The same, also by address and by words; it changes nothing."""
    response.headers.update(NO_STORE)
    return await searching.search_cases(tx, sealer, body, who)


@router.post("/cases/by-phone", dependencies=[allow(*MAY_SEARCH)])
async def search_by_phone(
    body: SearchByPhone, response: Response, tx: Tx, sealer: Seals, who: Caller
) -> CasesFound:
    """Who looked, and why, is journalled."""
    response.headers.update(NO_STORE)
    return await searching.search_by_phone(tx, sealer, body, who)
