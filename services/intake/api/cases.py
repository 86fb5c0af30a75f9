"""Looking at a case: staff masked or with a purpose, residents by number and code, notify by the internal token."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from services.intake.api.edge import NO_STORE, IfMatch, PublicUrl, Seals
from services.intake.commands.follow_ups import CaseAfter, VerifyCase
from services.intake.commands.showing import (
    CaseShown,
    Contact,
    ContactPurpose,
    Revealed,
    RevealRequester,
)
from services.intake.handlers import follow_up, showing
from services.intake.handlers.permissions import MAY_SEE, MAY_VERIFY
from services.intake.queries.cases import etag_of
from shared.openapi import VERSIONED, refusing
from shared.routes import Caller, Db, Tx, allow, internal_only, router_for

router = router_for("intake")
own_transactions = router_for("intake", one_transaction=False)


@router.get("/cases/{case_id}", dependencies=[allow(*MAY_SEE)], responses=VERSIONED)
async def case(case_id: UUID, response: Response, tx: Tx, sealer: Seals, who: Caller) -> CaseShown:
    shown = await showing.show_case(tx, sealer, case_id, who)
    response.headers["ETag"] = await etag_of(tx, case_id)
    return shown


@router.post("/cases/{case_id}/reveal", dependencies=[allow(*MAY_SEE)])
async def reveal(
    case_id: UUID, body: RevealRequester, response: Response, tx: Tx, sealer: Seals, who: Caller
) -> Revealed:
    response.headers.update(NO_STORE)
    return await showing.reveal(tx, sealer, case_id, body.purpose, who)


@router.post("/cases/{case_id}/verification", dependencies=[allow(*MAY_VERIFY)], responses=VERSIONED)
async def verify(
    case_id: UUID,
    body: VerifyCase,
    response: Response,
    tx: Tx,
    sealer: Seals,
    who: Caller,
    if_match: IfMatch = None,
) -> CaseAfter:
    after = await follow_up.verify_case(tx, sealer, case_id, body, who, if_match)
    response.headers["ETag"] = await etag_of(tx, case_id)
    return after


@own_transactions.get("/internal/contacts/{case_id}", dependencies=[internal_only()], responses=refusing(409))
async def contact(
    case_id: UUID,
    purpose: ContactPurpose,
    response: Response,
    database: Db,
    sealer: Seals,
    public_url: PublicUrl,
) -> Contact:
    """Opens its own transaction: although it reads, who asked and why is journalled."""
    async with database.transaction() as tx:
        found = await showing.contact(tx, sealer, case_id, purpose, public_url)
    response.headers.update(NO_STORE)
    return found
