"""Events as CloudEvents 1.0 in Kafka's binary mode: attributes in headers, the rest as the JSON body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

import shared.events.dispatch
import shared.events.escalation
import shared.events.fieldwork
import shared.events.intake
import shared.events.notify
import shared.events.things  # noqa: F401 — all, so that every type is known to whoever decodes
from shared.event import EVENT_TYPES, Event

SPEC_VERSION = "1.0"


def encode_body(event: Event) -> str:
    return event.model_dump_json()


def decode_body(
    event_class: type[Event], body: str | bytes, *, id: UUID, at: datetime, sequence: int, subject: UUID
) -> Event:
    """Raises pydantic.ValidationError where the body is not of the class's shape."""
    fields = orjson.loads(body)
    if not isinstance(fields, dict):
        raise ValueError("the body of an event is a JSON object")
    attributes: dict[str, Any] = {"id": id, "at": at.astimezone(UTC), "sequence": sequence}
    if event_class.subject_field:
        attributes[event_class.subject_field] = subject
    return event_class.model_validate(fields | attributes)


def headers(
    *, id: UUID, type: str, source: str, at: datetime, subject: UUID, sequence: int, traceparent: str
) -> list[tuple[str, bytes]]:
    attributes = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": str(id),
        "ce_type": type,
        "ce_source": source,
        "ce_time": at.astimezone(UTC).isoformat(),
        "ce_subject": str(subject),
        "ce_sequence": str(sequence),
        "content-type": "application/json",
    }
    if traceparent:
        attributes["traceparent"] = traceparent
    return [(name, value.encode()) for name, value in attributes.items()]


class Foreign(Exception):
    """A record that no event of ours can be: an attribute is missing, or its owner is not who sent it."""


def decode(given: Mapping[str, str], body: bytes) -> Event | None:
    """The event of a record, or `None` for a type nobody here knows.

    Raises Foreign or pydantic.ValidationError for a record of a known type that cannot be read.
    """
    event_class = EVENT_TYPES.get(given.get("ce_type", ""))
    if event_class is None:
        return None
    if given.get("ce_source") != event_class.source:
        raise Foreign(
            f"{event_class.type} belongs to {event_class.source}, not to {given.get('ce_source')!r}"
        )
    try:
        return decode_body(
            event_class,
            body,
            id=UUID(given["ce_id"]),
            at=datetime.fromisoformat(given["ce_time"]),
            sequence=int(given["ce_sequence"]),
            subject=UUID(given["ce_subject"]),
        )
    except KeyError as missing:
        raise Foreign(f"{event_class.type} without the attribute {missing}") from missing


def dump_headers(given: Mapping[str, str]) -> str:
    return orjson.dumps(dict(given)).decode()
