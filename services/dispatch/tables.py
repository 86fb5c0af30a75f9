"""The rows dispatch owns. What may never happen is a unique index or a check here before it is anything else."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlalchemy.types import Text
from sqlmodel import Field, SQLModel

from shared.plumbing import add_plumbing


class Table(SQLModel, registry=registry()):
    """The tables of this service and of no other."""


LIVE = "state IN ('offered', 'accepted', 'arrived')"


def moment(*, required: bool = False) -> Any:
    return Field(default=... if required else None, sa_type=DateTime(timezone=True))


def sealed() -> Any:
    """Under the key of the case; null once erased."""
    return Field(default=None, sa_type=LargeBinary)


def of_case() -> Any:
    return Field(foreign_key="cases.id")


class CaseRow(Table, table=True):
    __tablename__ = "cases"

    id: UUID = Field(primary_key=True)
    number: str = Field(sa_type=Text)
    category_code: str = Field(sa_type=Text)
    urgency: str = Field(sa_type=Text)
    headline: str = Field(sa_type=Text)
    place: dict[str, Any] = Field(sa_type=JSONB)
    grid_id: str | None = Field(sa_type=Text)
    unit_path: list[str] = Field(sa_type=ARRAY(Text))
    ladder: list[Any] = Field(sa_type=JSONB)
    policy: dict[str, Any] = Field(sa_type=JSONB)
    street_id: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    unit_id: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    round: int
    registered_at: datetime = moment(required=True)
    handled_at: datetime | None = moment()
    outcome: str | None = Field(default=None, sa_type=Text)
    closed_at: datetime | None = moment()
    wrapped_key: bytes | None = sealed()


class PartRow(Table, table=True):
    __tablename__ = "parts"
    __table_args__ = (
        Index("parts_by_case", "case_id"),
        # The search reads these all the time, and there are few: everything else is held or over.
        Index("parts_waiting", "case_id", postgresql_where=text("state = 'waiting'")),
        Index(
            "parts_one_owner",
            "case_id",
            unique=True,
            postgresql_where=text("role = 'owner' AND state <> 'ended'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    role: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    unit_id: str = Field(sa_type=Text)
    goes: bool
    state: str = Field(sa_type=Text)
    round: int
    opened_at: datetime = moment(required=True)
    turn: int
    nobody_since: datetime | None = moment()


class OfferRow(Table, table=True):
    __tablename__ = "offers"
    __table_args__ = (
        CheckConstraint("expires_at > offered_at", name="offers_last"),
        Index("offers_one_live_per_part", "part_id", unique=True, postgresql_where=text(LIVE)),
        Index(
            "offers_one_emergency_per_person",
            "person_id",
            unique=True,
            postgresql_where=text(f"emergency AND goes AND {LIVE}"),
        ),
        Index("offers_by_case", "case_id"),
        Index(
            "offers_on_hand",
            "person_id",
            postgresql_where=text("state IN ('offered', 'accepted', 'arrived', 'handled')"),
        ),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    part_id: UUID = Field(foreign_key="parts.id")
    person_id: str = Field(sa_type=Text)
    unit_id: str = Field(sa_type=Text)
    post: str = Field(sa_type=Text)
    turn: int
    state: str = Field(sa_type=Text)
    emergency: bool
    goes: bool
    offered_at: datetime = moment(required=True)
    expires_at: datetime = moment(required=True)
    eta_seconds: int | None = None
    chosen_because: str = Field(sa_type=Text)
    candidates: list[Any] = Field(sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'")})
    declined_because: str | None = Field(default=None, sa_type=Text)
    accepted_at: datetime | None = moment()
    arrived_at: datetime | None = moment()
    contacted_at: datetime | None = moment()
    ended_at: datetime | None = moment()


class ArrivalRow(Table, table=True):
    __tablename__ = "arrivals"
    __table_args__ = (Index("arrivals_by_case", "case_id"),)

    part_id: UUID = Field(primary_key=True, foreign_key="parts.id")
    at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    case_id: UUID = of_case()
    person_id: str = Field(sa_type=Text)
    method: str = Field(sa_type=Text)
    distance_m: int | None = None
    device_at: datetime | None = moment()
    sealed_reason: bytes | None = sealed()


class EvidenceRow(Table, table=True):
    """The files are in the store under evidence/<case>/<id>/; the original is never shown."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index("evidence_by_case", "case_id"),
        Index("evidence_with_position", "at", postgresql_where=text("sealed_position IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    part_id: UUID = Field(foreign_key="parts.id")
    person_id: str = Field(sa_type=Text)
    at: datetime = moment(required=True)
    media_type: str = Field(sa_type=Text)
    sha256: str = Field(sa_type=Text)
    size_bytes: int
    taken_at: datetime | None = moment()
    distance_m: int | None = None
    sealed_position: bytes | None = sealed()


class NoteRow(Table, table=True):
    __tablename__ = "notes"
    __table_args__ = (Index("notes_by_case", "case_id"),)

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    part_id: UUID = Field(foreign_key="parts.id")
    person_id: str = Field(sa_type=Text)
    at: datetime = moment(required=True)
    note: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    sealed_text: bytes | None = sealed()


class WhereaboutsRow(Table, table=True):
    """Where somebody was when accepting or arriving; deleted after thirty days."""

    __tablename__ = "whereabouts"
    __table_args__ = (Index("whereabouts_latest", "person_id", "at"), Index("whereabouts_by_age", "at"))

    id: UUID = Field(primary_key=True)
    person_id: str = Field(sa_type=Text)
    case_id: UUID = of_case()
    at: datetime = moment(required=True)
    sealed_position: bytes = Field(sa_type=LargeBinary)


class SyncedRow(Table, table=True):
    """What a phone's queued command was answered, so that sending the queue again changes nothing."""

    __tablename__ = "synced_commands"
    __table_args__ = (Index("synced_by_age", "answered_at"),)

    person_id: str = Field(primary_key=True, sa_type=Text)
    id: UUID = Field(primary_key=True)
    part_id: UUID | None = None
    answer: dict[str, Any] = Field(sa_type=JSONB)
    answered_at: datetime = moment(required=True)


add_plumbing(Table.metadata)
