"""No list is endless: whatever answers many says how many at most, and how to go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.service import Service

NAMES = ("registry", "intake", "dispatch", "escalation", "notify", "insight")
ROWS_MAX = 500
ONE_THING = {
    "/api/registry/me",
    "/api/registry/.well-known/openid-configuration",
    "/api/registry/jwks.json",
    "/api/dispatch/me",
    "/api/dispatch/me/burden",
    "/api/dispatch/me/day",
    "/api/dispatch/people/{person_id}/day",
    "/api/dispatch/me/mass-tasks",
    "/api/dispatch/offers/{offer_id}/explanation",
    "/api/dispatch/parts/{part_id}/explanation",
    "/api/dispatch/rounds/today",
    "/api/dispatch/rounds/report",
    "/api/notify/me/preferences",
    "/api/notify/channels",
    "/api/insight/board",
    "/api/insight/cases/{case_id}/timeline",
    "/api/insight/public/figures",
}
"""What they answer has lists in it and is one thing all the same; so has what ends with its id."""


def arrays_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The lists an answer consists of, by name."""
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {name: one for name, one in schema.get("properties", {}).items() if one.get("type") == "array"}


def lists_of(service: Service) -> Iterator[tuple[str, dict[str, Any], dict[str, dict[str, Any]]]]:
    document = service.app.openapi()
    for path, operations in document["paths"].items():
        if "get" not in operations or path in ONE_THING or path.endswith("}") or "/internal/" in path:
            continue
        if arrays := arrays_of(document, operations["get"]):
            yield path, operations["get"], arrays


@pytest.mark.parametrize("name", NAMES)
def test_every_list_comes_in_pages_with_a_stated_maximum(services: dict[str, Service], name: str) -> None:
    found = list(lists_of(services[name]))
    assert found
    for path, operation, arrays in found:
        if all("maxItems" in one for one in arrays.values()):
            continue
        given = {one["name"]: one["schema"] for one in operation.get("parameters", [])}
        assert given.keys() & {"cursor", "before", "after", "after_line"}, f"{path} cannot go on"
        assert 1 <= given.get("limit", {}).get("maximum", 0) <= ROWS_MAX, f"{path} has no maximum"
        assert given["limit"]["minimum"] == 1, path


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_for_stands_in_no_address(services: dict[str, Service], name: str) -> None:
    """Addresses are written into logs on their way: what a caller says, and who they are, comes in a body."""
    for path, operations in services[name].app.openapi()["paths"].items():
        given = {
            one["name"] for one in operations.get("get", {}).get("parameters", []) if one["in"] == "query"
        }
        assert not given & {
            "phone",
            "name",
            "text",
            "address",
            "description",
            "remark",
            "password",
            "token",
        }, path
