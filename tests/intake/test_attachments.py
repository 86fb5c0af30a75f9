"""What requesters attach: sent with number and code or by staff, shown without what a camera writes, gone when the
requester is erased."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.demo.workers import a_photo
from services.intake.handlers.attachments import delete_files, original_path, shown_path
from services.intake.rules.attachments import ATTACHMENTS_PER_CASE_MAX
from services.intake.rules.cases import fold
from shared.database import Database
from shared.events.intake import AttachmentAdded
from shared.service import Service
from shared.vocabulary import Role
from tests.intake.test_changes import own, registered
from tests.intake.test_following import case_of
from tests.intake.world import OPERATOR, WORKER, Others, count, headers, hear, journal_of

PDF = b"%PDF-1.4\n" + b"x" * 300


def photo(seed: int = 1) -> dict[str, Any]:
    return {"file": ("photo.jpg", a_photo(seed), "image/jpeg")}


async def attach_own(
    client: httpx.AsyncClient, case: dict[str, Any], file: dict[str, Any], **more: str
) -> httpx.Response:
    return await client.post(
        f"/track/{case['number']}/attachments",
        files=file,
        data={"code": case["pickup_code"]},
        headers=more,
    )


async def test_a_photo_is_attached_with_number_and_code_and_shown_as_a_copy(
    client: httpx.AsyncClient, database: Database
) -> None:
    case = await registered(client)
    added = await attach_own(client, case, photo())
    assert added.status_code == 201, added.text
    attachment_id = added.json()["attachment_id"]
    story = await journal_of(database, UUID(case["case_id"]))
    [event] = [event for event in story if isinstance(event, AttachmentAdded)]
    assert (str(event.attachment_id), event.media_type) == (attachment_id, "image/jpeg")
    assert fold(story) == await case_of(database, UUID(case["case_id"]))
    shown = await client.get(
        f"/track/{case['number']}/attachments/{attachment_id}", params={"code": case["pickup_code"]}
    )
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.content != a_photo(1)
    assert b"Exif" not in shown.content
    by_staff = await client.get(f"/attachments/{attachment_id}", headers=headers(*OPERATOR))
    assert by_staff.content == shown.content
    page = await client.get(f"/track/{case['number']}", params={"code": case["pickup_code"]})
    assert [one["id"] for one in page.json()["attachments"]] == [attachment_id]


async def test_a_file_sent_twice_under_one_key_is_one(client: httpx.AsyncClient, database: Database) -> None:
    case = await registered(client)
    twice = [await attach_own(client, case, photo(), **{"Idempotency-Key": "tap"}) for _ in range(2)]
    assert twice[0].json() == twice[1].json()
    assert await count(database, "attachments") == 1


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"#!/bin/sh\n", 415, "unsupported-media-type"), (b"\xff\xd8\xff\xe0 broken", 422, "photo-unreadable")],
)
async def test_what_is_no_photo_and_no_document_is_refused(
    client: httpx.AsyncClient, database: Database, tmp_path: Path, content: bytes, status: int, code: str
) -> None:
    case = await registered(client)
    refused = await attach_own(client, case, {"file": ("a.jpg", content, "image/jpeg")})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await count(database, "attachments") == 0
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


async def test_a_file_has_a_size(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(service.settings.__dict__, "upload_bytes_max", 100)
    refused = await attach_own(client, await registered(client), {"file": ("a.pdf", PDF, "application/pdf")})
    assert refused.status_code == 413


async def test_a_case_takes_so_many(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    file = {"file": ("a.pdf", PDF, "application/pdf")}
    statuses = [
        (await attach_own(client, case, file)).status_code for _ in range(ATTACHMENTS_PER_CASE_MAX + 1)
    ]
    assert statuses == [201] * ATTACHMENTS_PER_CASE_MAX + [409]


async def test_a_closed_case_takes_none(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    await own(client, case, "withdraw")
    assert (await attach_own(client, case, photo())).json()["code"] == "case-ended"


async def test_a_wrong_code_attaches_and_shows_nothing(client: httpx.AsyncClient) -> None:
    case = await registered(client)
    attachment_id = (await attach_own(client, case, photo())).json()["attachment_id"]
    wrong = case | {"pickup_code": "000"}
    assert (await attach_own(client, wrong, photo())).json()["code"] == "not-tracked"
    other = await registered(client)
    for number, code in ((case["number"], "000"), (other["number"], other["pickup_code"])):
        shown = await client.get(f"/track/{number}/attachments/{attachment_id}", params={"code": code})
        assert shown.status_code == 404


@pytest.mark.parametrize(
    ("person", "adds", "sees"),
    [
        (OPERATOR, 201, 200),
        ((WORKER, Role.GRID_WORKER, "grid-b1"), 201, 200),
        (("p-grid-a1-b", Role.GRID_WORKER, "grid-a1"), 201, 200),
        (("p-grid-a2-a", Role.GRID_WORKER, "grid-a2"), 403, 403),
        (("p-caller-1", Role.FOLLOW_UP_CALLER, "street"), 403, 200),
        (("p-reader-1", Role.READER, "civil-affairs"), 403, 403),
    ],
)
async def test_who_may_attach_and_look(
    client: httpx.AsyncClient, database: Database, person: tuple[str, Role, str], adds: int, sees: int
) -> None:
    case = await registered(client)
    await hear(database, Others(UUID(case["case_id"])).accepted(WORKER))
    there = (await attach_own(client, case, photo())).json()["attachment_id"]
    assert (await client.get(f"/attachments/{there}", headers=headers(*person))).status_code == sees
    added = await client.post(
        f"/cases/{case['case_id']}/attachments", files=photo(2), headers=headers(*person)
    )
    assert added.status_code == adds, added.text


async def test_the_files_go_with_the_requester(
    client: httpx.AsyncClient, database: Database, service: Service, tmp_path: Path
) -> None:
    case = await registered(client)
    added = UUID((await attach_own(client, case, photo())).json()["attachment_id"])
    case_id = UUID(case["case_id"])
    paths = [
        tmp_path / "files" / path for path in (original_path(case_id, added), shown_path(case_id, added))
    ]
    assert all(path.is_file() for path in paths)
    await own(client, case, "withdraw")
    officer = headers("p-protection-1", Role.DATA_PROTECTION_OFFICER, "civil-affairs")
    erased = await client.post(f"/cases/{case_id}/erasure", headers=officer)
    assert erased.status_code == 200, erased.text
    assert await delete_files(database, service.files) == 2
    assert await delete_files(database, service.files) == 0
    assert not any(path.exists() for path in paths)
    gone = await client.get(f"/attachments/{added}", headers=headers(*OPERATOR))
    assert gone.status_code == 410
