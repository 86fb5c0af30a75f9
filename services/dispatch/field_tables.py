"""Rows of the work that is no case: the grids' rounds and the mass tasks. What may never happen is a check or a unique
index here first; whom it is about is sealed under a key per stop and per task."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Date, Text
from sqlmodel import Field

from services.dispatch.tables import Table, moment


def sealed() -> Any:
    return Field(default=None, sa_type=LargeBinary)


class RoundStopRow(Table, table=True):
    """`due_on` is the oldest day still owed. Of a visit nothing but its period stands here in the open."""

    __tablename__ = "round_stops"
    __table_args__ = (
        CheckConstraint(
            "kind = 'patrol_point' OR (label IS NULL AND place IS NULL)", name="visits_are_sealed"
        ),
        CheckConstraint("kind = 'visit' OR label IS NOT NULL", name="points_are_named"),
        CheckConstraint("amount BETWEEN 1 AND 365", name="stops_come_again"),
        Index("round_stops_due", "grid_id", "due_on", "id", postgresql_where=text("ended_at IS NULL")),
        Index(
            "round_stops_ended_by_grid",
            "grid_id",
            "due_on",
            "id",
            postgresql_where=text("ended_at IS NOT NULL"),
        ),
        Index("round_stops_ended", "ended_at", postgresql_where=text("wrapped_key IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    grid_id: str = Field(sa_type=Text)
    label: str | None = Field(default=None, sa_type=Text)
    place: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    period: str = Field(sa_type=Text)
    amount: int
    since: date
    preferred_at: time | None = None
    stay_minutes: int
    person_id: str | None = Field(default=None, sa_type=Text)
    digest: str | None = Field(default=None, sa_type=Text)
    due_on: date
    not_before: date
    done_on: date | None = None
    done_by: str | None = Field(default=None, sa_type=Text)
    entry_id: UUID | None = None
    reason: str | None = Field(default=None, sa_type=Text)
    added_at: datetime = moment(required=True)
    ended_at: datetime | None = moment()
    wrapped_key: bytes | None = sealed()
    sealed_details: bytes | None = sealed()


class RoundEntryRow(Table, table=True):
    """What somebody entered at a stop. Never changed but for `undone_at`: a wrong one stays, and says so."""

    __tablename__ = "round_entries"
    __table_args__ = (
        CheckConstraint("done = (reason IS NULL)", name="not_done_has_a_reason"),
        Index("round_entries_by_stop", "stop_id", "at"),
        Index("round_entries_by_author", "person_id", "at", "id"),
    )

    id: UUID = Field(primary_key=True)
    stop_id: UUID = Field(foreign_key="round_stops.id")
    person_id: str = Field(sa_type=Text)
    at: datetime = moment(required=True)
    device_at: datetime | None = moment()
    done: bool
    reason: str | None = Field(default=None, sa_type=Text)
    method: str | None = Field(default=None, sa_type=Text)
    distance_m: int | None = None
    due_on: date
    counts_for: date | None = None
    missed: list[date] = Field(
        default=[], sa_type=ARRAY(Date), sa_column_kwargs={"server_default": text("'{}'")}
    )
    undone_at: datetime | None = moment()


class RoundDueRow(Table, table=True):
    """A day that was owed and is settled: done, or passed over with the last reason given. What is still owed is not
    here: it follows from the stop's period."""

    __tablename__ = "round_dues"
    __table_args__ = (Index("round_dues_by_grid", "grid_id", "due_on"),)

    stop_id: UUID = Field(primary_key=True, foreign_key="round_stops.id")
    due_on: date = Field(primary_key=True)
    grid_id: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    done: bool
    reason: str | None = Field(default=None, sa_type=Text)


class RoundDayRow(Table, table=True):
    """What a grid's stops came to on one day, as it was told last; nothing was told while `told_at` is null."""

    __tablename__ = "round_days"
    __table_args__ = (
        CheckConstraint("done BETWEEN 0 AND owed", name="no_more_done_than_owed"),
        Index("round_days_once", "grid_id", "day", unique=True),
    )

    id: UUID = Field(primary_key=True)
    grid_id: str = Field(sa_type=Text)
    day: date
    owed: int
    done: int
    not_done: dict[str, int] = Field(sa_type=JSONB)
    told_at: datetime | None = moment()


class RoundWordsRow(Table, table=True):
    """Notes, corrections and why a stop was changed; the story knows them by id and digest."""

    __tablename__ = "round_words"
    __table_args__ = (Index("round_words_by_stop", "stop_id"),)

    id: UUID = Field(primary_key=True)
    stop_id: UUID = Field(foreign_key="round_stops.id")
    sealed_text: bytes | None = sealed()


class MassTaskRow(Table, table=True):
    """`done` and `missing` are written when it is closed, and stay what they are."""

    __tablename__ = "mass_tasks"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'open', 'closed')", name="mass_tasks_state"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="mass_tasks_closed"),
        Index("mass_tasks_latest", "prepared_at", "id"),
        Index("mass_tasks_kept", "closed_at", postgresql_where=text("wrapped_key IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    title: str = Field(sa_type=Text)
    unit_path: list[str] = Field(sa_type=ARRAY(Text))
    state: str = Field(sa_type=Text)
    due_at: datetime = moment(required=True)
    digest: str = Field(sa_type=Text)
    prepared_by: str = Field(sa_type=Text)
    prepared_at: datetime = moment(required=True)
    opened_at: datetime | None = moment()
    split_at: datetime | None = moment()
    closed_at: datetime | None = moment()
    total: int
    done: int | None = None
    missing: dict[str, int] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    wrapped_key: bytes | None = sealed()
    sealed_instructions: bytes | None = sealed()


class MassTaskPersonRow(Table, table=True):
    """Somebody on the list. `building` is a digest: neighbours share it, and nobody reads an address from it;
    `place` is where they stand in a walk along the addresses, `leg` the turn of their house in the worker's walk."""

    __tablename__ = "mass_task_people"
    __table_args__ = (
        CheckConstraint("(state = 'not_done') = (reason IS NOT NULL)", name="not_done_says_why"),
        CheckConstraint("state IN ('open', 'done', 'not_done')", name="mass_task_people_state"),
        Index("mass_task_people_once", "task_id", "ref", unique=True),
        Index("mass_task_people_walk", "task_id", "worker_id", "place", "id"),
        Index("mass_task_people_list", "task_id", "place", "id"),
    )

    id: UUID = Field(primary_key=True)
    task_id: UUID = Field(foreign_key="mass_tasks.id")
    ref: str = Field(sa_type=Text)
    grid_id: str = Field(sa_type=Text)
    building: str = Field(sa_type=Text)
    place: int
    leg: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    worker_id: str | None = Field(default=None, sa_type=Text)
    state: str = Field(sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    tries: int
    try_id: UUID | None = Field(default=None, sa_type=Uuid)
    tried_by: str | None = Field(default=None, sa_type=Text)
    tried_at: datetime | None = moment()
    sealed_person: bytes | None = sealed()


class MassTaskTryRow(Table, table=True):
    """Each time somebody was there, in order; a wrong one stays, and says so."""

    __tablename__ = "mass_task_tries"
    __table_args__ = (
        CheckConstraint("done = (reason IS NULL)", name="a_try_that_failed_says_why"),
        Index("mass_task_tries_by_person", "listed_id", "at"),
        Index("mass_task_tries_by_task", "task_id"),
        Index("mass_task_tries_by_author", "person_id", "at", "id"),
    )

    id: UUID = Field(primary_key=True)
    task_id: UUID = Field(foreign_key="mass_tasks.id")
    listed_id: UUID = Field(foreign_key="mass_task_people.id")
    person_id: str = Field(sa_type=Text)
    at: datetime = moment(required=True)
    device_at: datetime | None = moment()
    done: bool
    reason: str | None = Field(default=None, sa_type=Text)
    undone_at: datetime | None = moment()
    sealed_note: bytes | None = sealed()
    sealed_correction: bytes | None = sealed()


class AdviceGivenRow(Table, table=True):
    """To whom it was said lately where they might wait, so that nobody is told too often, and which grid was named;
    never whether they went."""

    __tablename__ = "advice_given"
    __table_args__ = (
        Index("advice_given_by_street", "street_id", "at"),
        Index("advice_given_by_age", "at"),
    )

    person_id: str = Field(primary_key=True, sa_type=Text)
    at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    street_id: str = Field(sa_type=Text)
    grid_id: str | None = Field(default=None, sa_type=Text)


class AdviceUnwantedRow(Table, table=True):
    """Who wants no advice."""

    __tablename__ = "advice_unwanted"

    person_id: str = Field(primary_key=True, sa_type=Text)
    since: datetime = moment(required=True)


METADATA = Table.metadata
"""Of all of dispatch's tables: whoever takes it from here has these among them."""
