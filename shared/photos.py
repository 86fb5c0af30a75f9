"""The copy of a photo that people see: decoded, turned upright, without what the camera wrote into it.

Runs in a process of its own (files.py), so it imports nothing that process does not need.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import cos, pi
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

PIXELS_MAX = 60_000_000
SHOWN_EDGE_PX_MAX = 2048
SHOWN_JPEG_QUALITY = 82
THUMBNAIL_EDGE_PX_MAX = 320
THUMBNAIL_JPEG_QUALITY = 75

LIKENESS_EDGE_PX, LIKENESS_WAVES = 32, 8
"""A likeness is LIKENESS_WAVES squared bits."""
_WAVES = [
    [cos((2 * place + 1) * wave * pi / (2 * LIKENESS_EDGE_PX)) for place in range(LIKENESS_EDGE_PX)]
    for wave in range(1, LIKENESS_WAVES + 1)
]


@dataclass(frozen=True)
class ShownPhoto:
    """The copy that people see, a small one for lists, and what the camera had written: `taken_at` (UTC) and the
    position (WGS-84). `likeness` is 64 bits that stay nearly the same when a photo is resized or compressed anew."""

    content: bytes
    media_type: str
    width_px: int
    height_px: int
    taken_at: datetime | None
    lon: float | None
    lat: float | None
    thumbnail: bytes
    likeness: int


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
    content = _jpeg(clean, SHOWN_JPEG_QUALITY)
    lon, lat = _position(exif)
    small = clean.copy()
    small.thumbnail((THUMBNAIL_EDGE_PX_MAX, THUMBNAIL_EDGE_PX_MAX))
    return ShownPhoto(
        content=content,
        media_type="image/jpeg",
        width_px=clean.width,
        height_px=clean.height,
        taken_at=_taken_at(exif, time_zone),
        lon=lon,
        lat=lat,
        thumbnail=_jpeg(small, THUMBNAIL_JPEG_QUALITY),
        likeness=likeness(clean),
    )


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def likeness(image: Image.Image) -> int:
    """The signs of the photo's slowest waves (a cosine transform of 32 by 32 grey points) against their median.

    Our own few lines, because the usual library (imagehash) brings scipy and wavelets along for them."""
    edge = LIKENESS_EDGE_PX
    grey = image.convert("L").resize((edge, edge), Image.Resampling.LANCZOS).tobytes()
    rows = [grey[start : start + edge] for start in range(0, edge * edge, edge)]
    across = [[_share(wave, row) for wave in _WAVES] for row in rows]
    waves = [_share(wave, column) for column in zip(*across, strict=True) for wave in _WAVES]
    middle = sorted(waves)[len(waves) // 2]
    return sum((strength > middle) << place for place, strength in enumerate(waves))


def _share(wave: Sequence[float], of: Sequence[float]) -> float:
    return sum(height * grey for height, grey in zip(wave, of, strict=True))


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
