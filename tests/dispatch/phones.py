"""People with a phone or a desk, as the routes of a running service see them, and what their cameras write."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from PIL import ExifTags, Image

from shared.ids import uuid7
from shared.service import Service
from shared.vocabulary import Role
from tests.dispatch.world import START
from tests.people import an_issuer


class Phone:
    """One person's phone."""

    def __init__(
        self, service: Service, person_id: str, role: Role = Role.GRID_WORKER, unit: str = "grid-a1"
    ) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(service.app),
            base_url="http://dispatch/api/dispatch",
            headers=an_issuer().headers(person_id, (role, unit)),
        )

    async def get(self, path: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self._client.get(path, headers=headers)

    async def post(self, path: str, *, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        return await self._client.post(path, json=body, headers=headers)

    async def photograph(
        self, part_id: Any, photo: bytes, name: str = "a.jpg", taken_at: str | None = None, **headers: str
    ) -> httpx.Response:
        return await self._client.post(
            f"/parts/{part_id}/evidence",
            files={"file": (name, photo, "text/plain")},
            data={} if taken_at is None else {"taken_at": taken_at},
            headers=headers,
        )


def names_the_place(text: str) -> bool:
    """Whether 102.765, 25.123 stand in it; `18:03:25.123` is a time of day."""
    return re.search(r"(?<![\d:])(102\.765|25\.123)", text) is not None


def a_photo(lon: float, lat: float) -> bytes:
    """What a phone's camera writes: a picture with a time and a position."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:03:02 02:20:00"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (int(lat), (lat - int(lat)) * 60, 0.0),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (int(lon), (lon - int(lon)) * 60, 0.0),
        }
    )
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "JPEG", exif=exif)
    return out.getvalue()


def queued(kind: str, seconds: float, part_id: UUID | None, **body: Any) -> dict[str, Any]:
    at = (START + timedelta(seconds=seconds)).isoformat()
    offer_id = body.pop("offer_id", None)
    named = {"part_id": str(part_id)} if part_id else {"offer_id": offer_id}
    return {"id": str(uuid7()), "type": kind, "at": at, **named, "body": body}
