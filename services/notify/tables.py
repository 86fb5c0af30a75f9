"""What notify keeps: its replica of each case, everybody's feed, and every message sent or still to send."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKeyConstraint, Index, text
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
    message is one that is due again when its sender's lease runs out: `due_at` is real time."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_once", "key", "via", unique=True),
        Index("messages_due", "via", "due_at", postgresql_where=text("state = 'due'")),
        Index("messages_over", "written_at", postgresql_where=text("state <> 'due'")),
        CheckConstraint("state IN ('due', 'sent', 'failed')", name="known_state"),
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


add_plumbing(Table.metadata)
