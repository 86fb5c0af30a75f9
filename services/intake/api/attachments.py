"""What requesters attach: sent by themselves with number and code, or by staff for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Form, Path, Query, Request, UploadFile
from fastapi.responses import StreamingResponse

from services.intake.api.edge import NO_STORE, Seals, Store
from services.intake.api.limits import within_limit
from services.intake.commands.changes import Attached
from services.intake.handlers import attachments
from services.intake.handlers.attachments import OWN, Upload, by_requester, by_staff
from services.intake.handlers.permissions import MAY_REGISTER, MAY_SEE, must_see
from services.intake.rules.changes import By
from shared.files import ATTACHMENTS, CHUNK_BYTES
from shared.openapi import sending
from shared.problems import Problem
from shared.routes import Caller, Db, Key, Tx, allow, open_to_everybody, router_for, service_of

router = router_for("intake")
uploads = router_for("intake", one_transaction=False)

FORM_BYTES_MAX = 64 * 1_048_576
"""Of the whole form; the file's own limit is a setting and says so in words."""
PRIVATE = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


@uploads.post(
    "/cases/{case_id}/attachments",
    status_code=201,
    dependencies=[allow(*MAY_REGISTER)],
    max_body_size=FORM_BYTES_MAX,
)
async def attach(
    case_id: UUID,
    request: Request,
    database: Db,
    store: Store,
    who: Caller,
    key: Key,
    file: Annotated[UploadFile, File()],
) -> Attached:
    """For a requester who sent it some other way. The type is read from the content."""
    upload = Upload(by_staff(case_id, who), By(who.actor()), _chunks(file), _bytes_max(request), key)
    return await attachments.attach(database, upload, store)


@uploads.post(
    "/track/{number}/attachments",
    status_code=201,
    dependencies=[open_to_everybody(), Depends(within_limit)],
    max_body_size=FORM_BYTES_MAX,
)
async def attach_own(
    number: Annotated[str, Path(description="as written or said, however grouped")],
    request: Request,
    database: Db,
    store: Store,
    sealer: Seals,
    key: Key,
    file: Annotated[UploadFile, File()],
    code: Annotated[str, Form(min_length=1, max_length=20)],
) -> Attached:
    upload = Upload(by_requester(sealer, number, code), OWN, _chunks(file), _bytes_max(request), key)
    return await attachments.attach(database, upload, store)


@router.get(
    "/attachments/{attachment_id}",
    dependencies=[allow(*MAY_SEE)],
    response_class=StreamingResponse,
    responses=sending(*sorted(ATTACHMENTS)),
)
async def show(attachment_id: UUID, tx: Tx, store: Store, who: Caller) -> StreamingResponse:
    """The copy that people see; the original stays private."""
    case = await attachments.case_of_attachment(tx, attachment_id)
    must_see(who, case, tx.directory)
    media_type, content = await attachments.shown_file(tx, store, case.case_id, attachment_id)
    return StreamingResponse(content, media_type=media_type, headers=PRIVATE)


@uploads.get(
    "/track/{number}/attachments/{attachment_id}",
    dependencies=[open_to_everybody()],
    response_class=StreamingResponse,
    responses=sending(*sorted(ATTACHMENTS)),
)
async def show_own(
    number: Annotated[str, Path(description="as written or said, however grouped")],
    attachment_id: UUID,
    code: Annotated[str, Query(min_length=1, max_length=20)],
    database: Db,
    store: Store,
    sealer: Seals,
) -> StreamingResponse:
    async with database.transaction() as tx:
        found = await by_requester(sealer, number, code)(tx)
    if isinstance(found, Problem):
        raise found
    async with database.transaction() as tx:
        media_type, content = await attachments.shown_file(tx, store, found, attachment_id)
    return StreamingResponse(content, media_type=media_type, headers=PRIVATE | NO_STORE)


def _bytes_max(request: Request) -> int:
    return service_of(request).settings.upload_bytes_max


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk
