"""The files of evidence: stored as received and kept private; photos are shown as a copy without what the camera
wrote into them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.files import ATTACHMENTS, PHOTOS, Files
from shared.ids import uuid7
from shared.things import Point

SHOWN_PHOTO_TYPE = "image/jpeg"


@dataclass(frozen=True)
class Received:
    """A stored file and what the camera said; `position` is only kept sealed. `likeness` is what a photo looks like,
    in 64 bits."""

    id: UUID
    media_type: str
    sha256: str
    size_bytes: int
    taken_at: datetime | None
    position: Point | None
    likeness: int | None = None


async def receive(files: Files, case_id: UUID, chunks: AsyncIterator[bytes], *, bytes_max: int) -> Received:
    """Store the file as it comes; 413 and 415 by size and content, 422 for a photo nobody could look at."""
    evidence_id = uuid7()
    stored = await files.put_stream(
        original_path(case_id, evidence_id), chunks, bytes_max=bytes_max, allowed=ATTACHMENTS
    )
    taken_at, position, likeness = None, None, None
    if stored.media_type in PHOTOS:
        try:
            shown = await files.strip_exif(await files.get(stored.path))
        except Exception:
            await files.delete(stored.path)
            raise
        await files.put(shown_path(case_id, evidence_id), shown.content)
        await files.put(thumbnail_path(case_id, evidence_id), shown.thumbnail)
        taken_at, likeness = shown.taken_at, shown.likeness
        if shown.lon is not None and shown.lat is not None:
            position = Point(lon=shown.lon, lat=shown.lat)
    return Received(
        evidence_id, stored.media_type, stored.sha256, stored.size_bytes, taken_at, position, likeness
    )


async def discard(files: Files, case_id: UUID, evidence_id: UUID) -> None:
    """Take a file back that nobody may add."""
    await files.delete(original_path(case_id, evidence_id))
    await files.delete(shown_path(case_id, evidence_id))
    await files.delete(thumbnail_path(case_id, evidence_id))


def show(files: Files, case_id: UUID, evidence_id: UUID, media_type: str) -> tuple[str, AsyncIterator[bytes]]:
    """What people see of it, with its media type: of a photo the copy, of anything else the file."""
    if media_type in PHOTOS:
        return SHOWN_PHOTO_TYPE, files.get_stream(shown_path(case_id, evidence_id))
    return media_type, files.get_stream(original_path(case_id, evidence_id))


def show_small(files: Files, case_id: UUID, evidence_id: UUID) -> tuple[str, AsyncIterator[bytes]]:
    """A photo's thumbnail, made when it came."""
    return SHOWN_PHOTO_TYPE, files.get_stream(thumbnail_path(case_id, evidence_id))


def original_path(case_id: UUID, evidence_id: UUID) -> str:
    return f"evidence/{case_id}/{evidence_id}/original"


def shown_path(case_id: UUID, evidence_id: UUID) -> str:
    return f"evidence/{case_id}/{evidence_id}/shown"


def thumbnail_path(case_id: UUID, evidence_id: UUID) -> str:
    return f"evidence/{case_id}/{evidence_id}/thumbnail"
