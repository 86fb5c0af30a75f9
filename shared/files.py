"""Attachments and evidence: streamed into a store (a folder, or S3 by URL), known by their content, shown without
what a camera writes into them. The original stays private."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import multiprocessing
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import filetype
import obstore
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, MemoryStore, from_url

from shared.photos import ShownPhoto, shown_copy
from shared.problems import Problem, not_found

if TYPE_CHECKING:
    from obstore.store import ObjectStore

log = logging.getLogger(__name__)

PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
ATTACHMENTS = PHOTOS | {"application/pdf", "audio/mpeg", "audio/mp4", "audio/amr", "video/mp4"}

HEAD_BYTES = 8192
CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class StoredFile:
    """`sha256` is of the bytes received."""

    path: str
    media_type: str
    size_bytes: int
    sha256: str


class Files:
    """One service's store. Paths are relative: `evidence/<case id>/<id>/original`."""

    def __init__(self, url: str) -> None:
        self._store = _store(url)
        self._decoders = _decoding_process()

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
        shown = await self._decoded(photo, time_zone)
        if shown is None:
            raise Problem(
                422, "photo-unreadable", "照片无法读取，请重拍 / The photo cannot be read, take it again"
            )
        return shown

    async def _decoded(self, photo: bytes, time_zone: str) -> ShownPhoto | None:
        """A process that a photo brought down takes those that waited behind it along, so each is tried once more."""
        loop = asyncio.get_running_loop()
        for _ in range(2):
            decoders = self._decoders
            try:
                return await loop.run_in_executor(decoders, shown_copy, photo, time_zone)
            except BrokenProcessPool:
                log.warning("the decoding process ended over a photo; it is begun anew")
                if self._decoders is decoders:
                    self._decoders = _decoding_process()
        return None

    def close(self) -> None:
        self._decoders.shutdown(wait=False, cancel_futures=True)


def _decoding_process() -> ProcessPoolExecutor:
    """Decoding is the riskiest and slowest thing done to a stranger's bytes: in a process of its own, one at a time."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


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
