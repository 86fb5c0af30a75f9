"""The feed's streams that are open in this process, and how they are woken.

A stream holds only its place; what is new it reads from the table, so nothing is lost between a wake and a read and a
slow reader costs no memory. Waking may come late or once too often, never too seldom: `news` is set before the next
look at the table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from services.notify import metrics
from shared.database import Database


@dataclass(eq=False, slots=True)
class OpenStream:
    """One reader. `seq` is the last number it was sent."""

    person_id: str
    seq: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)


class OpenStreams:
    """Every open stream by person; a person may have several screens."""

    def __init__(self) -> None:
        self._by_person: dict[str, set[OpenStream]] = {}

    @contextmanager
    def opened(self, person_id: str) -> Iterator[OpenStream]:
        """Subscribed from here on, so that what comes while catching up is not missed."""
        stream = OpenStream(person_id)
        self._by_person.setdefault(person_id, set()).add(stream)
        metrics.OPEN_STREAMS.inc()
        try:
            yield stream
        finally:
            metrics.OPEN_STREAMS.dec()
            others = self._by_person[person_id]
            others.discard(stream)
            if not others:
                del self._by_person[person_id]

    @property
    def people(self) -> list[str]:
        return list(self._by_person)

    def behind(self, last_seqs: Mapping[str, int]) -> int:
        """How many streams have not been sent all there is."""
        return sum(
            stream.seq < last_seqs.get(person, 0)
            for person in self._by_person
            for stream in self._by_person[person]
        )

    def wake(self, last_seqs: Mapping[str, int]) -> None:
        """Wake the streams that are behind their person's last number."""
        for person_id, last_seq in last_seqs.items():
            for stream in self._by_person.get(person_id, ()):
                if stream.seq < last_seq:
                    stream.news.set()


_OPEN: WeakKeyDictionary[Database, OpenStreams] = WeakKeyDictionary()


def streams_of(database: Database) -> OpenStreams:
    """The open streams of the process that owns this database handle."""
    return _OPEN.setdefault(database, OpenStreams())
