"""Every event has one owner who publishes it, somebody who acts on it, and a golden file; and a service does what its
introduction says."""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from shared.directory import Directory
from shared.event import CASES_TOPIC, EVENT_TYPES, Event
from shared.events.things import ThingEvent
from shared.inbox import Subscriptions
from tests.architecture.source import PRODUCT, PROJECT, SERVICES, calls, sources
from tests.contracts.examples import EXAMPLES

BY_NAME = {event.__name__: event for event in EVENT_TYPES.values()}
OF_CASES = [event for event in BY_NAME.values() if event.topic == CASES_TOPIC]
OF_THINGS = [event for event in BY_NAME.values() if issubclass(event, ThingEvent)]
ONLY_SHOWN = {
    "NoticeDelivered": "what was told to whom is for the timeline; no clock hangs on it",
    "NoticeRead": "the same",
    "NoticeReceived": "the same",
    "AlarmNoticeDelivered": "the same, of an alarm: the alarm itself is what is acted on",
    "AlarmNoticeRead": "the same",
    "AlarmNoticeFailed": "the same; the senders go on by themselves",
    "AlarmNoticeReceived": "the same",
    "RoundDayClosed": "a figure of a day that is over; what is still owed stands on the list of who walks there",
}
"""Events that nobody but the read side hears, with the reason."""
INTRODUCTION = re.compile(r"^(Owns|Listens to|Publishes|Promises):\s+(.*?)(?=^\w[\w ]*:|\Z)", re.M | re.S)


@cache
def publishers() -> dict[str, set[Path]]:
    """The files that make an event, by its class."""
    made: dict[str, set[Path]] = defaultdict(set)
    for source in sources(*PRODUCT):
        for name, _ in calls(source):
            if (last := name.rpartition(".")[2]) in BY_NAME:
                made[last].add(source.path)
    return made


def subscriptions(service: str) -> Subscriptions:
    if not (PROJECT / "services" / service / "subscriptions.py").exists():
        return {}
    heard: Subscriptions = importlib.import_module(f"services.{service}.subscriptions").SUBSCRIPTIONS
    return heard


def ids(event: type[Event]) -> str:
    return event.__name__


@pytest.mark.parametrize("event", BY_NAME.values(), ids=ids)
def test_an_event_is_published_by_its_owner_and_by_nobody_else(event: type[Event]) -> None:
    files = publishers()[event.__name__]

    assert files, f"nobody publishes {event.__name__}"
    others = {str(path) for path in files if path.parts[:2] != ("services", event.source)}
    assert others == set(), f"{event.__name__} belongs to {event.source}"


@pytest.mark.parametrize("event", OF_CASES, ids=ids)
def test_somebody_else_acts_on_every_event_of_a_case(event: type[Event]) -> None:
    listeners = {
        service for service in SERVICES if service != event.source and event in subscriptions(service)
    }

    assert "insight" in listeners, "the read side shows everything"
    acting = listeners - {"insight"}
    assert bool(acting) != (event.__name__ in ONLY_SHOWN), f"acted on by {sorted(acting)}"


@pytest.mark.parametrize("event", OF_THINGS, ids=ids)
def test_the_directory_takes_every_thing_of_the_registry(event: type[Event]) -> None:
    directory, example = Directory(), EXAMPLES[event.type]

    directory.take(example)

    assert directory.revision == example.sequence


@pytest.mark.parametrize("event", BY_NAME.values(), ids=ids)
def test_an_event_has_a_golden_file(event: type[Event]) -> None:
    assert (PROJECT / "tests" / "contracts" / "golden" / f"{event.type}.json").is_file()


def introduction(service: str) -> dict[str, str]:
    tree = ast.parse((PROJECT / "services" / service / "__init__.py").read_text(encoding="utf-8"))
    return {found[1]: found[2] for found in INTRODUCTION.finditer(ast.get_docstring(tree) or "")}


def named_events(text: str) -> set[str]:
    """The event classes a sentence names; a name in camel case that is none of them is a mistake."""
    found = set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", text))
    assert found <= set(BY_NAME), f"no such event: {found - set(BY_NAME)}"
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_introduces_itself(service: str) -> None:
    assert list(introduction(service)) == ["Owns", "Listens to", "Publishes", "Promises"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_publishes_what_it_says(service: str) -> None:
    made = {name for name, files in publishers().items() if {path.parts[1] for path in files} == {service}}

    assert named_events(introduction(service)["Publishes"]) == made


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_listens_to_what_it_says(service: str) -> None:
    said = introduction(service)["Listens to"]
    every = set(OF_CASES) if said.startswith("every event of") else set()

    assert {BY_NAME[name] for name in named_events(said)} | every == set(subscriptions(service))
