"""Every route says who may use it, and what acts may be repeated under one key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.idempotency import HEADER
from shared.routes import rules_of
from shared.service import Service
from tests.architecture.source import PROJECT, SERVICES

WITHOUT_A_KEY = {
    "/api/registry/sign-in": "a stored answer would be a session that anybody who finds the key could take",
    "/api/intake/triage": "it changes nothing: asked again, it says the same",
    "/api/dispatch/sync": "every command of the phone's queue brings an id of its own",
}
"""POSTs that take no Idempotency-Key, with the reason."""


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_has_exactly_one_rule(services: dict[str, Service], name: str) -> None:
    rules = rules_of(services[name].app)

    assert any(path.split(" ")[1].startswith(f"/api/{name}/") for path in rules)
    assert {path: given for path, given in rules.items() if len(given) != 1} == {}


@pytest.mark.parametrize("name", SERVICES)
def test_what_acts_takes_an_idempotency_key(services: dict[str, Service], name: str) -> None:
    taken = {path: takes_a_key(operation) for path, operation in posts(services[name])}

    assert {path for path, takes in taken.items() if not takes} == WITHOUT_A_KEY.keys() & taken.keys()


def test_the_exceptions_are_still_there(services: dict[str, Service]) -> None:
    every = {path for service in services.values() for path, _ in posts(service)}

    assert WITHOUT_A_KEY.keys() <= every


@pytest.mark.parametrize("name", SERVICES)
def test_an_internal_route_is_only_under_internal(services: dict[str, Service], name: str) -> None:
    """Caddy passes nothing on that is under /internal; another path would be reachable from outside."""
    internal = {
        path
        for path, rules in rules_of(services[name].app).items()
        if any(rule.name == "internal_only" for rule in rules)
    }

    assert all(f"/api/{name}/internal/" in path for path in internal)
    kept_back = f"handle /api/{name}/internal/* {{\n\t\timport nothing\n"
    assert not internal or kept_back in (PROJECT / "deploy/caddy/Caddyfile").read_text()


def posts(service: Service) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in service.app.openapi()["paths"].items():
        if "post" in operations:
            yield path, operations["post"]


def takes_a_key(operation: dict[str, Any]) -> bool:
    given = operation.get("parameters", [])
    return any((one["in"], one["name"].lower()) == ("header", HEADER.lower()) for one in given)
