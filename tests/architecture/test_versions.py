"""Two people never overwrite each other unawares: what is changed on a stated version is read with that version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.service import Service
from tests.architecture.source import SERVICES

CHANGING = ("post", "put", "patch", "delete")
ANOTHER_READS_IT = {
    "/api/dispatch/offers/{offer_id}": "/api/dispatch/cases/{case_id}",
    "/api/dispatch/parts/{part_id}": "/api/dispatch/cases/{case_id}",
    "/api/escalation/orders/{order_id}": "/api/escalation/cases/{case_id}",
}
"""Parts of a case have no address to read them at: they change on the version of their case."""


def changed_on_a_version(document: dict[str, Any]) -> Iterator[str]:
    """The address of each thing that an act with `If-Match` is for: its longest beginning that can be read, or the
    beginning up to its first id."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            given = {one["name"].lower() for one in operation.get("parameters", ())}
            if method in CHANGING and "if-match" in given:
                yield _read_at(path, document["paths"])


def _read_at(path: str, paths: dict[str, Any]) -> str:
    begin = path
    while begin.count("/") > 3:
        if "get" in paths.get(begin, {}):
            return begin
        begin = begin.rpartition("/")[0]
    return path[: path.index("}") + 1]


@pytest.mark.parametrize("name", SERVICES)
def test_what_changes_on_a_version_is_read_with_it(services: dict[str, Service], name: str) -> None:
    document = services[name].app.openapi()
    things = set(changed_on_a_version(document))
    for thing in things:
        read_at = ANOTHER_READS_IT.get(thing, thing)
        headers = document["paths"][read_at]["get"]["responses"]["200"].get("headers", {})
        assert headers.get("ETag", {}).get("required"), f"GET {read_at} states no version"


def test_the_parts_are_still_there(services: dict[str, Service]) -> None:
    found = {thing for service in services.values() for thing in changed_on_a_version(service.app.openapi())}

    assert ANOTHER_READS_IT.keys() <= found
