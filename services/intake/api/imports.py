"""Surveys on paper, lists of another system: many cases at once, line by line through the same registration."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import File, Form, Header, Request, UploadFile

from services.intake.api.edge import AtDesk
from services.intake.commands.imports import ImportReport
from services.intake.handlers.permissions import MAY_CHANGE
from services.intake.handlers.reading import read_lines
from services.intake.registration.importing import Importing
from services.intake.rules.places import time_zone_for
from shared.idempotency import HEADER
from shared.routes import Caller, Registry, allow, router_for, service_of

router = router_for("intake", one_transaction=False)

FORM_BYTES_MAX = 12 * 1_048_576

Source = Annotated[str, Form(min_length=1, max_length=100, description="which list it is, once and for all")]
NotUsed = Annotated[str | None, Header(alias=HEADER, description="lines have keys of their own")]


@router.post("/imports", dependencies=[allow(*MAY_CHANGE)], max_body_size=FORM_BYTES_MAX)
async def import_cases(
    request: Request,
    directory: Registry,
    desk: AtDesk,
    who: Caller,
    file: Annotated[UploadFile, File(description="CSV, .xlsx or JSON")],
    source: Source,
    dry_run: Annotated[bool, Form()] = True,
    idempotency_key: NotUsed = None,
) -> ImportReport:
    """Under one `source` a line's `key` makes one case, however often it is sent; a line without a key is known by
    what it says. `dry_run` writes nothing, and is what happens if nobody says otherwise."""
    lines = await asyncio.to_thread(read_lines, file.file, time_zone_for(directory, ()))
    importing = Importing(desk, who, source, service_of(request).digest_secret, dry_run=dry_run)
    return await importing.take(lines)
