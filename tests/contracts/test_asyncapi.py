"""docs/asyncapi.yaml says what the code does, and is a sound AsyncAPI 3.0 document.

Checked here: every reference leads somewhere, every schema is JSON Schema, every golden record fits its message, and
operations send only what their channel knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.asyncapi import FILE, document, render
from shared.event import EVENT_TYPES
from tests.contracts.test_golden import EVERY_GOLDEN, GOLDEN

WRITTEN: dict[str, Any] = yaml.safe_load(FILE.read_text())
MEMBERS = {
    "document": {"asyncapi", "info", "defaultContentType", "channels", "operations", "components"},
    "channel": {"address", "description", "messages"},
    "operation": {"action", "summary", "channel", "messages", "tags"},
    "message": {"name", "title", "summary", "contentType", "headers", "payload", "tags", "bindings"},
}


def test_the_file_is_what_the_code_says() -> None:
    assert FILE.read_text() == render(), "run `python -m shared.asyncapi`"


def test_rendering_is_the_same_every_time() -> None:
    assert render() == render()
    assert json.loads(json.dumps(document())) == WRITTEN


def test_only_members_of_asyncapi_3_stand_where_they_may() -> None:
    assert WRITTEN["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(WRITTEN["info"])
    assert set(WRITTEN) == MEMBERS["document"]
    for kind, found in (
        ("channel", WRITTEN["channels"]),
        ("operation", WRITTEN["operations"]),
        ("message", WRITTEN["components"]["messages"]),
    ):
        for name, member in found.items():
            assert set(member) == MEMBERS[kind], name
    assert {operation["action"] for operation in WRITTEN["operations"].values()} == {"send"}


def test_every_reference_leads_somewhere() -> None:
    references = list(_references(WRITTEN))

    assert len(references) > 100
    for reference in references:
        assert _at(reference) is not None, reference


def test_an_operation_sends_what_its_channel_knows_and_its_service_owns() -> None:
    sent = []
    for name, operation in WRITTEN["operations"].items():
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")
            described = _at(_at(message["$ref"])["$ref"])
            assert EVENT_TYPES[described["name"]].source == name.partition(".")[0]
            sent.append(described["name"])

    assert sorted(sent) == sorted(EVENT_TYPES)


@pytest.mark.parametrize("name", sorted(WRITTEN["components"]["schemas"]))
def test_every_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(WRITTEN["components"]["schemas"][name])


@pytest.mark.parametrize("golden", EVERY_GOLDEN, ids=lambda path: str(path.relative_to(GOLDEN)))
def test_every_golden_record_fits_its_message(golden: Any) -> None:
    record = json.loads(golden.read_text())
    title = EVENT_TYPES[record["headers"]["ce_type"]].__name__
    message = WRITTEN["components"]["messages"][title]

    for part, value in (("headers", record["headers"]), ("payload", record["body"])):
        schema = {**message[part], "components": WRITTEN["components"]}
        validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        assert [error.message for error in validator.iter_errors(value)] == []


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _at(reference: str) -> Any:
    found: Any = WRITTEN
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found
