"""Photos and files: added by whoever holds a part, seen by those who may see the case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import File, Form, Header, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from services.dispatch import evidence as files_of_evidence
from services.dispatch.api.doing import WATCHING, WORKING, Doing, Sealing, Store, must_see
from services.dispatch.handlers.evidence import Upload, add_evidence
from services.dispatch.handlers.records import known_case
from services.dispatch.queries.reads import evidence_case
from services.dispatch.rules.views import AddedView
from services.dispatch.settings import Settings
from shared.files import CHUNK_BYTES
from shared.idempotency import HEADER
from shared.problems import not_found
from shared.routes import Caller, Db, Key, Tx, allow, router_for, service_of

router = router_for("dispatch")
uploads = router_for("dispatch", one_transaction=False)

FORM_BYTES_MAX = 64 * 1_048_576
"""Of the whole form; the file's own limit is a setting and says so in words."""


@uploads.post(
    "/parts/{part_id}/evidence",
    status_code=201,
    dependencies=[allow(*WORKING)],
    max_body_size=FORM_BYTES_MAX,
)
async def add(
    part_id: UUID,
    request: Request,
    database: Db,
    doer: Doing,
    sealer: Sealing,
    store: Store,
    key: Key,
    file: Annotated[UploadFile, File()],
    taken_at: Annotated[AwareDatetime | None, Form()] = None,
    idempotency_key: Annotated[str | None, Header(alias=HEADER)] = None,
) -> AddedView:
    """A photo or file. Its type is read from its content; a photo is shown without what the camera wrote into it."""
    settings = service_of(request).settings
    bytes_max = settings.evidence_bytes_max if isinstance(settings, Settings) else settings.upload_bytes_max
    upload = Upload(part_id, _chunks(file), bytes_max, taken_at, key)
    return await add_evidence(database, upload, doer, sealer=sealer, files=store)


@router.get("/evidence/{evidence_id}", dependencies=[allow(*WORKING, *WATCHING)])
async def show(evidence_id: UUID, tx: Tx, who: Caller, store: Store) -> StreamingResponse:
    """The copy that people see; the original stays private."""
    case_id = await evidence_case(tx, evidence_id)
    if case_id is None:
        raise not_found("没有这份证据 / No such evidence")
    state = await known_case(tx, case_id)
    must_see(who, state, tx.directory)
    media_type = next(one.media_type for one in state.evidence if one.id == evidence_id)
    shown_type, content = files_of_evidence.show(store, case_id, evidence_id, media_type)
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(content, media_type=shown_type, headers=headers)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk
