"""The topics, their partitions and settings; `python -m shared.topics` makes or verifies them.

The number of partitions is fixed when a topic is made: the partition of a case is part of the order that listeners
rely on, so changing it is a migration of the topic, not a setting.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field

from shared.event import CASES_TOPIC, REGISTRY_TOPIC
from shared.kafka import TopicMismatch, ensure_topics, murmur2


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int
    settings: dict[str, str] = field(default_factory=dict)


TOPICS = {
    topic.name: topic
    for topic in (
        Topic(CASES_TOPIC, 16, {"retention.ms": "-1", "cleanup.policy": "delete"}),
        Topic(REGISTRY_TOPIC, 1, {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"}),
    )
}


def partition_of(topic: str, key: str) -> int:
    """Kafka's own default partitioner (murmur2 of the key's UTF-8 bytes), pinned here and by a test."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % TOPICS[topic].partitions)


async def make_topics(bootstrap: str, prefix: str = "", replication_factor: int = 1) -> list[str]:
    """Make what is missing and verify the partitions of what is there; the names made.

    Raises TopicMismatch where a topic exists with another number of partitions.
    """
    wanted = {prefix + topic.name: (topic.partitions, topic.settings) for topic in TOPICS.values()}
    return await ensure_topics(bootstrap, wanted, replication_factor)


def main() -> int:
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP", "")
    if not bootstrap:
        print(
            "KAFKA_BOOTSTRAP is not set: give it the address of a broker, e.g. 127.0.0.1:9092",
            file=sys.stderr,
        )
        return 2
    factor = int(os.environ.get("TOPIC_REPLICATION_FACTOR", "1"))
    try:
        made = asyncio.run(make_topics(bootstrap, os.environ.get("TOPIC_PREFIX", ""), factor))
    except TopicMismatch as mismatch:
        print(mismatch, file=sys.stderr)
        return 1
    print("topics: " + (", ".join(made) + " made" if made else "all there"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
