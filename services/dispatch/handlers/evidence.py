"""证据: a file is checked, stored, and then becomes part of the story.

Storing and decoding take as long as they take, so they happen between two transactions: a connection held meanwhile
would be missing to the search when many photos come at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch import evidence, metrics
from services.dispatch.handlers.records import agreed, case_of, known_case, record, refuse
from services.dispatch.handlers.work import distance_from
from services.dispatch.queries.photos import keep_likeness, seen_before
from services.dispatch.queries.sealed import case_key, keep_evidence_position
from services.dispatch.rules import entries, work
from services.dispatch.rules.facts import State
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.views import AddedView, part_view
from services.dispatch.rules.work import Doer, ReceivedFile
from shared import idempotency
from shared.database import Database, Transaction
from shared.files import Files
from shared.going import EntryFlag, EntryKind
from shared.idempotency import RequestKey, StoredAnswer
from shared.problems import Problem
from shared.sealing import Sealer


@dataclass(frozen=True)
class Upload:
    """What the phone sent; `taken_at` counts where the camera wrote no time of its own."""

    part_id: UUID
    chunks: AsyncIterator[bytes]
    bytes_max: int
    taken_at: datetime | None = None
    key: RequestKey | None = None


async def add_evidence(
    database: Database, upload: Upload, doer: Doer, *, sealer: Sealer, files: Files
) -> AddedView:
    """Nothing is kept of a file that may not be added, or that was added before under the same key. After any other
    fault the file stays: it may have been committed all the same, and evidence without its file is worse than a file
    without its row."""
    async with database.transaction() as tx:
        case_id = await _case_held(tx, upload.part_id, doer)
    received = await evidence.receive(files, case_id, upload.chunks, bytes_max=upload.bytes_max)
    try:
        async with database.transaction() as tx:
            added = await _once(tx, case_id, upload, received, doer, sealer)
    except Problem:
        await evidence.discard(files, case_id, received.id)
        raise
    if added.evidence_id != received.id:
        await evidence.discard(files, case_id, received.id)
    metrics.EVIDENCE_BYTES.inc(received.size_bytes)
    return added


async def _case_held(tx: Transaction, part_id: UUID, doer: Doer) -> UUID:
    case_id = await case_of(tx, part_id=part_id)
    state = await known_case(tx, case_id)
    if isinstance(refused := work.hold(state, state.part(part_id), doer), Refused):
        refuse(refused)
    return case_id


async def _once(
    tx: Transaction, case_id: UUID, upload: Upload, received: evidence.Received, doer: Doer, sealer: Sealer
) -> AddedView:
    """With the effect, the answer is stored under the request's key; a repetition gets that answer."""
    if upload.key is None:
        return await _add(tx, case_id, upload, received, doer, sealer)
    before = await idempotency.claim(tx, upload.key)
    if before is not None:
        return AddedView.model_validate_json(before.body or b"")
    added = await _add(tx, case_id, upload, received, doer, sealer)
    body = added.model_dump_json().encode()
    await idempotency.keep(tx, upload.key, StoredAnswer(201, {"content-type": "application/json"}, body))
    return added


async def _add(
    tx: Transaction, case_id: UUID, upload: Upload, received: evidence.Received, doer: Doer, sealer: Sealer
) -> AddedView:
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    file = ReceivedFile(
        id=received.id,
        media_type=received.media_type,
        sha256=received.sha256,
        size_bytes=received.size_bytes,
        taken_at=received.taken_at or upload.taken_at,
        distance_m=distance_from(state.case, received.position),
    )
    part = state.part(upload.part_id)
    events = agreed(work.add_evidence(state, part, doer, now, file))
    if events:
        odd = await _odd(tx, state, file, received)
        events += entries.flagged(state, part, doer.person_id, now, file.id, EntryKind.EVIDENCE, odd)
    state = await record(tx, state, events)
    if events and received.likeness is not None:
        await keep_likeness(tx, case_id, file.id, received.likeness)
    if received.position is not None:
        key = await case_key(tx, case_id, sealer)
        await keep_evidence_position(tx, received.id, key, received.position, sealer)
    return AddedView(
        evidence_id=file.id,
        media_type=file.media_type,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        distance_m=file.distance_m,
        part=part_view(state, state.part(upload.part_id)),
    )


async def _odd(
    tx: Transaction, state: State, file: ReceivedFile, received: evidence.Received
) -> tuple[EntryFlag, ...]:
    """Only for the supervisor's eyes. Two photos of one case may well look alike."""
    seen = received.likeness is not None and await seen_before(tx, state.case.id, received.likeness)
    return entries.odd_photo(state.case, taken_at=file.taken_at, distance_m=file.distance_m, seen_before=seen)
