"""The copy of a photo that people see: decoded, turned upright, without what the camera wrote into it.

Runs in a process of its own (files.py), so it imports nothing that process does not need.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

PIXELS_MAX = 60_000_000
SHOWN_EDGE_PX_MAX = 2048
SHOWN_JPEG_QUALITY = 82


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
