"""What notify keeps: its replica of each case, everybody's feed, and every message sent or still to send."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Time,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlalchemy.types import Text
from sqlmodel import Field, SQLModel

from shared.plumbing import add_plumbing


class Table(SQLModel, registry=registry()):
    """The tables of this service and of no other."""


class Case(Table, table=True):
    """`rules.CaseFacts`: what a notice has to say about a case; folded from events, never amended otherwise."""

    __tablename__ = "cases"

    case_id: UUID = Field(primary_key=True)
    number: str = Field(sa_type=Text)
    headline: str = Field(sa_type=Text)
    urgency: str = Field(sa_type=Text)
    place: dict[str, Any] = Field(sa_type=JSONB)
    unit_path: list[str] = Field(sa_type=ARRAY(Text))
    ladder: list[Any] = Field(sa_type=JSONB)
    level: str = Field(sa_type=Text)
    unit_id: str = Field(sa_type=Text)
    round: int
    requester_can_be_asked: bool
    due: dict[str, Any] = Field(sa_type=JSONB)
    parts: list[Any] = Field(sa_type=JSONB)
    raises: dict[str, Any] = Field(sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")})
    closed: bool
    side_due: dict[str, Any] = Field(sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")})
    asked: dict[str, Any] = Field(sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")})
    orders: dict[str, Any] = Field(sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")})
    merged_into: UUID | None = None
    parent_number: str | None = Field(default=None, sa_type=Text)
    unread_after_seconds: int = Field(default=15, sa_column_kwargs={"server_default": "15"})
    care: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class Alarm(Table, table=True):
    """`rules.AlarmFacts`: a worker's call for help, folded from its own story."""

    __tablename__ = "alarms"

    alarm_id: UUID = Field(primary_key=True)
    person_id: str = Field(sa_type=Text)
    unit_path: list[str] = Field(sa_type=ARRAY(Text))
    case_id: UUID | None = None
    answered_by: str | None = Field(default=None, sa_type=Text)
    ended: bool
    raised_at: datetime = Field(sa_type=DateTime(timezone=True))
    told: list[str] = Field(sa_type=ARRAY(Text), sa_column_kwargs={"server_default": text("'{}'")})


class Counter(Table, table=True):
    """One row per person with a feed. Its lock is where a feed's numbers are drawn, so that a number never becomes
    visible after a greater one; whoever resumes after `forgotten_up_to` or later misses nothing."""

    __tablename__ = "counters"
    __table_args__ = (
        CheckConstraint("read_up_to <= last_seq", name="read_is_written"),
        CheckConstraint("forgotten_up_to <= last_seq", name="forgotten_is_written"),
    )

    person_id: str = Field(primary_key=True, sa_type=Text)
    last_seq: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    read_up_to: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    forgotten_up_to: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


class FeedRow(Table, table=True):
    """One notice on somebody's screen. `written_at` is real time, `created_at` business time."""

    __tablename__ = "feed"
    __table_args__ = (
        ForeignKeyConstraint(["person_id"], ["counters.person_id"]),
        # An event tells a person one thing once, whatever is replayed.
        Index("feed_once", "event_id", "kind", "person_id", unique=True),
    )

    person_id: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    notice_id: UUID
    event_id: UUID
    case_id: UUID
    kind: str = Field(sa_type=Text)
    body: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    written_at: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )
    read_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class MessageRow(Table, table=True):
    """One notice over one other channel. `person_id` is null for the requester, whose address is not here. A claimed
    message is one that is due again when its sender's lease runs out: `due_at` is real time, and so is `waits_since`,
    from when on it was to be sent.

    `held_until` is business time: a message that may wait is held until then, and then due by itself or gathered into
    the digest `digest_id`. `case_id` is the id of the alarm or mass task where the story is one of those."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_once", "key", "via", unique=True),
        Index("messages_next", "via", "priority", "due_at", postgresql_where=text("state = 'due'")),
        Index("messages_held", "held_until", postgresql_where=text("state = 'held'")),
        Index("messages_gathered", "digest_id", postgresql_where=text("state = 'gathered'")),
        Index(
            "messages_of_requester",
            "case_id",
            postgresql_where=text("person_id IS NULL AND state IN ('due', 'held')"),
        ),
        Index("messages_over", "written_at", postgresql_where=text("state IN ('sent', 'failed')")),
        CheckConstraint("state IN ('due', 'held', 'gathered', 'sent', 'failed')", name="known_state"),
        CheckConstraint("(state = 'held') <= (held_until IS NOT NULL)", name="held_has_an_end"),
        CheckConstraint("(state = 'gathered') <= (digest_id IS NOT NULL)", name="gathered_in_a_digest"),
        CheckConstraint("priority BETWEEN 0 AND 2", name="known_priority"),
    )

    notice_id: UUID = Field(primary_key=True)
    key: str = Field(sa_type=Text)
    event_id: UUID
    case_id: UUID
    kind: str = Field(sa_type=Text)
    person_id: str | None = Field(default=None, sa_type=Text)
    via: str = Field(sa_type=Text)
    body: dict[str, Any] = Field(sa_type=JSONB)
    state: str = Field(default="due", sa_type=Text, sa_column_kwargs={"server_default": "due"})
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    because: str | None = Field(default=None, sa_type=Text)
    written_at: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )
    due_at: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )
    waits_since: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )
    priority: int = Field(default=2, sa_type=SmallInteger, sa_column_kwargs={"server_default": "2"})
    held_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    digest_id: UUID | None = None
    received_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class PersonRow(Table, table=True):
    """How one person wants to be told, and the key under which their number and devices are sealed. `devices` counts
    the latter, so that everybody's reach is known from one small table."""

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet_has_two_ends"),
        CheckConstraint("digest IN ('off', 'after_quiet', 'daily')", name="known_digest"),
        CheckConstraint("(digest = 'daily') = (digest_at IS NOT NULL)", name="daily_has_an_hour"),
        CheckConstraint("devices >= 0", name="devices_are_counted"),
        Index("people_changed_at", "changed_at"),
    )

    person_id: str = Field(primary_key=True, sa_type=Text)
    version: int = 0
    chosen: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    channels: list[str] = Field(sa_type=ARRAY(Text), sa_column_kwargs={"server_default": text("'{}'")})
    quiet_from: time | None = Field(default=None, sa_type=Time)
    quiet_until: time | None = Field(default=None, sa_type=Time)
    digest: str = Field(sa_type=Text, sa_column_kwargs={"server_default": "after_quiet"})
    digest_at: time | None = Field(default=None, sa_type=Time)
    language: str | None = Field(default=None, sa_type=Text)
    wrapped_key: bytes = Field(sa_type=LargeBinary)
    sealed_number: bytes | None = Field(default=None, sa_type=LargeBinary)
    devices: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    changed_at: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )


class DeviceRow(Table, table=True):
    """One browser that may be pushed to. Its endpoint is a capability: whoever has it can reach the person."""

    __tablename__ = "devices"
    __table_args__ = (
        ForeignKeyConstraint(["person_id"], ["people.person_id"]),
        Index("devices_endpoint", "endpoint_index", unique=True),
        Index("devices_of_person", "person_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    person_id: str = Field(sa_type=Text)
    endpoint_index: bytes = Field(sa_type=LargeBinary)
    sealed: bytes = Field(sa_type=LargeBinary)
    name: str = Field(sa_type=Text)
    created_at: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )


class ToldThing(Table, table=True):
    """Something of the registry that was told already, by its name, until it is over."""

    __tablename__ = "told_things"

    name: str = Field(primary_key=True, sa_type=Text)
    ends_at: datetime = Field(sa_type=DateTime(timezone=True))


class TemplateRow(Table, table=True):
    """One edition of the words of a kind of notice. The latest counts; one without words means the shipped ones."""

    __tablename__ = "templates"
    __table_args__ = (
        CheckConstraint("(title IS NULL) = (text IS NULL)", name="both_or_neither"),
        CheckConstraint("version >= 1", name="versions_count_from_one"),
    )

    audience: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, sa_type=Text)
    language: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(primary_key=True)
    edited_by: str = Field(sa_type=Text)
    edited_at: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )
    title: str | None = Field(default=None, sa_type=Text)
    text: str | None = Field(default=None, sa_type=Text)


add_plumbing(Table.metadata)
