"""Attachments and evidence."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from shared.files import PHOTOS, Files, sniff
from shared.photos import shown_copy
from shared.problems import Problem


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    store = Files(str(tmp_path / "files"))
    yield store
    store.close()


def a_photo(
    *, offset: str | None = None, gps: bool = True, orientation: int = 1, size: tuple[int, int] = (40, 20)
) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "a phone of 张三"
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = "2026:11:22 02:10:30"
    if offset:
        inner[ExifTags.Base.OffsetTimeOriginal] = offset
    if gps:
        where = exif.get_ifd(ExifTags.IFD.GPSInfo)
        where[ExifTags.GPS.GPSLatitudeRef], where[ExifTags.GPS.GPSLatitude] = "N", (24.0, 48.0, 36.0)
        where[ExifTags.GPS.GPSLongitudeRef], where[ExifTags.GPS.GPSLongitude] = "E", (113.0, 35.0, 24.0)
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def test_a_file_is_stored_as_it_came_and_known_by_its_content(files: Files) -> None:
    photo = a_photo(size=(400, 300))

    stored = await files.put_stream("evidence/1/original", pieces(photo), bytes_max=len(photo))

    assert (stored.media_type, stored.size_bytes) == ("image/jpeg", len(photo))
    assert stored.sha256 == hashlib.sha256(photo).hexdigest()
    assert await files.get("evidence/1/original") == photo


async def test_too_large_is_refused_and_nothing_kept(files: Files, tmp_path: Path) -> None:
    photo = a_photo() + b"\0" * 20_000_000

    with pytest.raises(Problem) as refused:
        await files.put_stream("evidence/1/original", pieces(photo, 100_000), bytes_max=6_000_000)

    assert refused.value.status == 413
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "content", [b"<script>alert(1)</script>", b"MZ\x90", b"", b"%PDF-1.7 but photos only"]
)
async def test_what_only_calls_itself_a_photo_is_refused(files: Files, content: bytes) -> None:
    with pytest.raises(Problem) as refused:
        await files.put_stream("evidence/1/photo.jpg", pieces(content), bytes_max=1000, allowed=PHOTOS)

    assert refused.value.status == 415


async def test_a_file_that_is_gone(files: Files) -> None:
    await files.delete("nothing")

    with pytest.raises(Problem) as refused:
        await files.get("nothing")
    assert refused.value.status == 404


async def test_a_path_cannot_leave_the_store(files: Files, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")

    for path in ("../secret", "a/../../secret"):
        with pytest.raises((ValueError, OSError, Problem)):
            await files.get(path)


async def test_the_shown_copy_is_made_in_another_process_without_what_the_camera_wrote(files: Files) -> None:
    shown = await files.strip_exif(a_photo(offset="+08:00"))

    assert shown.taken_at == datetime(2026, 11, 21, 18, 10, 30, tzinfo=UTC)
    assert [shown.lon, shown.lat] == pytest.approx([113.59, 24.81])
    with Image.open(io.BytesIO(shown.content)) as copy:
        assert dict(copy.getexif()) == {}
        assert "exif" not in copy.info
    assert "张三".encode() not in shown.content


async def test_what_cannot_be_decoded_is_refused(files: Files) -> None:
    with pytest.raises(Problem) as refused:
        await files.strip_exif(a_photo()[:300])
    assert refused.value.status == 422


def test_a_camera_without_a_zone_is_taken_to_be_here() -> None:
    shown = shown_copy(a_photo(gps=False), "Asia/Shanghai")

    assert shown is not None
    assert shown.taken_at == datetime(2026, 11, 21, 18, 10, 30, tzinfo=UTC)
    assert (shown.lon, shown.lat) == (None, None)


def test_a_photo_taken_sideways_is_shown_upright() -> None:
    shown = shown_copy(a_photo(orientation=6), "Asia/Shanghai")

    assert shown is not None
    assert (shown.width_px, shown.height_px) == (20, 40)


def test_a_large_photo_is_shown_smaller() -> None:
    shown = shown_copy(a_photo(size=(4000, 3000)), "Asia/Shanghai")

    assert shown is not None
    assert (shown.width_px, shown.height_px) == (2048, 1536)


def test_a_photo_that_would_fill_the_memory_is_not_decoded() -> None:
    assert shown_copy(_png_that_claims(30_000, 30_000), "Asia/Shanghai") is None


def test_content_decides() -> None:
    assert sniff(a_photo()) == "image/jpeg"
    assert sniff(b"%PDF-1.7") == "application/pdf"
    assert sniff(b"plain words") == "application/octet-stream"


def _png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


async def test_a_photo_that_brings_the_decoding_process_down_spoils_no_other(files: Files) -> None:
    """The pool stayed broken: every photo after it was refused until the service was started again."""
    with pytest.raises(BrokenProcessPool):
        files._decoders.submit(os._exit, 1).result()
    shown = await files.strip_exif(a_photo())
    assert shown.media_type == "image/jpeg"


async def test_a_photo_that_brings_it_down_each_time_is_refused(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.files.shown_copy", _end)
    with pytest.raises(Problem) as refused:
        await files.strip_exif(a_photo())
    assert (refused.value.status, refused.value.code) == (422, "photo-unreadable")


def _end(photo: bytes, time_zone: str) -> None:
    os._exit(1)
