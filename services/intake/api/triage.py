"""What the operator is shown while the caller talks: whom to put them through to, likely categories, ready answers."""

from __future__ import annotations

from fastapi import Response

from services.intake.api.edge import NO_STORE
from services.intake.commands.triage import AskTriage, Triage
from services.intake.handlers import triage
from services.intake.handlers.permissions import MAY_REGISTER
from shared.routes import Registry, allow, router_for

router = router_for("intake", one_transaction=False)


@router.post("/triage", dependencies=[allow(*MAY_REGISTER)])
async def suggest(body: AskTriage, directory: Registry, response: Response) -> Triage:
    """A POST because what the caller says must not stand in an address; it changes nothing and keeps nothing."""
    response.headers.update(NO_STORE)
    return triage.suggest(directory, body.text, body.category_code)
