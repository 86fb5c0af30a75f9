"""证据: a file is checked, stored, and then becomes part of the story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from services.dispatch import evidence, metrics
from services.dispatch.handlers.records import agreed, case_of, known_case, record, refuse
from services.dispatch.handlers.work import distance_from
from services.dispatch.queries.sealed import case_key, keep_evidence_position
from services.dispatch.rules import work
from services.dispatch.rules.facts import State
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.work import Doer, ReceivedFile
from shared.database import Transaction
from shared.files import Files
from shared.sealing import Sealer


async def add_evidence(
    tx: Transaction,
    part_id: UUID,
    chunks: AsyncIterator[bytes],
    taken_at: datetime | None,
    doer: Doer,
    *,
    sealer: Sealer,
    files: Files,
    bytes_max: int,
) -> tuple[State, UUID]:
    """Nothing is stored for somebody who does not hold the part, and nothing is locked while the file is stored."""
    case_id = await case_of(tx, part_id=part_id)
    state = await known_case(tx, case_id)
    if isinstance(refused := work.hold(state, state.part(part_id), doer), Refused):
        refuse(refused)
    received = await evidence.receive(files, case_id, chunks, bytes_max=bytes_max)
    try:
        state = await _add(tx, case_id, part_id, received, taken_at, doer, sealer)
    except Exception:
        await evidence.discard(files, case_id, received.id)
        raise
    metrics.EVIDENCE_BYTES.inc(received.size_bytes)
    return state, received.id


async def _add(
    tx: Transaction,
    case_id: UUID,
    part_id: UUID,
    received: evidence.Received,
    taken_at: datetime | None,
    doer: Doer,
    sealer: Sealer,
) -> State:
    now = await tx.lock(case_id)
    state = await known_case(tx, case_id)
    file = ReceivedFile(
        id=received.id,
        media_type=received.media_type,
        sha256=received.sha256,
        size_bytes=received.size_bytes,
        taken_at=received.taken_at or taken_at,
        distance_m=distance_from(state.case, received.position),
    )
    decision = work.add_evidence(state, state.part(part_id), doer, now, file)
    state = await record(tx, state, agreed(decision))
    if received.position is not None:
        key = await case_key(tx, case_id, sealer)
        await keep_evidence_position(tx, received.id, key, received.position, sealer)
    return state
