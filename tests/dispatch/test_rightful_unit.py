"""退单 names the right unit: one that is there, and another than one's own. Where it is none, nothing is returned."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.events.dispatch import CaseReturned
from shared.service import Service
from tests.dispatch.phones import Phone
from tests.dispatch.world import START, A, Scene


@pytest.mark.parametrize(
    ("named", "status", "code"),
    [
        ("nowhere", 422, "unknown-unit"),
        ("grid-b9", 422, "unknown-unit"),  # closed down a day ago
        ("grid-a1", 409, "same-unit"),
        ("", 422, None),
    ],
)
async def test_a_return_to_nobody_is_refused_and_says_what_to_do(
    service: Service, scene: Scene, named: str, status: int, code: str | None
) -> None:
    units = service.directory.units
    units["grid-b9"] = units["grid-b9"].model_copy(update={"retired_at": START - timedelta(days=1)})
    case = await scene.registered(category="road-damage")
    offer = await scene.offer(case)
    phone = Phone(service, A)
    assert (await phone.post(f"/offers/{offer.id}/accept")).status_code == 200

    refused = await phone.post(
        f"/parts/{offer.part_id}/return", basis="law", rightful_unit_id=named, text="依法归该单位"
    )
    assert refused.status_code == status, refused.text
    if code is not None:
        assert refused.json()["code"] == code
        assert " / " in refused.json()["detail"], "what to do, in both languages"
    assert await scene.events(case, CaseReturned) == []
    right = await phone.post(
        f"/parts/{offer.part_id}/return", basis="law", rightful_unit_id="street", text="依法归街道"
    )
    assert right.json()["return_pending"] is True, "a mistake uses nothing up"
