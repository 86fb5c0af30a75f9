"""Escalation's rows: the case as `rules.case.Case` knows it, one table per kind of fact, and what is sealed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    Uuid,
    text,
)
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
        Index("cases_by_registration", "registered_at", "case_id"),
        Index("cases_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
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
    category_code: str = words()
    care: bool
    ends_at_once: bool
    appointment: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    sent_to: str | None = words(required=False)
    merged_into: UUID | None = None
    arrived_at: datetime | None = moment()
    contacted_at: datetime | None = moment()
    follow_up_from: datetime | None = moment()
    handle_until: datetime | None = moment()
    listed_on: date | None = None


class DeadlineRow(Table, table=True):
    """One clock; `unit_id` is the unit it runs for. `about` is the zero id for the clocks of the case itself."""

    __tablename__ = "deadlines"
    __table_args__ = (
        CheckConstraint("(ending IS NULL) = (ended_at IS NULL)", name="ended_one_way"),
        Index(
            "deadlines_one_open",
            "case_id",
            "kind",
            "about",
            unique=True,
            postgresql_where=text("ending IS NULL"),
        ),
        Index(
            "deadlines_open", "due_at", "case_id", "kind", "about", postgresql_where=text("ending IS NULL")
        ),
        # Where a calendar that changed is followed up, case by case.
        Index(
            "deadlines_open_of_case", "case_id", postgresql_where=text("ending IS NULL AND colour <> 'red'")
        ),
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
    about: UUID = Field(primary_key=True)
    level: str = words(key=True)
    round: int = Field(primary_key=True)
    unit_id: str = words()
    set_at: datetime = moment(required=True)
    due_at: datetime = moment(required=True)
    amber_at: datetime = moment(required=True)
    assumed: bool
    counts_from: datetime | None = moment()
    colour: str = words()
    ending: str | None = words(required=False)
    ended_at: datetime | None = moment()
    met: bool | None = None


class RaiseRow(Table, table=True):
    """One step up; `id` is that of its CaseEscalated, `place` its place among the case's."""

    __tablename__ = "raises"
    __table_args__ = (
        CheckConstraint("(replied_at IS NULL) = (replied_by IS NULL)", name="replied_by_somebody"),
        Index("raises_in_order", "case_id", "place", unique=True),
    )

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
    replied_at: datetime | None = moment()
    replied_by: str | None = words(required=False)
    reply_id: UUID | None = None


class OrderRow(Table, table=True):
    """督办. One open of a kind by the same unit in a round; a dissatisfied resident makes one."""

    __tablename__ = "supervision_orders"
    __table_args__ = (
        CheckConstraint("(answered_at IS NULL) = (answered_by IS NULL)", name="answered_by_somebody"),
        Index(
            "supervision_orders_one_open",
            "case_id",
            "round",
            "kind",
            "supervising_unit_id",
            unique=True,
            postgresql_where=text("answered_at IS NULL"),
        ),
        Index("supervision_orders_of_unit", "supervising_unit_id", "at", "id"),
        Index("supervision_orders_of_supervised", "unit_id", "at", "id"),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    at: datetime = moment(required=True)
    kind: str = words()
    level: str = words()
    unit_id: str = words()
    supervising_unit_id: str = words()
    round: int
    ordered_by: str | None = words(required=False)
    answered_at: datetime | None = moment()
    answered_by: str | None = words(required=False)
    answer_id: UUID | None = None


class ReturnRow(Table, table=True):
    """退单 and its ruling."""

    __tablename__ = "returns"
    __table_args__ = (
        CheckConstraint("(ruling IS NULL) = (ruled_at IS NULL)", name="ruled_once"),
        CheckConstraint(
            "(ruling IS NOT DISTINCT FROM 'redispatch') = (to_unit_id IS NOT NULL)",
            name="redispatch_names_a_unit",
        ),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    at: datetime = moment(required=True)
    part_id: UUID
    part_role: str = words()
    person_id: str = words()
    basis: str = words()
    rightful_unit_id: str = words()
    level: str = words()
    supervising_unit_id: str = words()
    round: int
    ruling: str | None = words(required=False)
    unanswered: bool
    to_unit_id: str | None = words(required=False)
    ruled_at: datetime | None = moment()
    ruled_by: str | None = words(required=False)
    over: bool


class ExtensionRow(Table, table=True):
    """延期: one undecided at a time, one granted ever."""

    __tablename__ = "extensions"
    __table_args__ = (
        CheckConstraint("until > due_at", name="later_than_due"),
        Index("extensions_once", "case_id", unique=True, postgresql_where=text("state = 'granted'")),
        Index("extensions_one_asked", "case_id", unique=True, postgresql_where=text("state = 'asked'")),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    at: datetime = moment(required=True)
    person_id: str = words()
    due_at: datetime = moment(required=True)
    until: datetime = moment(required=True)
    reason: str = words()
    level: str = words()
    approving_unit_id: str = words()
    round: int
    state: str = words()
    unanswered: bool
    decided_at: datetime | None = moment()
    decided_by: str | None = words(required=False)


class ParkingRow(Table, table=True):
    """挂账: one at a time; the review is never far off."""

    __tablename__ = "parkings"
    __table_args__ = (
        CheckConstraint("review_at > at AND review_at <= at + interval '90 days'", name="review_comes_later"),
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended_for_a_reason"),
        Index("parkings_one_at_a_time", "case_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    at: datetime = moment(required=True)
    owner_id: str = words()
    unit_id: str = words()
    reason: str = words()
    review_at: datetime = moment(required=True)
    level: str = words()
    round: int
    handle_due_at: datetime | None = moment()
    ended_at: datetime | None = moment()
    ended_because: str | None = words(required=False)


class ListingRow(Table, table=True):
    """An entry on the named persons' daily list; a case is on it once a day."""

    __tablename__ = "listings"
    __table_args__ = (
        Index("listings_once_a_day", "case_id", "day", unique=True),
        Index("listings_of_day", "day", "at", "id"),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("cases.case_id"), nullable=False))
    at: datetime = moment(required=True)
    day: date
    days: int
    round: int
    unit_id: str = words()
    supervising_unit_id: str = words()
    person_ids: list[Any] = listed()
    missed: list[Any] = listed()


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


class TextRow(Table, table=True):
    """What somebody wrote beside a raise, an order, an answer, a reply, a ruling or a parking, sealed; the journal
    holds its digest. `id` is that of the thing it belongs to, `about` what kind of thing that is."""

    __tablename__ = "texts"

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    about: str = words()
    text_sealed: bytes = sealed()


class CalendarSweep(Table, table=True):
    """How far the running clocks were counted anew by the calendars the registry published last. One row."""

    __tablename__ = "calendar_sweeps"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(primary_key=True)
    fingerprint: str = words()
    revision: int = Field(sa_type=BigInteger)
    noticed_at: datetime = moment(required=True)
    after_case_id: UUID
    finished: bool


add_plumbing(Table.metadata)
