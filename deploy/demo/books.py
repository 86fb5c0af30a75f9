"""The books: every call accounted for, and journal, topic and read side agreeing case by case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from deploy.demo.city import City
from deploy.local.names import SERVICES
from deploy.local.stack import Stack
from shared import codec
from shared.event import CASES_TOPIC, CaseEvent
from shared.events.intake import CaseClosed
from shared.kafka import tail

PUBLISHERS = ("intake", "dispatch", "escalation", "notify")
JOURNAL = "SELECT subject_id, event_id, sequence FROM journal WHERE source = $1 AND sequence > 0 ORDER BY seq"
DEAD = "SELECT count(*) FROM dead_letters"
READ_SIDE = "SELECT case_id, event_id FROM timeline"
REGISTERED = "SELECT case_id FROM cases"
CLOSED = "SELECT case_id, outcome FROM cases WHERE closed_at IS NOT NULL"

Kind = TypeVar("Kind", bound=CaseEvent)
Story = dict[UUID, list[CaseEvent]]
Tables = Mapping[str, Mapping[str, Any]]
"""By service: `dead_letters`, and where it has them `journal`, `registered`, `closed` and `timeline`."""


@dataclass
class Books:
    """`faults` names what does not agree; the books balance when there are none."""

    story: Story
    dead_letters: int
    faults: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        return sum(len(events) for events in self.story.values())

    @property
    def balanced(self) -> bool:
        return not self.faults and self.dead_letters == 0

    def of_type(self, kind: type[Kind]) -> list[Kind]:
        return [event for events in self.story.values() for event in events if isinstance(event, kind)]


async def read_story(bootstrap: str) -> Story:
    """Each case's events as a listener hears them: in topic order, without what was published twice."""
    story: Story = defaultdict(list)
    seen: dict[tuple[UUID, str], int] = {}
    async with aclosing(tail(bootstrap, CASES_TOPIC)) as batches:
        async for records, reached_end in batches:
            for record in records:
                event = codec.decode(record.headers, record.value)
                if not isinstance(event, CaseEvent):
                    continue
                key = (event.case_id, event.source)
                if event.sequence > seen.get(key, 0):
                    seen[key] = event.sequence
                    story[event.case_id].append(event)
            if reached_end:
                return story
    return story


async def close_books(stack: Stack, city: City) -> Books:
    """Read everything there is and compare it."""
    story = await read_story(stack.kafka_bootstrap)
    tables = {service: await _tables(stack.database_url(service), service) for service in SERVICES}
    return compare({UUID(case_id) for case_id in city.cases}, tables, story)


def compare(answered: set[UUID], tables: Tables, story: Story) -> Books:
    """`answered` are the cases whose callers were given a number."""
    books = Books(story, sum(table["dead_letters"] for table in tables.values()))
    books.faults += _calls(answered, tables["intake"]["registered"], story)
    for service in PUBLISHERS:
        books.faults += _journal(service, tables[service]["journal"], story)
    books.faults += _read_side(tables["insight"]["timeline"], story)
    books.faults += _ends(tables, story)
    return books


async def _tables(url: str, service: str) -> dict[str, Any]:
    link = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://"))
    try:
        found: dict[str, Any] = {"dead_letters": await link.fetchval(DEAD)}
        if service in PUBLISHERS:
            found["journal"] = await link.fetch(JOURNAL, service)
        if service == "intake":
            found["registered"] = {row["case_id"] for row in await link.fetch(REGISTERED)}
        if service in ("intake", "insight"):
            found["closed"] = {row["case_id"]: row["outcome"] for row in await link.fetch(CLOSED)}
        if service == "insight":
            found["timeline"] = await link.fetch(READ_SIDE)
        return found
    finally:
        await link.close()


def _calls(answered: set[UUID], registered: set[UUID], story: Story) -> list[str]:
    """Every case exists because of an answered call, and every answered call is a case with a story."""
    return [
        *(f"{case_id} was answered 201 but is not registered" for case_id in answered - registered),
        *(f"{case_id} is registered but nobody called" for case_id in registered - answered),
        *(f"{case_id} is registered but has no story on the topic" for case_id in registered - set(story)),
        *(f"{case_id} has a story on the topic but is not registered" for case_id in set(story) - registered),
    ]


def _journal(service: str, rows: Sequence[Mapping[str, Any]], story: Story) -> list[str]:
    """What a service wrote down as published is what the topic has of it, in its order and without a gap."""
    written: dict[UUID, list[tuple[int, UUID]]] = defaultdict(list)
    for row in rows:
        written[row["subject_id"]].append((row["sequence"], row["event_id"]))
    faults = []
    for case_id in sorted(set(written) | set(story)):
        told = [(event.sequence, event.id) for event in story.get(case_id, ()) if event.source == service]
        kept = written.get(case_id, [])
        if told != kept:
            how = "" if len(told) != len(kept) else ", but others or in another order"
            faults.append(f"{case_id}: {service} wrote {len(kept)} events, the topic has {len(told)}{how}")
        elif [sequence for sequence, _ in told] != list(range(1, len(told) + 1)):
            faults.append(f"{case_id}: a number of {service} is missing on the topic")
    return faults


def _read_side(rows: Sequence[Mapping[str, Any]], story: Story) -> list[str]:
    shown: dict[UUID, set[UUID]] = defaultdict(set)
    for row in rows:
        shown[row["case_id"]].add(row["event_id"])
    return [
        f"{case_id}: the read side shows {len(shown[case_id])} events, the topic has {len(story.get(case_id, ()))}"
        for case_id in sorted(set(shown) | set(story))
        if shown[case_id] != {event.id for event in story.get(case_id, ())}
    ]


def _ends(tables: Tables, story: Story) -> list[str]:
    """A case is closed, with the same outcome, for whoever ended it and for whoever reads of it."""
    told = {
        case_id: str(events[-1].outcome)
        for case_id, all_events in story.items()
        if (events := [event for event in all_events if isinstance(event, CaseClosed)])
    }
    return [
        f"{service} has {len(tables[service]['closed'])} closed cases, the topic {len(told)}, or their outcomes differ"
        for service in ("intake", "insight")
        if {case: str(outcome) for case, outcome in tables[service]["closed"].items()} != told
    ]
