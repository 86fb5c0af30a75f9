"""What insight keeps: one row per case with its follow-ups, rounds and who worked on it, one row per event, one per
alarm. All of it can be folded again; but snapshots and publications were true when they were made, and stay."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Index, Numeric, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlalchemy.types import Text
from sqlmodel import Field, SQLModel

from shared.plumbing import add_plumbing


class Table(SQLModel, registry=registry()):
    """The tables of this service and of no other."""


def at(*, required: bool = False) -> Any:
    return Field(default=... if required else None, sa_type=DateTime(timezone=True))


def words(*, required: bool = False) -> Any:
    return Field(default=... if required else None, sa_type=Text)


def listed() -> Any:
    return Field(default_factory=list, sa_type=JSONB)


class Case(Table, table=True):
    """`facts.CaseRow` and `standing.Standing` of one case; the follow-ups have rows of their own."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("cases_number", "number"),
        Index("cases_registered", "registered_at", "case_id"),
        Index("cases_emergencies", "registered_at", postgresql_where=text("urgency = 'emergency'")),
        Index("cases_unit_path", "unit_path", postgresql_using="gin"),
        # The board reads what is open, and a city's closed cases outnumber those a thousand to one.
        Index("cases_open", "next_due_at", postgresql_where=text("state <> 'closed'")),
        Index("cases_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("cases_closed", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
    )

    case_id: UUID = Field(primary_key=True)
    number: str = words(required=True)
    category_code: str = words(required=True)
    urgency: str = words(required=True)
    channel: str = words(required=True)
    headline: str = words(required=True)
    place_label: str = words(required=True)
    grid_id: str | None = words()
    unit_path: list[str] = Field(sa_type=ARRAY(Text))
    ladder: list[str] = Field(sa_type=ARRAY(Text))
    ladder_unit_ids: list[str] = Field(sa_type=ARRAY(Text))
    policy_id: str = words(required=True)
    requester_can_be_asked: bool
    registry_revision: int
    registered_at: datetime = at(required=True)
    round: int
    reopened_count: int
    reopened_at: datetime | None = at()
    closed_at: datetime | None = at()
    closed_round: int | None = None
    closed_by: str | None = words()
    outcome: str | None = words()
    resolved_level: str | None = words()
    requester_kind: str = words(required=True)
    care: bool
    crisis: str | None = words()
    reported_at: datetime | None = at()
    taken_at: str | None = words()
    appointment_starts_at: datetime | None = at()
    appointment_ends_at: datetime | None = at()
    amended_at: datetime | None = at()
    urged: int
    parent_id: UUID | None = None
    parent_number: str | None = words()
    merged_at: datetime | None = at()
    answered_at: datetime | None = at()
    not_accepted_reason: str | None = words()
    rightful_unit_id: str | None = words()
    withdrawn_at: datetime | None = at()
    questions: list[Any] = listed()
    questions_asked: int
    attachments: int
    progress_calls: int
    progress_reached: int
    erased_at: datetime | None = at()
    parts: list[Any] = listed()
    offered_at: datetime | None = at()
    accepted_at: datetime | None = at()
    arrived_at: datetime | None = at()
    arrived_told_at: datetime | None = at()
    arrived_device_at: datetime | None = at()
    device_time_accepted: datetime | None = at()
    contacted_at: datetime | None = at()
    photographed_at: datetime | None = at()
    account_at: datetime | None = at()
    measure_at: datetime | None = at()
    first_handled_at: datetime | None = at()
    handled_at: datetime | None = at()
    handled_round: int | None = None
    handled_level: str | None = words()
    handled_outcome: str | None = words()
    handled_musts: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    late_cause: str | None = words()
    offers: int
    declines: int
    lapses: int
    withdrawals: int
    nobody_available_count: int
    evidence_count: int
    worked_round: int | None = None
    helps: list[Any] = listed()
    returns: list[Any] = listed()
    hand_overs: int
    corrections: int
    flagged: list[Any] = listed()
    account_round: int | None = None
    measure_round: int | None = None
    clocks: list[Any] = listed()
    raises: list[Any] = listed()
    supervisions: list[Any] = listed()
    extensions: list[Any] = listed()
    parks: list[Any] = listed()
    listed_on: date | None = None
    listed_days: int
    entered_level: str | None = words()
    notices_delivered: int
    notices_read: int
    notices_failed: int
    notices_received: int
    events: int
    last_event_at: datetime | None = at()
    # worked out by standing.py
    state: str = words(required=True)
    level: str = words(required=True)
    level_unit_id: str = words(required=True)
    level_reached: str = words(required=True)
    holder_id: str | None = words()
    going_id: str | None = words()
    acknowledged: bool
    musts_met: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    raises_count: int
    deadlines_met: int
    deadlines_missed: int
    next_due_at: datetime | None = at()
    next_amber_at: datetime | None = at()
    next_kind: str | None = words()
    arrival_counts_at: datetime | None = at()
    park: dict[str, Any] | None = Field(default=None, sa_type=JSONB)


class FollowUp(Table, table=True):
    """`facts.FollowUp`: one per case and round."""

    __tablename__ = "follow_ups"
    __table_args__ = (
        Index("follow_ups_reached", "reached_at", postgresql_where=text("reached_at IS NOT NULL")),
        Index("follow_ups_opened", "opened_at", postgresql_where=text("opened_at IS NOT NULL")),
    )

    case_id: UUID = Field(primary_key=True)
    follow_up_id: UUID = Field(primary_key=True)
    round: int
    opened_at: datetime | None = at()
    attempts: int
    early_answers: int
    reached_at: datetime | None = at()
    via: str | None = words()
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: str | None = words()
    coached: bool
    given_up_at: datetime | None = at()
    reopened_at: datetime | None = at()


class Round(Table, table=True):
    """`facts.Round` with `standing.Dues`: from a registration or a reopening to the next."""

    __tablename__ = "rounds"
    __table_args__ = (
        Index("rounds_handled", "handled_at", postgresql_where=text("handled_at IS NOT NULL")),
        Index("rounds_handle_due", "handle_due_at", postgresql_where=text("handle_due_at IS NOT NULL")),
        Index(
            "rounds_follow_up_due", "follow_up_due_at", postgresql_where=text("follow_up_due_at IS NOT NULL")
        ),
    )

    case_id: UUID = Field(primary_key=True)
    round: int = Field(primary_key=True)
    opened_at: datetime | None = at()
    closed_at: datetime | None = at()
    closed_by: str | None = words()
    outcome: str | None = words()
    resolved_level: str | None = words()
    reopened_at: datetime | None = at()
    reopened_because: str | None = words()
    handled_at: datetime | None = at()
    handled_by: str | None = words()
    handled_level: str | None = words()
    handle_due_at: datetime | None = at()
    follow_up_due_at: datetime | None = at()


class Work(Table, table=True):
    """`facts.Work`: what one person did on one case, and what it cost them."""

    __tablename__ = "works"
    __table_args__ = (Index("works_first", "first_at"),)

    case_id: UUID = Field(primary_key=True)
    person_id: str = Field(primary_key=True, sa_type=Text)
    unit_id: str | None = words()
    first_at: datetime | None = at()
    offers: int
    accepts: int
    declines: int
    lapses: int
    arrived_at: datetime | None = at()
    arrived_told_at: datetime | None = at()
    handled: int
    commands: int
    fields: int
    photos: int
    seconds: int
    double_entries: int


class Alarm(Table, table=True):
    """`alarms.AlarmRow`; `story` is its timeline."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index("alarms_raised", "raised_at", "alarm_id"),
        Index("alarms_open", "raised_at", postgresql_where=text("ended_at IS NULL")),
    )

    alarm_id: UUID = Field(primary_key=True)
    person_id: str = words(required=True)
    unit_path: list[str] = Field(sa_type=ARRAY(Text))
    case_id: UUID | None = None
    raised_at: datetime = at(required=True)
    answered_at: datetime | None = at()
    answered_by: str | None = words()
    ended_at: datetime | None = at()
    by_mistake: bool
    events: int
    story: list[Any] = listed()


class Fieldwork(Table, table=True):
    """`fieldwork.FieldworkRow`: a mass task, or a day of a grid's rounds."""

    __tablename__ = "fieldwork"
    __table_args__ = (
        Index("fieldwork_counts", "kind", "counts_at", postgresql_where=text("counts_at IS NOT NULL")),
    )

    work_id: UUID = Field(primary_key=True)
    kind: str = words(required=True)
    number: str = words(required=True)
    unit_path: list[str] = Field(sa_type=ARRAY(Text))
    listed: int
    done: int
    missing: dict[str, int] = Field(sa_type=JSONB)
    counts_at: datetime | None = at()
    events: int


class Snapshot(Table, table=True):
    """One figure of a period as it was when the snapshot was taken. `positions` is how far insight had read each
    partition; folding the topic up to there and counting by `version` gives the figure again."""

    __tablename__ = "snapshots"
    __table_args__ = (Index("snapshots_taken", "taken_at", "snapshot_id"),)

    snapshot_id: UUID = Field(primary_key=True)
    figure: str = Field(primary_key=True, sa_type=Text)
    version: int
    unit_ids: list[str] = Field(sa_type=ARRAY(Text))
    starts_at: datetime = at(required=True)
    ends_at: datetime = at(required=True)
    as_of: datetime = at(required=True)
    taken_at: datetime = at(required=True)
    taken_by: str = words(required=True)
    title: str = words(required=True)
    n: Decimal = Field(sa_type=Numeric)
    d: int
    excluded: int
    positions: dict[str, Any] = Field(sa_type=JSONB)
    set_aside: int


class SnapshotMember(Table, table=True):
    """A member behind a figure of a snapshot: a case, or what else the figure is made of. It has `listed` of d."""

    __tablename__ = "snapshot_members"

    snapshot_id: UUID = Field(primary_key=True)
    figure: str = Field(primary_key=True, sa_type=Text)
    case_id: UUID = Field(primary_key=True)
    part: int = Field(primary_key=True)
    number: str = words(required=True)
    at: datetime = Field(sa_type=DateTime(timezone=True))
    counted: Decimal = Field(sa_type=Numeric)
    excluded: bool
    listed: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Publication(Table, table=True):
    """The figures of a calendar month as everybody may read them. Published once: the difference between two
    editions would tell what each of them hides."""

    __tablename__ = "publications"

    month: date = Field(primary_key=True)
    published_at: datetime = at(required=True)
    body: dict[str, Any] = Field(sa_type=JSONB)


class Happening(Table, table=True):
    """One event of a case, as it is told on the timeline; `data` without what only dispatch needs to weigh. Folding
    it again does not change when it was folded first."""

    __tablename__ = "timeline"

    case_id: UUID = Field(primary_key=True)
    source: str = Field(primary_key=True, sa_type=Text)
    sequence: int = Field(primary_key=True)
    event_id: UUID
    type: str = words(required=True)
    at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: dict[str, Any] = Field(sa_type=JSONB)
    channel: str = words(required=True)
    data: dict[str, Any] = Field(sa_type=JSONB)
    folded_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


add_plumbing(Table.metadata)
