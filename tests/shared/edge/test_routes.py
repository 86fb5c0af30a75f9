"""Who may ask what, and how refusals read."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from shared.directory import Directory
from shared.identity import internal_headers
from shared.problems import in_language
from shared.routes import allow, rules_of
from shared.service import Service
from shared.things import Name, Unit
from shared.vocabulary import Role
from tests.people import an_issuer


def test_every_route_has_exactly_one_rule(service: Service) -> None:
    rules = rules_of(service.app)

    assert {path: rules_ for path, rules_ in rules.items() if len(rules_) != 1} == {}
    assert {"POST /api/small/mine", "GET /health/live", "GET /metrics", "GET /api/small/openapi.json"} <= set(
        rules
    )


def test_a_route_without_a_rule_is_seen() -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/open")
    async def nobody_thought_of_it() -> None: ...

    assert rules_of(app) == {"GET /open": []}


def test_allow_without_roles_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs roles"):
        allow()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        ({"Authorization": "Basic cDpw"}, 401),
        (an_issuer().headers("p-1", (Role.READER, "grid-1")), 403),
        (an_issuer().headers("p-1", (Role.GRID_WORKER, "grid-1")), 201),
    ],
)
async def test_a_role_is_asked_for(client: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await client.post("/api/small/mine", json={"text": "x"}, headers=headers)

    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("unit", "status"), [("grid-1", 200), ("grid-2", 200), ("elsewhere", 403)])
async def test_a_grant_reaches_down_and_not_sideways(
    service: Service, client: httpx.AsyncClient, unit: str, status: int
) -> None:
    given = Directory.of(units=[_unit("c"), _unit("grid-1", "c"), _unit("grid-2", "c"), _unit("elsewhere")])
    service.directory.units.update(given.units)
    headers = an_issuer().headers("p-1", (Role.GRID_LEADER, "c"))

    assert (await client.post(f"/api/small/units/{unit}", headers=headers)).status_code == status


async def test_a_problem_reads_in_the_readers_language(client: httpx.AsyncClient) -> None:
    async def title(language: str | None) -> str:
        headers = {"Accept-Language": language} if language else {}
        answer = await client.post("/api/small/wishes", json={"text": "forbidden"}, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        return str(answer.json()["title"])

    assert await title("zh-CN,zh;q=0.9,en;q=0.8") == "不可以"
    assert await title("en-GB,en;q=0.9,zh;q=0.1") == "Not this one"
    assert await title("fr") == "不可以"
    assert await title(None) == "不可以 / Not this one"


async def test_a_problem_has_the_members_of_rfc_9457(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/small/wishes", json={"text": "forbidden"}, headers={"Accept-Language": "en"}
    )

    assert answer.json() == {
        "type": "urn:yike:problem:wish-forbidden",
        "title": "Not this one",
        "status": 409,
        "code": "wish-forbidden",
        "detail": "Wish for something else",
        "instance": "/api/small/wishes",
        "holder": "p-1",
    }


async def test_a_field_is_pointed_at_and_its_value_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/small/wishes", json={"text": "13800000000" * 9, "times": "often"})

    errors = {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}
    assert answer.status_code == 422
    assert errors == {"#/text": "string_too_long", "#/times": "int_type"}
    assert "13800000000" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/small/nothing", 404, "not-found"),
        ("PUT", "/api/small/wishes", 405, "method-not-allowed"),
        ("GET", "/api/small/wishes/17", 422, "invalid"),
    ],
)
async def test_other_refusals_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_what_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/small/wishes", content=b"x" * 1_100_000)

    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


async def test_the_unforeseen_has_a_reference_that_is_in_the_log(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.post("/api/small/wishes", json={"text": "breaks"})

    assert answer.status_code == 500
    assert answer.json()["reference"] in caplog.text
    assert "13800000000" not in answer.text


async def test_our_services_show_a_token(service: Service, client: httpx.AsyncClient) -> None:
    async def status(headers: dict[str, str]) -> int:
        return (await client.get("/api/small/ours", headers=headers)).status_code

    older = service.settings.internal_tokens[1].value.hex()
    assert await status({}) == await status({"Authorization": "Bearer x"}) == 401
    assert await status(an_issuer().headers("p-1", (Role.ADMINISTRATOR, "c"))) == 401
    assert await status(internal_headers(service.settings)) == 200
    assert await status({"Authorization": f"Bearer {older}"}) == 200


async def test_requests_wait_until_the_registry_is_read_and_health_does_not(
    service: Service, client: httpx.AsyncClient
) -> None:
    service.directory.complete.clear()
    early = await client.get("/api/small/wishes")

    assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (503, "starting", "1")
    assert (await client.get("/health/live")).status_code == 200
    service.directory.complete.set()
    assert (await client.get("/api/small/wishes")).status_code == 200


def test_a_text_in_one_language_is_shown_as_it_is() -> None:
    assert in_language("no slash here", "zh") == "no slash here"


def _unit(unit_id: str, parent_id: str | None = None) -> Unit:
    return Unit(id=unit_id, kind="unit", name=Name(zh=unit_id, en=unit_id), parent_id=parent_id)
