"""What is the same thing: looked for while the caller talks, joined, and parted again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.intake.api.edge import IfMatch, Seals
from services.intake.commands.changes import Family, MergeCase
from services.intake.commands.duplicates import Candidates, LookForDuplicates
from services.intake.handlers import merging
from services.intake.handlers.permissions import MAY_CHANGE, MAY_REGISTER, MAY_SEE
from services.intake.queries.cases import etag_of
from shared.openapi import VERSIONED
from shared.routes import Caller, Tx, allow, router_for

router = router_for("intake")


@router.post("/duplicates", dependencies=[allow(*MAY_REGISTER)])
async def look(body: LookForDuplicates, tx: Tx, sealer: Seals, who: Caller) -> Candidates:
    """A POST because what the caller says must not stand in an address; it changes nothing."""
    return await merging.look(tx, sealer, body, who)


@router.get("/cases/{case_id}/duplicates", dependencies=[allow(*MAY_SEE)])
async def look_again(case_id: UUID, tx: Tx, who: Caller) -> Candidates:
    """The likeliest first, 20 at most: nobody reads more of them."""
    return await merging.look_again(tx, case_id, who)


@router.get("/cases/{case_id}/family", dependencies=[allow(*MAY_SEE)])
async def family(
    case_id: UUID,
    tx: Tx,
    who: Caller,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=merging.CHILDREN_SHOWN_MAX)] = merging.CHILDREN_SHOWN_MAX,
) -> Family:
    return await merging.show_family(tx, case_id, who, cursor, limit)


@router.post("/cases/{case_id}/merge", dependencies=[allow(*MAY_CHANGE)], responses=VERSIONED)
async def merge(
    case_id: UUID, body: MergeCase, response: Response, tx: Tx, who: Caller, if_match: IfMatch = None
) -> Family:
    """The earlier of the two becomes the parent, whichever is named first. The version is that of `case_id`."""
    family = await merging.merge_case(tx, case_id, body, who, if_match)
    response.headers["ETag"] = await etag_of(tx, case_id)
    return family


@router.post("/cases/{case_id}/unmerge", dependencies=[allow(*MAY_CHANGE)], responses=VERSIONED)
async def unmerge(case_id: UUID, response: Response, tx: Tx, who: Caller, if_match: IfMatch = None) -> Family:
    family = await merging.unmerge_case(tx, case_id, who, if_match)
    response.headers["ETag"] = await etag_of(tx, case_id)
    return family
