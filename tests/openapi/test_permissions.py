"""Every route's rule, tried from both sides: by role, and by the unit whose things are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.schemas import OpenApiSchema

from shared.routes import Rule, rules_of
from shared.vocabulary import Role
from tests.openapi.serving import Served, operations_of
from tests.openapi.worlds import TOP
from tests.people import an_issuer

NEXT_DOOR = "community-b"
TRIES_MAX = 3
NOTHING = {401, 403, 404, 422}
HELD_BY_ANOTHER = {"not-yours", "holder-unknown", "position-needed"}
"""Said where acts are for whoever holds the case, in whichever unit they are; the last of what was sent alone."""
MAY_CHANGE_NOTHING = ("POST /api/registry/calendars/{id}/days",)
"""Sent without a day in it, it asks for nothing and is refused to nobody; tests/registry tries it with days."""
WORDS = {"name", "format", "audience", "kind", "language"}
"""In a path these name what is the same for every unit."""
FOR_ALL_STAFF = ("GET /api/registry/", "GET /api/notify/templates/")
"""What stands in the registry, and which words are sent, every member of staff may read."""


@dataclass(frozen=True)
class Route:
    """`path` has a dash for each of its ids: the rule is asked before anything is looked for."""

    method: str
    path: str
    rule: Rule

    def asked(self, served: Served, headers: dict[str, str]) -> tuple[int, str]:
        """Status and code of the answer; a stream is not waited for."""
        with served.session.request(
            self.method, served.url + self.path, headers=headers, stream=True, timeout=30
        ) as answer:
            return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else ""


def routes_of(served: Served) -> Iterator[Route]:
    described = served.world.service.app.openapi()["paths"]
    for name, rules in rules_of(served.world.service.app).items():
        method, path = name.split(" ")
        if method.lower() in described.get(path, {}):
            yield Route(method, re.sub(r"\{\w+\}", "-", path), rules[0])


def finds_nothing(
    served: Served, operation: APIOperation[Any, Any, Any, Any], headers: dict[str, str]
) -> None:
    """Whoever has these headers, with well-formed requests for things that are there."""
    known = served.world.known_at(operation.path)

    @settings(
        max_examples=TRIES_MAX,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def asks(case: Case[Any]) -> None:
        for name in case.path_parameters.keys() & known.keys():
            case.path_parameters[name] = str(known[name][0])
        case.headers.clear()
        answer = case.call(session=served.session, headers={**headers, "If-Match": "*"}, timeout=30)
        refused = answer.status_code == 409 and answer.json()["code"] in HELD_BY_ANOTHER
        assert refused or answer.status_code in NOTHING, (answer.status_code, answer.text)

    asks()


class EveryRule:
    """A class for each service, as for the descriptions."""

    def test_roles(self, served: Served, subtests: pytest.Subtests) -> None:
        for route in routes_of(served):
            with subtests.test(f"{route.method} {route.path}"):
                if route.rule.name == "allow":
                    self.only_these_roles(served, route)
                elif route.rule.name == "internal_only":
                    self.only_our_services(served, route)
                else:
                    assert route.asked(served, {})[1] not in ("unauthenticated", "forbidden")

    def only_these_roles(self, served: Served, route: Route) -> None:
        def asked(*roles: Role) -> tuple[int, str]:
            headers = an_issuer().headers(served.world.person_id, *((role, TOP) for role in roles))
            return route.asked(served, headers)

        assert route.asked(served, {})[0] == 401
        assert route.asked(served, {"Authorization": "Bearer no.token.ofours"})[0] == 401
        others = set(Role) - route.rule.roles
        assert not others or asked(*others) == (403, "forbidden")
        assert asked()[0] == 403
        for role in sorted(route.rule.roles):
            assert asked(role)[0] not in (401, 403), role

    def only_our_services(self, served: Served, route: Route) -> None:
        assert route.asked(served, {})[0] == 401
        assert route.asked(served, served.world.headers["person"])[0] == 401
        assert route.asked(served, served.world.headers["service"])[0] not in (401, 403)

    def test_units(self, served: Served, described: OpenApiSchema, subtests: pytest.Subtests) -> None:
        """Whoever holds every role next door finds nothing here and changes nothing."""
        stranger = an_issuer().headers("p-stranger", *((role, NEXT_DOOR) for role in Role))
        for operation in operations_of(described):
            named = set(re.findall(r"\{(\w+)\}", operation.path)) - WORDS
            if not served.world.known_at(operation.path).keys() & named:
                continue
            if (
                operation.label.startswith((*FOR_ALL_STAFF, *MAY_CHANGE_NOTHING))
                or not operation.definition.raw["security"]
            ):
                continue
            with subtests.test(operation.label):
                finds_nothing(served, operation, stranger)

    def test_lists_of_units(self, served: Served, subtests: pytest.Subtests) -> None:
        """A list narrowed to a unit: of one's own it is given, of the one next door it is refused."""
        described = served.world.service.app.openapi()["paths"]
        for path, operations in described.items():
            given_here = {one["name"] for one in operations.get("get", {}).get("parameters", ())}
            if "unit" not in given_here or "{" in path or f"GET {path}".startswith(FOR_ALL_STAFF):
                continue
            rule = rules_of(served.world.service.app)[f"GET {path}"][0]
            headers = an_issuer().headers("p-stranger", *((role, NEXT_DOOR) for role in rule.roles))
            with subtests.test(path):
                there = Route("GET", f"{path}?unit=community-a", rule).asked(served, headers)
                assert there == (403, "forbidden")
                assert Route("GET", f"{path}?unit={NEXT_DOOR}", rule).asked(served, headers)[0] == 200


class TestRegistry(EveryRule):
    name = "registry"


class TestIntake(EveryRule):
    name = "intake"


class TestDispatch(EveryRule):
    name = "dispatch"


class TestEscalation(EveryRule):
    name = "escalation"


class TestNotify(EveryRule):
    name = "notify"


class TestInsight(EveryRule):
    name = "insight"
