"""The rows dispatch owns. What may never happen is a unique index or a check here before it is anything else."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB
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


def texts() -> Any:
    return Field(default=[], sa_type=ARRAY(Text), sa_column_kwargs={"server_default": text("'{}'")})


def of_case() -> Any:
    return Field(foreign_key="cases.id")


class CaseRow(Table, table=True):
    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "cases_by_street",
            "street_id",
            "registered_at",
            postgresql_where=text("urgency = 'emergency'"),
        ),
    )

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
    reported_at: datetime | None = moment()
    excluded: list[str] = texts()
    care: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    ends_at_once: str | None = Field(default=None, sa_type=Text)
    appointment: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    merged_into: str | None = Field(default=None, sa_type=Text)
    questions: list[UUID] = Field(
        default=[], sa_type=ARRAY(Uuid), sa_column_kwargs={"server_default": text("'{}'")}
    )
    extension: str | None = Field(default=None, sa_type=Text)
    extended_until: datetime | None = moment()
    review_at: datetime | None = moment()
    erased_at: datetime | None = moment()
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
    searched_from: datetime = moment(required=True)
    nobody_since: datetime | None = moment()
    own_people_only: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    asked_by: str | None = Field(default=None, sa_type=Text)
    task_id: UUID | None = None
    due_at: datetime | None = moment()
    help_id: UUID | None = None


class OfferRow(Table, table=True):
    __tablename__ = "offers"
    __table_args__ = (
        CheckConstraint("expires_at > offered_at", name="offers_last"),
        # 接替 is asked of somebody while another is on the way: beside that one holder, and one question at a time.
        Index(
            "offers_one_live_per_part",
            "part_id",
            unique=True,
            postgresql_where=text(f"{LIVE} AND (takes_over IS NULL OR state <> 'offered')"),
        ),
        Index("offers_one_ask_per_part", "part_id", unique=True, postgresql_where=text("state = 'offered'")),
        Index(
            "offers_one_emergency_per_person",
            "person_id",
            unique=True,
            postgresql_where=text(
                f"emergency AND goes AND {LIVE} AND (swap_of IS NULL OR state <> 'offered')"
            ),
        ),
        # 改派 is asked of somebody who is on the way to something else: beside that one emergency, and once at a time.
        Index(
            "offers_one_swap_per_person",
            "person_id",
            unique=True,
            postgresql_where=text("swap_of IS NOT NULL AND state = 'offered'"),
        ),
        Index(
            "offers_under_way",
            "case_id",
            postgresql_where=text("state = 'accepted' AND emergency AND goes"),
        ),
        Index("offers_by_swap", "swap_of", postgresql_where=text("swap_of IS NOT NULL")),
        Index("offers_by_case", "case_id"),
        Index("offers_shadowed", "offered_at", "id", postgresql_where=text("shadow IS NOT NULL")),
        Index(
            "offers_on_hand",
            "person_id",
            postgresql_where=text("state IN ('offered', 'accepted', 'arrived', 'handled')"),
        ),
        Index("offers_by_person", "person_id", "offered_at", "id"),
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
    passed_on: str | None = Field(default=None, sa_type=Text)
    policy: str | None = Field(default=None, sa_type=Text)
    shadow: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    swap_of: UUID | None = None
    takes_over: UUID | None = None


class ArrivalRow(Table, table=True):
    __tablename__ = "arrivals"
    __table_args__ = (
        Index("arrivals_by_case", "case_id"),
        Index("arrivals_by_id", "id", unique=True),
        Index("arrivals_by_time", "at", "part_id"),
    )

    id: UUID
    part_id: UUID = Field(primary_key=True, foreign_key="parts.id")
    at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    case_id: UUID = of_case()
    person_id: str = Field(sa_type=Text)
    method: str = Field(sa_type=Text)
    distance_m: int | None = None
    device_at: datetime | None = moment()
    device_time_accepted: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
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


class PhotoRow(Table, table=True):
    """What a photo looks like (shared/photos.py), to find it again on another case. Two photos alike have one of
    their four bands in common. Made from the file, so it is no part of the story."""

    __tablename__ = "photos"
    __table_args__ = (Index("photos_by_band", "bands", postgresql_using="gin"),)

    evidence_id: UUID = Field(primary_key=True, foreign_key="evidence.id")
    case_id: UUID = of_case()
    likeness: str = Field(sa_type=BIT(64))
    bands: list[int] = Field(sa_type=ARRAY(Integer))


class ReturnRow(Table, table=True):
    __tablename__ = "returns"
    __table_args__ = (
        Index("returns_by_case", "case_id"),
        Index(
            "returns_one_pending_per_unit",
            "case_id",
            "unit_id",
            unique=True,
            postgresql_where=text("ruling IS NULL"),
        ),
        Index(
            "returns_refused_once",
            "case_id",
            "unit_id",
            unique=True,
            postgresql_where=text("ruling = 'refuse'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    part_id: UUID = Field(foreign_key="parts.id")
    person_id: str = Field(sa_type=Text)
    unit_id: str = Field(sa_type=Text)
    at: datetime = moment(required=True)
    basis: str = Field(sa_type=Text)
    rightful_unit_id: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    ruling: str | None = Field(default=None, sa_type=Text)
    to_unit_id: str | None = Field(default=None, sa_type=Text)
    ruled_at: datetime | None = moment()


class HelpCallRow(Table, table=True):
    __tablename__ = "help_calls"
    __table_args__ = (Index("help_calls_by_case", "case_id"),)

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    part_id: UUID = Field(foreign_key="parts.id")
    person_id: str = Field(sa_type=Text)
    at: datetime = moment(required=True)
    unit_ids: list[str] = Field(sa_type=ARRAY(Text))


class StatementRow(Table, table=True):
    """Words besides the notes: why it is returned, what to do, what was wrong."""

    __tablename__ = "statements"
    __table_args__ = (Index("statements_by_case", "case_id"),)

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    part_id: UUID = Field(foreign_key="parts.id")
    person_id: str = Field(sa_type=Text)
    at: datetime = moment(required=True)
    kind: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    entry_id: UUID | None = None
    sealed_text: bytes | None = sealed()


class FlagRow(Table, table=True):
    __tablename__ = "flags"
    __table_args__ = (Index("flags_by_case", "case_id"), Index("flags_latest", "at", "entry_id"))

    entry_id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    part_id: UUID = Field(foreign_key="parts.id")
    person_id: str = Field(sa_type=Text)
    at: datetime = moment(required=True)
    entry: str = Field(sa_type=Text)
    flags: list[str] = Field(sa_type=ARRAY(Text))


class AlarmRow(Table, table=True):
    """SOS, a story of its own. One open alarm per person: pressing again is the same call for help."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index(
            "alarms_one_open_per_person", "person_id", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
        Index("alarms_latest", "raised_at", "id"),
        Index("alarms_with_position", "raised_at", postgresql_where=text("sealed_position IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    person_id: str = Field(sa_type=Text)
    unit_path: list[str] = Field(sa_type=ARRAY(Text))
    case_id: UUID | None = None
    raised_at: datetime = moment(required=True)
    answered_by: str | None = Field(default=None, sa_type=Text)
    answered_at: datetime | None = moment()
    ended_by: str | None = Field(default=None, sa_type=Text)
    ended_at: datetime | None = moment()
    by_mistake: bool = False
    wrapped_key: bytes | None = Field(default=None, sa_type=LargeBinary)
    sealed_position: bytes | None = Field(default=None, sa_type=LargeBinary)


class WhereaboutsRow(Table, table=True):
    """Where somebody was when accepting or arriving; deleted after thirty days."""

    __tablename__ = "whereabouts"
    __table_args__ = (Index("whereabouts_latest", "person_id", "at"), Index("whereabouts_by_age", "at"))

    id: UUID = Field(primary_key=True)
    person_id: str = Field(sa_type=Text)
    case_id: UUID = of_case()
    at: datetime = moment(required=True)
    device_at: datetime | None = moment()
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


class TravelCountRow(Table, table=True):
    """How many real ways from cell to cell, in these hours by this mode, took so many times what the model said
    (travel/learned.py). Nobody's name, no time of day finer than the band, no place finer than half a kilometre."""

    __tablename__ = "travel_counts"
    __table_args__ = (CheckConstraint("trips > 0", name="travel_counts_count"),)

    model: str = Field(primary_key=True, sa_type=Text)
    mode: str = Field(primary_key=True, sa_type=Text)
    band: int = Field(primary_key=True, sa_type=SmallInteger)
    to_cell: int = Field(primary_key=True, sa_type=BigInteger)
    from_cell: int = Field(primary_key=True, sa_type=BigInteger)
    bin: int = Field(primary_key=True, sa_type=SmallInteger)
    trips: int


class TravelProgressRow(Table, table=True):
    """Up to which arrival a model's counts have learned, so that each counts once, whichever replica looks."""

    __tablename__ = "travel_progress"

    model: str = Field(primary_key=True, sa_type=Text)
    learned_until: datetime = moment(required=True)
    part_id: UUID


add_plumbing(Table.metadata)
