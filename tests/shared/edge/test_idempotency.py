"""A command may be repeated: the answer is stored with the effect."""

from __future__ import annotations

import asyncio
import hashlib
import hmac

import httpx
import pytest

from shared.idempotency import forget_old
from shared.keys import new_secret
from shared.service import Service
from shared.vocabulary import Role
from tests.people import an_issuer

KEY = {"Idempotency-Key": "01J-key"}
WORKER = (Role.GRID_WORKER, "grid-1")


async def test_the_same_key_again_gets_the_stored_answer(client: httpx.AsyncClient) -> None:
    first = await client.post("/api/small/wishes", json={"text": "a bench"}, headers=KEY)
    again = await client.post("/api/small/wishes", json={"text": "a bench"}, headers=KEY)

    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, b'{"id":1}')
    assert again.headers["location"] == first.headers["location"] == "/api/small/wishes/1"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (await client.get("/api/small/wishes")).json() == ["a bench"]


async def test_the_same_key_with_another_body_is_refused(client: httpx.AsyncClient) -> None:
    await client.post("/api/small/wishes", json={"text": "a bench"}, headers=KEY)
    other = await client.post("/api/small/wishes", json={"text": "a lamp"}, headers=KEY)

    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert (await client.get("/api/small/wishes")).json() == ["a bench"]


async def test_twenty_at_once_have_one_effect_and_one_answer(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(client.post("/api/small/wishes", json={"text": "a bench"}, headers=KEY) for _ in range(20))
    )

    assert {answer.content for answer in answers} == {b'{"id":1}'}
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1


async def test_a_duplicate_does_the_work_itself_when_the_first_was_rolled_back(
    service: Service, client: httpx.AsyncClient
) -> None:
    await client.post("/api/small/wishes", json={"text": "forbidden"}, headers=KEY)
    answer = await client.post("/api/small/wishes", json={"text": "a bench"}, headers=KEY)

    assert answer.status_code == 201


async def test_another_person_has_keys_of_their_own(client: httpx.AsyncClient) -> None:
    for person in ("p-1", "p-2"):
        headers = KEY | an_issuer().headers(person, WORKER)
        answer = await client.post("/api/small/mine", json={"text": person}, headers=headers)
        assert answer.status_code == 201
        assert "idempotency-replayed" not in answer.headers


async def test_a_stored_answer_is_shown_only_to_who_may_ask(client: httpx.AsyncClient) -> None:
    await client.post("/api/small/mine", json={"text": "x"}, headers=KEY | an_issuer().headers("p-1", WORKER))
    reader = an_issuer().headers("p-1", (Role.READER, "grid-1"))

    assert (await client.post("/api/small/mine", json={"text": "x"}, headers=KEY | reader)).status_code == 403
    assert (await client.post("/api/small/mine", json={"text": "x"}, headers=KEY)).status_code == 401


async def test_an_upload_is_the_same_whatever_its_boundary(client: httpx.AsyncClient) -> None:
    def upload(content: bytes, boundary: str) -> dict[str, object]:
        part = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'.encode()
        )
        return {
            "content": part + content + f"\r\n--{boundary}--\r\n".encode(),
            "headers": KEY | {"content-type": f"multipart/form-data; boundary={boundary}"},
        }

    path = "/api/small/pictures?caption=door"
    first = await client.post(path, **upload(b"photo", "aaa"))  # type: ignore[arg-type]
    again = await client.post(path, **upload(b"photo", "bbb"))  # type: ignore[arg-type]
    other = await client.post(path, **upload(b"another", "ccc"))  # type: ignore[arg-type]

    assert first.json() == again.json() == {"id": 1, "bytes": 5}
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422


async def test_an_answer_with_personal_data_is_not_kept(service: Service, client: httpx.AsyncClient) -> None:
    first = await client.post("/api/small/reveals", json={"text": "call"}, headers=KEY)
    again = await client.post("/api/small/reveals", json={"text": "call"}, headers=KEY)

    assert first.status_code == 200
    assert (again.status_code, again.json()["code"]) == (409, "answer-not-kept")
    async with service.database.transaction() as tx:
        assert (await tx.rows("SELECT body FROM idempotency_keys"))[0]["body"] is None


@pytest.mark.parametrize("key", ["", "x" * 201, "näh"])
async def test_an_unusable_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = await client.post("/api/small/wishes", json={"text": "a bench"}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-unusable")


async def test_old_keys_are_forgotten(service: Service, client: httpx.AsyncClient) -> None:
    for key in ("old", "new"):
        await client.post("/api/small/wishes", json={"text": key}, headers={"Idempotency-Key": key})
    async with service.database.connection() as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET created_at = created_at - interval '169 hours' WHERE key = 'old'"
        )

    async with service.database.transaction() as tx:
        assert await forget_old(tx, kept_hours=168) == 1
    async with service.database.transaction() as tx:
        assert [row["key"] for row in await tx.rows("SELECT key FROM idempotency_keys")] == ["new"]


async def test_what_is_kept_of_a_body_cannot_be_found_by_trying(
    service: Service, client: httpx.AsyncClient
) -> None:
    """A bare hash of a body with a phone number in it is that number to who can try them all."""
    await client.post("/api/small/wishes", json={"text": "a bench"}, headers=KEY)
    async with service.database.transaction() as tx:
        [row] = await tx.rows("SELECT body_sha256 FROM idempotency_keys")
    body = b'{"text":"a bench"}'
    assert row["body_sha256"] == hmac.digest(service.digest_secret, b"\0" + body, "sha256")
    assert row["body_sha256"] != hashlib.sha256(b"\0" + body).digest()


def test_a_new_key_on_top_changes_no_digest(service: Service) -> None:
    before, file = service.digest_secret, service.settings.internal_token_file
    assert file is not None
    file.write_text(new_secret() + file.read_text())
    later = object.__new__(Service)
    later.settings = type(service.settings).model_validate(service.settings.model_dump())
    assert later.settings.internal_tokens != service.settings.internal_tokens
    assert later.digest_secret == before != b""
