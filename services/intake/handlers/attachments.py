"""What requesters attach: stored as received and kept private, photos shown as a copy without what the camera wrote
into them. Storing and decoding lie between two transactions, so that no connection is held meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from services.intake.commands.changes import Attached
from services.intake.handlers.changing import known
from services.intake.handlers.permissions import MAY_REGISTER
from services.intake.handlers.refusals import no_such_case, problem_of
from services.intake.handlers.showing import case_of_code
from services.intake.handlers.telling import settle
from services.intake.queries import attachments
from services.intake.rules.attachments import refuse_attachment
from services.intake.rules.changes import By
from services.intake.rules.facts import Case
from shared import idempotency
from shared.database import Database, Transaction
from shared.event import REQUESTER
from shared.events.intake import AttachmentAdded
from shared.files import ATTACHMENTS, PHOTOS, Files, StoredFile
from shared.idempotency import RequestKey, StoredAnswer
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.problems import Problem, not_found
from shared.sealing import Sealer
from shared.vocabulary import Channel

SHOWN_PHOTO_TYPE = "image/jpeg"
FILES_PER_TURN_MAX = 100


@dataclass(frozen=True)
class Upload:
    """What was sent, by whom, and which case it may be added to: `find` says so in a transaction of its own."""

    find: Callable[[Transaction], Awaitable[UUID | Problem]]
    by: By
    chunks: AsyncIterator[bytes]
    bytes_max: int
    key: RequestKey | None = None


def by_staff(case_id: UUID, who: SignedIn) -> Callable[[Transaction], Awaitable[UUID | Problem]]:
    async def find(tx: Transaction) -> UUID | Problem:
        case = await known(tx, case_id)
        if who.person_id not in case.holders:
            who.must(MAY_REGISTER, case.unit_id, tx.directory)
        return case_id

    return find


def by_requester(
    sealer: Sealer, number: str, code: str
) -> Callable[[Transaction], Awaitable[UUID | Problem]]:
    async def find(tx: Transaction) -> UUID | Problem:
        return await case_of_code(tx, sealer, number, code)

    return find


OWN = By(REQUESTER, Channel.WEB)


async def attach(database: Database, upload: Upload, files: Files) -> Attached:
    """Nothing is kept of a file that may not be added, or that was added before under the same key. After any other
    fault the file stays: it may have been committed all the same."""
    async with database.transaction() as tx:
        found = await upload.find(tx)
        if not isinstance(found, Problem):
            _may_be_added(await known(tx, found))
    if isinstance(found, Problem):  # a wrong code, which is counted by now
        raise found
    attachment_id = uuid7()
    stored = await _store(files, found, attachment_id, upload)
    try:
        async with database.transaction() as tx:
            added = await _once(tx, found, attachment_id, stored, upload)
    except Problem:
        await _discard(files, found, attachment_id)
        raise
    if added.attachment_id != attachment_id:
        await _discard(files, found, attachment_id)
    return added


def _may_be_added(case: Case) -> None:
    if refused := refuse_attachment(case):
        raise problem_of(refused)


async def _store(files: Files, case_id: UUID, attachment_id: UUID, upload: Upload) -> StoredFile:
    """413 and 415 by size and content, 422 for a photo nobody could look at."""
    path = original_path(case_id, attachment_id)
    stored = await files.put_stream(path, upload.chunks, bytes_max=upload.bytes_max, allowed=ATTACHMENTS)
    if stored.media_type in PHOTOS:
        try:
            shown = await files.strip_exif(await files.get(path))
        except Exception:
            await files.delete(path)
            raise
        await files.put(shown_path(case_id, attachment_id), shown.content)
    return stored


async def _once(
    tx: Transaction, case_id: UUID, attachment_id: UUID, stored: StoredFile, upload: Upload
) -> Attached:
    """With the effect, the answer is stored under the request's key; a repetition gets that answer."""
    if upload.key is not None:
        before = await idempotency.claim(tx, upload.key)
        if before is not None:
            return Attached.model_validate_json(before.body or b"")
    now = await tx.lock(case_id)
    case = await known(tx, case_id)
    _may_be_added(case)
    event = AttachmentAdded(
        at=now,
        case_id=case_id,
        actor=upload.by.actor,
        channel=upload.by.channel,
        attachment_id=attachment_id,
        media_type=stored.media_type,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
    )
    await settle(tx, case, [event])
    added = Attached(
        attachment_id=attachment_id,
        media_type=stored.media_type,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
    )
    if upload.key is not None:
        body = added.model_dump_json().encode()
        await idempotency.keep(tx, upload.key, StoredAnswer(201, {"content-type": "application/json"}, body))
    return added


async def _discard(files: Files, case_id: UUID, attachment_id: UUID) -> None:
    await files.delete(original_path(case_id, attachment_id))
    await files.delete(shown_path(case_id, attachment_id))


async def shown_file(
    tx: Transaction, files: Files, case_id: UUID, attachment_id: UUID
) -> tuple[str, AsyncIterator[bytes]]:
    """What people see of it, with its media type: of a photo the copy, of anything else the file."""
    case = await known(tx, case_id)
    found = next((one for one in case.attachments if one.id == attachment_id), None)
    if found is None:
        raise not_found("没有这个附件 / There is no such attachment")
    if case.erased_at is not None:
        raise Problem(410, "requester-erased", "诉求人信息已删除 / The requester was erased")
    if found.media_type in PHOTOS:
        return SHOWN_PHOTO_TYPE, files.get_stream(shown_path(case_id, attachment_id))
    return found.media_type, files.get_stream(original_path(case_id, attachment_id))


async def case_of_attachment(tx: Transaction, attachment_id: UUID) -> Case:
    case_id = await attachments.case_of(tx, attachment_id)
    if case_id is None:
        raise no_such_case()
    return await known(tx, case_id)


async def delete_files(database: Database, files: Files) -> int:
    """The files of requesters who were erased: from the store first, then from the list, so that a broken run is
    repeated and loses none."""
    async with database.transaction() as tx:
        paths = await attachments.to_delete(tx, FILES_PER_TURN_MAX)
        for path in paths:
            await files.delete(path)
        await attachments.deleted(tx, paths)
    return len(paths)


def original_path(case_id: UUID, attachment_id: UUID) -> str:
    return f"attachments/{case_id}/{attachment_id}/original"


def shown_path(case_id: UUID, attachment_id: UUID) -> str:
    return f"attachments/{case_id}/{attachment_id}/shown"
