"""What the operator is shown while the caller talks: whom to put them through to, likely categories, ready answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from services.intake.api.edge import NO_STORE
from services.intake.commands.triage import Triage
from services.intake.handlers import triage
from services.intake.handlers.permissions import MAY_REGISTER
from shared.routes import Registry, allow, router_for

router = router_for("intake", one_transaction=False)
WORDS_CHARACTERS_MAX = 500


@router.get("/triage", dependencies=[allow(*MAY_REGISTER)])
async def suggest(
    text: Annotated[str, Query(max_length=WORDS_CHARACTERS_MAX)],
    directory: Registry,
    response: Response,
    category_code: Annotated[str | None, Query(max_length=60)] = None,
) -> Triage:
    """Keywords are enough; leave names and numbers out of it."""
    response.headers.update(NO_STORE)
    return triage.suggest(directory, text, category_code)
