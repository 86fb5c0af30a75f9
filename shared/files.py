"""Attachments and evidence: streamed into a store (a folder, or S3 by URL), known by their content, shown without
what a camera writes into them. The original stays private."""

from __future__ import annotations

import asyncio
import hashlib
import io
import multiprocessing
import warnings
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import filetype
import obstore
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, MemoryStore, from_url
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from shared.problems import Problem, not_found

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
ATTACHMENTS = PHOTOS | {"application/pdf", "audio/mpeg", "audio/mp4", "audio/amr", "video/mp4"}

HEAD_BYTES = 8192
CHUNK_BYTES = 65_536
PIXELS_MAX = 60_000_000
SHOWN_EDGE_PX_MAX = 2048
SHOWN_JPEG_QUALITY = 82


@dataclass(frozen=True)
class StoredFile:
    """`sha256` is of the bytes received."""

    path: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class ShownPhoto:
    """The copy that people see, and what the camera had written: `taken_at` (UTC) and the position (WGS-84)."""

    content: bytes
    media_type: str
    width_px: int
    height_px: int
    taken_at: datetime | None
    lon: float | None
    lat: float | None


class Files:
    """One service's store. Paths are relative: `evidence/<case id>/<id>/original`."""

    def __init__(self, url: str) -> None:
        self._store = _store(url)
        # Decoding is the riskiest and slowest thing done to a stranger's bytes: in a process of its own, one at a time.
        self._decoders = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    async def put_stream(
        self,
        path: str,
        chunks: AsyncIterator[bytes],
        *,
        bytes_max: int,
        allowed: frozenset[str] = ATTACHMENTS,
    ) -> StoredFile:
        """Store as it comes. 413 above `bytes_max`, 415 for content that is not allowed; nothing is kept then."""
        head, rest = await _head(chunks)
        media_type = sniff(head)
        if media_type not in allowed:
            raise unsupported(allowed)
        measured = _Measured(head, rest, bytes_max)
        await obstore.put_async(self._store, path, measured.chunks(), max_concurrency=1)
        return StoredFile(path, media_type, measured.size_bytes, measured.sha256.hexdigest())

    async def put(self, path: str, content: bytes) -> None:
        await obstore.put_async(self._store, path, content)

    async def get(self, path: str) -> bytes:
        """All of it; only for what is known to be small."""
        return b"".join([chunk async for chunk in self.get_stream(path)])

    async def get_stream(self, path: str) -> AsyncIterator[bytes]:
        try:
            found = await obstore.get_async(self._store, path)
        except (NotFoundError, FileNotFoundError):
            raise not_found("没有这个文件 / No such file") from None
        async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
            yield bytes(chunk)

    async def delete(self, path: str) -> None:
        """Nothing happens if there is no such file."""
        try:
            await obstore.delete_async(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return

    async def strip_exif(self, photo: bytes, *, time_zone: str = "Asia/Shanghai") -> ShownPhoto:
        """A copy to show: turned upright, at most 2048 px long, without metadata. `time_zone` is the camera's if it
        wrote none. Refuses with 422 what cannot be decoded."""
        loop = asyncio.get_running_loop()
        shown = await loop.run_in_executor(self._decoders, shown_copy, photo, time_zone)
        if shown is None:
            raise Problem(
                422, "photo-unreadable", "照片无法读取，请重拍 / The photo cannot be read, take it again"
            )
        return shown

    def close(self) -> None:
        self._decoders.shutdown(wait=False, cancel_futures=True)


def _store(url: str) -> ObjectStore:
    if url.startswith("memory:"):
        return MemoryStore()
    if url.startswith("s3:"):
        return from_url(url)
    folder = Path(url.removeprefix("file://"))
    folder.mkdir(parents=True, exist_ok=True)
    return LocalStore(folder)


class _Measured:
    """Counts and hashes what passes; the store drops what was written when the limit is passed."""

    def __init__(self, head: bytes, rest: AsyncIterator[bytes], bytes_max: int) -> None:
        self.head, self.rest, self.bytes_max = head, rest, bytes_max
        self.size_bytes = 0
        self.sha256 = hashlib.sha256()

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._counted(self.head)
        async for chunk in self.rest:
            yield self._counted(chunk)

    def _counted(self, chunk: bytes) -> bytes:
        self.size_bytes += len(chunk)
        if self.size_bytes > self.bytes_max:
            raise too_large(self.bytes_max)
        self.sha256.update(chunk)
        return chunk


async def _head(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return head, chunks


def too_large(bytes_max: int) -> Problem:
    title = f"文件太大，最多 {bytes_max // 1_048_576} MB / Too large, {bytes_max // 1_048_576} MB at most"
    return Problem(413, "too-large", title, bytes_max=bytes_max)


def unsupported(allowed: frozenset[str]) -> Problem:
    return Problem(
        415,
        "unsupported-media-type",
        "不支持的文件类型 / This kind of file is not taken",
        allowed=sorted(allowed),
    )


def sniff(head: bytes) -> str:
    """The media type by the first bytes; names and headers lie. `application/octet-stream` if unknown."""
    return filetype.guess_mime(head) or "application/octet-stream"


# ── in the decoding process ───────────────────────────────────────────────────────────────────────────────────────


def shown_copy(photo: bytes, time_zone: str) -> ShownPhoto | None:
    """None if it cannot be decoded, or would fill the memory when decoded."""
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(photo), formats=["JPEG", "PNG", "WEBP"]) as image:
                exif = image.getexif()
                upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as _:
        return None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    upright.thumbnail((SHOWN_EDGE_PX_MAX, SHOWN_EDGE_PX_MAX))
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=SHOWN_JPEG_QUALITY, optimize=True)
    lon, lat = _position(exif)
    return ShownPhoto(out.getvalue(), "image/jpeg", *clean.size, _taken_at(exif, time_zone), lon, lat)


def _taken_at(exif: Image.Exif, time_zone: str) -> datetime | None:
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    written = inner.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    offset = inner.get(ExifTags.Base.OffsetTimeOriginal)
    try:
        if offset:
            return datetime.strptime(f"{written}{offset}", "%Y:%m:%d %H:%M:%S%z").astimezone(UTC)
        local = datetime.strptime(str(written), "%Y:%m:%d %H:%M:%S").replace(tzinfo=ZoneInfo(time_zone))
        return local.astimezone(UTC)
    except (ValueError, TypeError):
        return None


def _position(exif: Image.Exif) -> tuple[float | None, float | None]:
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    try:
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude]) * (-1 if gps[ExifTags.GPS.GPSLatitudeRef] == "S" else 1)
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude]) * (
            -1 if gps[ExifTags.GPS.GPSLongitudeRef] == "W" else 1
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None, None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else (None, None)


def _degrees(parts: tuple[float, float, float]) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600
