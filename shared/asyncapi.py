"""docs/asyncapi.yaml, rendered from the event classes: every message, its headers and body, and who may send it where.

python -m shared.asyncapi            writes it
python -m shared.asyncapi --check    fails if it is not what the code says
"""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import Any

import yaml

from shared.codec import SPEC_VERSION
from shared.event import CASES_TOPIC, EVENT_TYPES, REGISTRY_TOPIC, Event

FILE = Path(__file__).parent.parent / "docs" / "asyncapi.yaml"
VERSION = "1.0.0"
SCHEMAS = "#/components/schemas/"

CHANNELS = {
    CASES_TOPIC: "One ordered story per case, alarm, mass task and day of a grid's rounds: the key is its id."
    " 每个工单、求助、全员任务和网格每日巡访各一条有序的记录。",
    REGISTRY_TOPIC: "Compacted: the latest of each unit, person, shift, category, policy and calendar. 登记的现状。",
}

HEADERS: dict[str, Any] = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "ce_sequence"],
    "properties": {
        "ce_specversion": {"type": "string", "const": SPEC_VERSION},
        "ce_id": {
            "type": "string",
            "format": "uuid",
            "description": "UUIDv7; the same event has the same id for ever",
        },
        "ce_type": {"type": "string", "description": "the message's name"},
        "ce_source": {"type": "string", "description": "the service that owns the type"},
        "ce_time": {
            "type": "string",
            "format": "date-time",
            "description": "business time of the owner's database",
        },
        "ce_subject": {
            "type": "string",
            "format": "uuid",
            "description": "the case; all zeros for the registry",
        },
        "ce_sequence": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "counts what this source published about this subject; drop what is not newer",
        },
        "traceparent": {"type": "string", "description": "W3C trace context"},
        "content-type": {"type": "string", "const": "application/json"},
    },
}


def document() -> dict[str, Any]:
    """The whole AsyncAPI 3.0 document."""
    schemas: dict[str, Any] = {"CloudEventHeaders": HEADERS}
    for event in sorted(EVENT_TYPES.values(), key=lambda event: (event.source, event.type)):
        schemas |= _schemas_of(event)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Yike 一刻",
            "version": VERSION,
            "description": "What Yike's services tell each other: CloudEvents 1.0 in Kafka's binary mode. Events grow"
            " by addition only; a changed meaning gets a new type. Readers ignore fields they do not know.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_channel_id(topic): _channel(topic) for topic in CHANNELS},
        "operations": dict(_operation(source, topic) for source, topic in _senders()),
        "components": {
            "messages": {
                event.__name__: _message(event)
                for event in sorted(EVENT_TYPES.values(), key=lambda event: (event.source, event.type))
            },
            "schemas": dict(sorted(schemas.items())),
        },
    }


def render() -> str:
    head = "# Rendered from shared/events/ by `python -m shared.asyncapi`; edit that, not this.\n"
    return head + yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)


class _Plain(yaml.SafeDumper):
    """Anchors would make one message's schema depend on where another stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _schemas_of(event: type[Event]) -> dict[str, Any]:
    """The body's schema and those it uses, by name."""
    schema = event.model_json_schema(ref_template=SCHEMAS + "{model}", mode="serialization")
    parts: dict[str, Any] = schema.pop("$defs", {})
    return {event.__name__: schema, **parts}


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": " ".join((inspect.getdoc(event) or "").split()),
        "contentType": "application/json",
        "headers": {"$ref": SCHEMAS + "CloudEventHeaders"},
        "payload": {"$ref": SCHEMAS + event.__name__},
        "tags": [{"name": event.source}],
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }


def _channel(topic: str) -> dict[str, Any]:
    events = [
        event
        for event in sorted(EVENT_TYPES.values(), key=lambda event: (event.source, event.type))
        if event.topic == topic
    ]
    return {
        "address": topic,
        "description": CHANNELS[topic],
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"} for event in events},
    }


def _senders() -> list[tuple[str, str]]:
    return list(
        dict.fromkeys(
            (event.source, event.topic)
            for event in sorted(EVENT_TYPES.values(), key=lambda event: (event.source, event.type))
        )
    )


def _operation(source: str, topic: str) -> tuple[str, dict[str, Any]]:
    channel = f"#/channels/{_channel_id(topic)}"
    events = [
        event
        for event in sorted(EVENT_TYPES.values(), key=lambda event: (event.source, event.type))
        if (event.source, event.topic) == (source, topic)
    ]
    return f"{source}.publishes", {
        "action": "send",
        "summary": f"What {source} alone may publish",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"} for event in events],
        "tags": [{"name": source}],
    }


def _channel_id(topic: str) -> str:
    return topic.rpartition(".")[2]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m shared.asyncapi", description="render docs/asyncapi.yaml"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is out of date")
    if not parser.parse_args().check:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(render())
        return 0
    if FILE.exists() and FILE.read_text() == render():
        return 0
    sys.stderr.write("docs/asyncapi.yaml is not what the events say: run `python -m shared.asyncapi`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
