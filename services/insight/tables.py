"""What insight keeps: one row per case, its follow-ups, and one row per event. All of it can be folded again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Index, text
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
    parts: list[Any] = listed()
    offered_at: datetime | None = at()
    accepted_at: datetime | None = at()
    arrived_at: datetime | None = at()
    arrived_told_at: datetime | None = at()
    arrived_device_at: datetime | None = at()
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
    clocks: list[Any] = listed()
    raises: list[Any] = listed()
    supervisions: list[Any] = listed()
    level: str | None = words()
    level_unit_id: str | None = words()
    notices_delivered: int
    notices_read: int
    notices_failed: int
    events: int
    last_event_at: datetime | None = at()
    # worked out by standing.py
    state: str = words(required=True)
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


class Happening(Table, table=True):
    """One event of a case, as it is told on the timeline; `data` without what only dispatch needs to weigh."""

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


add_plumbing(Table.metadata)
