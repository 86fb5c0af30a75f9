"""COMMIT comes before the answer. FastAPI's `yield` dependencies answered 201 first: seen, and pinned here."""

from __future__ import annotations

import httpx
from starlette.types import Message

from shared.service import Service


async def test_what_was_written_is_there_for_others_when_the_status_line_leaves(service: Service) -> None:
    seen: list[tuple[int, int]] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            async with service.database.connection() as another:
                rows = await another.fetchval("SELECT count(*) FROM wishes")
            seen.append((message["status"], rows))

    async def receive() -> Message:
        return {"type": "http.request", "body": b'{"text": "a bench"}', "more_body": False}

    headers = [(b"content-type", b"application/json"), (b"idempotency-key", b"k1")]
    await service.app(_post("/api/small/wishes", headers), receive, send)

    assert seen == [(201, 1)]


async def test_a_failed_commit_is_never_answered_with_201(
    service: Service, client: httpx.AsyncClient
) -> None:
    async with service.database.connection() as connection:
        await connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'refused at COMMIT'; END $$"
        )
        await connection.execute(
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON wishes"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

    answer = await client.post(
        "/api/small/wishes", json={"text": "a bench"}, headers={"Idempotency-Key": "k1"}
    )

    assert answer.status_code == 500
    assert await _count(service, "wishes") == await _count(service, "idempotency_keys") == 0


async def test_a_connection_lost_at_commit_is_answered_with_503(
    service: Service, client: httpx.AsyncClient
) -> None:
    async with service.database.connection() as connection:
        await connection.execute(
            "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        await connection.execute(
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON wishes"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION leave()"
        )

    answer = await client.post("/api/small/wishes", json={"text": "a bench"})

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert await _count(service, "wishes") == 0


async def test_a_refusal_takes_everything_back(service: Service, client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/small/wishes", json={"text": "forbidden"}, headers={"Idempotency-Key": "k1"}
    )

    assert answer.status_code == 409
    assert await _count(service, "wishes") == await _count(service, "idempotency_keys") == 0


async def test_a_reader_cannot_write(service: Service, client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/small/wishes", params={"write": True})

    assert answer.status_code >= 500
    assert await _count(service, "wishes") == 0
    assert (await client.get("/api/small/wishes")).json() == []


async def test_after_a_reader_the_same_connection_may_write_again(
    service: Service, client: httpx.AsyncClient
) -> None:
    await client.get("/api/small/wishes")

    assert (await client.post("/api/small/wishes", json={"text": "a bench"})).status_code == 201


async def _count(service: Service, table: str) -> int:
    async with service.database.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


def _post(path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, object]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
