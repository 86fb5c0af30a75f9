"""For people who ask for their own data: the data protection officer copies it, or has it erased."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from services.intake.api.edge import NO_STORE, Seals
from services.intake.commands.personal import Erased, PersonAsked, PersonsCase, PersonsData
from services.intake.handlers import erasing, exporting
from services.intake.handlers.permissions import MAY_ERASE, MAY_EXPORT
from shared.routes import Caller, Tx, allow, router_for

router = router_for("intake")


@router.post("/personal-data/export", dependencies=[allow(*MAY_EXPORT)])
async def export_person(
    body: PersonAsked, response: Response, tx: Tx, sealer: Seals, who: Caller
) -> PersonsData:
    """Everything about one phone number, in clear; journalled in every case it shows."""
    response.headers.update(NO_STORE)
    return await exporting.export_person(tx, sealer, body, who)


@router.post("/personal-data/erasure", dependencies=[allow(*MAY_ERASE)])
async def erase_person(body: PersonAsked, tx: Tx, sealer: Seals, who: Caller) -> Erased:
    """Of every closed case of one phone number. Figures stay."""
    return await erasing.erase_person(tx, sealer, body, who)


@router.post("/cases/{case_id}/export", dependencies=[allow(*MAY_EXPORT)])
async def export_case(case_id: UUID, response: Response, tx: Tx, sealer: Seals, who: Caller) -> PersonsCase:
    """Of one case, also where no phone leads to it: a walk-in by name, or for whom somebody else asked."""
    response.headers.update(NO_STORE)
    return await exporting.export_case(tx, sealer, case_id, who)


@router.post("/cases/{case_id}/erasure", dependencies=[allow(*MAY_ERASE)])
async def erase_case(case_id: UUID, tx: Tx, who: Caller) -> Erased:
    """Of one case, also where no phone leads to it."""
    return await erasing.erase_case(tx, case_id, who)
