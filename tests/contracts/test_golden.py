"""What was ever published must be readable for ever. How to change a shape: tests/contracts/examples/__init__.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared import codec
from shared.event import EVENT_TYPES, Event
from tests.contracts.examples import EXAMPLES

GOLDEN = Path(__file__).parent / "golden"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EVERY_GOLDEN = sorted(GOLDEN.rglob("*.json"))


def on_the_wire(event: Event) -> dict[str, Any]:
    """The record as Kafka carries it."""
    headers = codec.headers(
        id=event.id,
        type=event.type,
        source=event.source,
        at=event.at,
        subject=event.subject,
        sequence=event.sequence,
        traceparent=TRACEPARENT,
    )
    return {
        "topic": event.topic,
        "key": event.key,
        "headers": {name: value.decode() for name, value in headers},
        "body": json.loads(codec.encode_body(event)),
    }


def test_every_event_type_has_an_example_and_a_golden_file() -> None:
    assert set(EXAMPLES) == set(EVENT_TYPES)
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(EVENT_TYPES)


def test_an_example_leaves_no_field_at_its_default() -> None:
    """So that the golden file shows every field there is."""
    left_out = {
        f"{event.type}.{name}"
        for event in EXAMPLES.values()
        for name, field in type(event).model_fields.items()
        if not field.is_required() and field.default is None and getattr(event, name) is None
    }
    assert left_out == set()


@pytest.mark.parametrize("type_", sorted(EVENT_TYPES))
def test_an_event_looks_on_the_wire_as_it_always_did(type_: str) -> None:
    record = on_the_wire(EXAMPLES[type_])
    printed = json.dumps(record, ensure_ascii=False, indent=2)

    assert record == json.loads((GOLDEN / f"{type_}.json").read_text()), (
        f"golden/{type_}.json would be:\n{printed}"
    )


@pytest.mark.parametrize("golden", EVERY_GOLDEN, ids=lambda path: str(path.relative_to(GOLDEN)))
def test_what_was_ever_published_can_be_read(golden: Path) -> None:
    record = json.loads(golden.read_text())

    event = codec.decode(record["headers"], json.dumps(record["body"]).encode())

    assert event is not None
    assert (event.type, event.key) == (record["headers"]["ce_type"], record["key"])
    assert _has_all_of(json.loads(event.model_dump_json()), record["body"])


def _has_all_of(now: Any, then: Any) -> bool:
    """Whether everything written then is there now; what was added since stands beside it."""
    if isinstance(then, dict):
        return all(name in now and _has_all_of(now[name], value) for name, value in then.items())
    if isinstance(then, list):
        return len(now) == len(then) and all(map(_has_all_of, now, then))
    return bool(now == then)


@pytest.mark.parametrize("type_", sorted(EVENT_TYPES))
def test_reading_gives_back_what_was_written(type_: str) -> None:
    event = EXAMPLES[type_]
    record = on_the_wire(event)

    assert codec.decode(record["headers"], json.dumps(record["body"]).encode()) == event


@pytest.mark.parametrize("type_", sorted(EVENT_TYPES))
def test_a_field_of_tomorrow_does_not_disturb_a_reader_of_today(type_: str) -> None:
    record = on_the_wire(EXAMPLES[type_])
    body = {**record["body"], "added_later": {"by": "somebody"}}

    assert codec.decode(record["headers"], json.dumps(body).encode()) == EXAMPLES[type_]
