"""Photos and files: added by whoever holds a part, seen by those who may see the case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import File, Form, Header, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator

from services.dispatch import evidence as files_of_evidence
from services.dispatch.api.doing import WATCHING, WORKING, Doing, Sealing, Store, must_see, settings_of
from services.dispatch.commands import Moment
from services.dispatch.handlers.evidence import Upload, add_evidence
from services.dispatch.handlers.records import known_case
from services.dispatch.queries.photos import has_thumbnail
from services.dispatch.queries.reads import evidence_case
from services.dispatch.rules.views import AddedView
from shared.database import Transaction
from shared.files import ATTACHMENTS, CHUNK_BYTES, PHOTOS
from shared.idempotency import HEADER
from shared.identity import SignedIn
from shared.openapi import sending
from shared.problems import not_found
from shared.routes import Caller, Db, Key, Tx, allow, router_for

router = router_for("dispatch")
uploads = router_for("dispatch", one_transaction=False)


def _left_empty(given: object) -> object:
    """A form sends a field nobody filled in; it is as good as none."""
    return None if isinstance(given, str) and not given.strip() else given


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
    taken_at: Annotated[Moment | None, BeforeValidator(_left_empty), Form()] = None,
    idempotency_key: Annotated[str | None, Header(alias=HEADER)] = None,
) -> AddedView:
    """A photo or file. Its type is read from its content; a photo is shown without what the camera wrote into it."""
    upload = Upload(part_id, _chunks(file), settings_of(request).evidence_bytes_max, taken_at, key)
    return await add_evidence(database, upload, doer, sealer=sealer, files=store)


@router.get(
    "/evidence/{evidence_id}",
    dependencies=[allow(*WORKING, *WATCHING)],
    response_class=StreamingResponse,
    responses=sending(*sorted(ATTACHMENTS)),
)
async def show(evidence_id: UUID, tx: Tx, who: Caller, store: Store) -> StreamingResponse:
    """The copy that people see; the original stays private."""
    case_id, media_type = await _seen(evidence_id, tx, who)
    return _stream(*files_of_evidence.show(store, case_id, evidence_id, media_type))


@router.get(
    "/evidence/{evidence_id}/thumbnail",
    dependencies=[allow(*WORKING, *WATCHING)],
    response_class=StreamingResponse,
    responses=sending(*sorted(PHOTOS)),
)
async def thumbnail(evidence_id: UUID, tx: Tx, who: Caller, store: Store) -> StreamingResponse:
    """A photo's small copy for lists, 320 px at most; of an older photo the copy that is shown."""
    case_id, media_type = await _seen(evidence_id, tx, who)
    if media_type not in PHOTOS:
        raise not_found("只有照片有缩略图 / Only photos have a thumbnail")
    if not await has_thumbnail(tx, evidence_id):
        return _stream(*files_of_evidence.show(store, case_id, evidence_id, media_type))
    return _stream(*files_of_evidence.show_small(store, case_id, evidence_id))


async def _seen(evidence_id: UUID, tx: Transaction, who: SignedIn) -> tuple[UUID, str]:
    """Which case it is of, and what it is; 403 for who may not see the case."""
    case_id = await evidence_case(tx, evidence_id)
    if case_id is None:
        raise not_found("没有这份证据 / No such evidence")
    state = await known_case(tx, case_id)
    must_see(who, state, tx.directory)
    return case_id, next(one.media_type for one in state.evidence if one.id == evidence_id)


def _stream(media_type: str, content: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(content, media_type=media_type, headers=headers)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk
