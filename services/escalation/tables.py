"""Escalation's rows: the case as `rules.case.Case` knows it, one table per kind of fact, and what is sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.plumbing import add_plumbing


class Table(SQLModel, registry=registry()):
    """Escalation's own metadata."""


def moment(*, required: bool = False) -> Any:
    return Field(default=... if required else None, sa_type=DateTime(timezone=True))


def words(*, key: bool = False, required: bool = True) -> Any:
    return Field(default=... if required else None, sa_type=Text, primary_key=key)


def listed() -> Any:
    return Field(sa_type=JSONB)


def of_case(*, key: bool = False) -> Any:
    return Field(
        sa_column=Column(Uuid, ForeignKey("cases.case_id"), nullable=False, primary_key=key, index=not key)
    )


def sealed() -> Any:
    return Field(sa_type=LargeBinary)


class CaseRow(Table, table=True):
    """Where the case stands. `rung` is its place on `ladder`, the lowest rung first."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("rung >= 0 AND rung < jsonb_array_length(ladder)", name="rung_on_ladder"),
    )

    case_id: UUID = Field(primary_key=True)
    number: str = words()
    urgency: str = words()
    policy: dict[str, Any] = listed()
    ladder: list[Any] = listed()
    registered_at: datetime = moment(required=True)
    round: int
    rung: int
    handled_at: datetime | None = moment()
    closed_at: datetime | None = moment()


class DeadlineRow(Table, table=True):
    """One clock; `unit_id` is the unit it runs for."""

    __tablename__ = "deadlines"
    __table_args__ = (
        CheckConstraint("(ending IS NULL) = (ended_at IS NULL)", name="ended_one_way"),
        Index("deadlines_one_open", "case_id", "kind", unique=True, postgresql_where=text("ending IS NULL")),
        Index("deadlines_open", "due_at", "case_id", "kind", postgresql_where=text("ending IS NULL")),
        # Also what the open deadlines are counted from by kind and colour, without touching the table.
        Index(
            "deadlines_open_of_unit",
            "unit_id",
            "colour",
            "kind",
            "due_at",
            postgresql_where=text("ending IS NULL"),
        ),
    )

    case_id: UUID = of_case(key=True)
    kind: str = words(key=True)
    level: str = words(key=True)
    round: int = Field(primary_key=True)
    unit_id: str = words()
    set_at: datetime = moment(required=True)
    due_at: datetime = moment(required=True)
    amber_at: datetime = moment(required=True)
    assumed: bool
    colour: str = words()
    ending: str | None = words(required=False)
    ended_at: datetime | None = moment()
    met: bool | None = None


class RaiseRow(Table, table=True):
    """One step up; `id` is that of its CaseEscalated, `place` its place among the case's."""

    __tablename__ = "raises"
    __table_args__ = (Index("raises_in_order", "case_id", "place", unique=True),)

    id: UUID = Field(primary_key=True)
    case_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("cases.case_id"), nullable=False))
    place: int
    at: datetime = moment(required=True)
    cause: str = words()
    from_level: str = words()
    to_level: str = words()
    to_unit_id: str = words()
    skipped: list[Any] = listed()
    counts_from: datetime = moment(required=True)
    round: int
    by_person_id: str | None = words(required=False)
    reason: str | None = words(required=False)
    voided: bool


class OrderRow(Table, table=True):
    """督办. One per case and round: a dissatisfied resident makes one."""

    __tablename__ = "supervision_orders"
    __table_args__ = (Index("supervision_orders_of_unit", "supervising_unit_id", "at"),)

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    at: datetime = moment(required=True)
    kind: str = words()
    level: str = words()
    unit_id: str = words()
    supervising_unit_id: str = words()
    round: int


class HolderRow(Table, table=True):
    """Who holds which part, heard from dispatch; nobody holds a part together with somebody else."""

    __tablename__ = "holders"

    case_id: UUID = of_case(key=True)
    part_id: UUID = Field(primary_key=True)
    person_id: str = words()
    part_role: str = words()
    level: str = words()
    round: int


class CaseKeyRow(Table, table=True):
    """The case's key, wrapped; destroying it erases every text below."""

    __tablename__ = "case_keys"

    case_id: UUID = of_case(key=True)
    wrapped: bytes = sealed()


class RaiseText(Table, table=True):
    """What somebody wrote beside a raise by hand, sealed; the journal holds its digest."""

    __tablename__ = "raise_texts"

    raise_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("raises.id"), nullable=False, primary_key=True))
    text_sealed: bytes = sealed()


add_plumbing(Table.metadata)
