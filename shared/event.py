"""What every event is: a CloudEvent whose attributes (`id`, `at`, `sequence`, `subject`) travel in Kafka headers and
whose other fields travel as the JSON body. The events themselves stand in events/.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.ids import uuid7
from shared.things import Value
from shared.vocabulary import ActorKind, Channel, Role

CASES_TOPIC = "yike.cases"
REGISTRY_TOPIC = "yike.registry"


class Actor(Value):
    """Who did it. The system acts where a clock or a rule did; a requester is never named. `on_behalf_of` is whose
    role was used, by delegation."""

    kind: ActorKind = ActorKind.SYSTEM
    person_id: str | None = None
    role: Role | None = None
    on_behalf_of: str | None = None


SYSTEM = Actor()
REQUESTER = Actor(kind=ActorKind.REQUESTER)


class Event(BaseModel):
    """What happened. `at` is business time by the owner's database; `sequence` counts the owner's published events
    of the subject from 1, and is 0 until the event is announced."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    source: ClassVar[str]
    topic: ClassVar[str]
    subject_field: ClassVar[str] = ""
    """The field that says whose story it is: it travels in the headers. None where that needs no saying."""

    id: UUID = Field(default_factory=uuid7, exclude=True)
    at: datetime = Field(exclude=True)
    sequence: int = Field(default=0, exclude=True)
    actor: Actor = SYSTEM
    channel: Channel = Channel.SYSTEM

    def __init_subclass__(cls, *, type: str = "", source: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if type:
            cls.type, cls.source = type, source
            (EVENT_TYPES if cls.topic else JOURNAL_ONLY_TYPES)[type] = cls

    @property
    def subject(self) -> UUID:
        """Whose story this belongs to: the case, the alarm, the registry as one."""
        subject: UUID = getattr(self, self.subject_field)
        return subject

    @property
    def key(self) -> str:
        """The Kafka key: order holds within it, and compaction keeps its latest."""
        return str(self.subject)


EVENT_TYPES: dict[str, type[Event]] = {}
"""Event class by its ce_type."""

JOURNAL_ONLY_TYPES: dict[str, type[Event]] = {}
"""What a service writes into its own journal and never publishes (a topic of ""); it defines these itself."""


class CaseEvent(Event):
    """Something that happened to one case; all of a case's events are one ordered story."""

    topic = CASES_TOPIC
    subject_field = "case_id"
    case_id: UUID = Field(exclude=True)


class AlarmEvent(Event):
    """Something about a worker's call for help (SOS), which has a story of its own: there may be no case."""

    topic = CASES_TOPIC
    subject_field = "alarm_id"
    alarm_id: UUID = Field(exclude=True)


class TaskEvent(Event):
    """Something about a mass task (全员任务), which has a story of its own: it is no case of anybody's."""

    topic = CASES_TOPIC
    subject_field = "task_id"
    task_id: UUID = Field(exclude=True)


class AdviceEvent(Event):
    """Something a street's free people are told to think of. All advice of one street is one story."""

    topic = CASES_TOPIC
    subject_field = "advice_id"
    advice_id: UUID = Field(exclude=True)


class RoundDayEvent(Event):
    """Something about the rounds of one grid on one day, which have a story of their own."""

    topic = CASES_TOPIC
    subject_field = "day_id"
    day_id: UUID = Field(exclude=True)
