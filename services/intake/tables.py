"""The rows intake owns. Everything but the requester's data is a fold of the journal (rules/cases.py)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.plumbing import add_plumbing


class Table(SQLModel, registry=registry()):
    """The tables of this service and of no other."""


def at(*, required: bool = False) -> Any:
    return Field(default=... if required else None, sa_type=DateTime(timezone=True))


def words(*, required: bool = True) -> Any:
    return Field(default=... if required else None, sa_type=Text, nullable=not required)


def sealed() -> Any:
    """Bytes that only the case's key opens; null where there is nothing, or the key was destroyed."""
    return Field(default=None, sa_type=LargeBinary)


def of_case(*, key: bool = False) -> Any:
    return Field(sa_column=Column(Uuid, ForeignKey("cases.case_id"), nullable=False, primary_key=key))


class CaseRow(Table, table=True):
    """`rules.cases.Case`."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("cases_number", "number", unique=True),
        Index("cases_kept", "closed_at", postgresql_where=text("state = 'closed' AND erased_at IS NULL")),
        Index(
            "cases_unclosed", "state", "registered_at", "case_id", postgresql_where=text("state <> 'closed'")
        ),
        # Product rule 6: a case ends with an outcome and with what allowed it to end.
        CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL AND outcome IS NOT NULL AND closed_by IS NOT NULL)",
            name="closed_with_an_outcome",
        ),
        CheckConstraint("state <> 'handled' OR handled_outcome IS NOT NULL", name="handled_with_an_outcome"),
        CheckConstraint("round >= 1", name="rounds_count_from_one"),
        CheckConstraint("cardinality(unit_path) > 0", name="belongs_to_a_unit"),
        CheckConstraint(
            "(appointment_starts_at IS NULL) = (appointment_ends_at IS NULL)"
            " AND appointment_starts_at < appointment_ends_at",
            name="appointments_begin_and_end",
        ),
        CheckConstraint("not_accepted IS NULL OR ends_at_once = 'not_accepted'", name="refused_for_a_reason"),
        CheckConstraint(
            "parent_id <> case_id AND (state <> 'merged' OR parent_id IS NOT NULL)",
            name="merged_into_another",
        ),
        UniqueConstraint("case_id", "is_root", name="cases_roots"),
        # A parent has no parent itself. Deferred: a parent and its children move to another in one transaction.
        ForeignKeyConstraint(
            ["parent_id", "parent_is_root"],
            ["cases.case_id", "cases.is_root"],
            name="merged_into_a_root",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("cases_children", "parent_id", "case_id", postgresql_where=text("parent_id IS NOT NULL")),
    )

    case_id: UUID = Field(primary_key=True)
    number: str = words()
    channel: str = words()
    category_code: str = words()
    urgency: str = words()
    headline: str = words()
    lon: float | None = None
    lat: float | None = None
    place_label: str = words()
    grid_id: str | None = words(required=False)
    unit_path: list[str] = Field(sa_type=ARRAY(Text))
    requester_can_be_asked: bool
    registry_revision: int
    registered_at: datetime = at(required=True)
    level: str = words()
    requester_kind: str = words()
    appointment_starts_at: datetime | None = at()
    appointment_ends_at: datetime | None = at()
    reported_at: datetime | None = at()
    excluded: list[str] = Field(sa_type=ARRAY(Text))
    care: bool
    crisis: str | None = words(required=False)
    ends_at_once: str | None = words(required=False)
    round: int = 1
    state: str = words()
    accepted_at: datetime | None = at()
    arrived_at: datetime | None = at()
    handled_at: datetime | None = at()
    handled_by: str | None = words(required=False)
    handled_level: str | None = words(required=False)
    handled_outcome: str | None = words(required=False)
    reopened_at: datetime | None = at()
    closed_at: datetime | None = at()
    outcome: str | None = words(required=False)
    closed_by: str | None = words(required=False)
    resolved_level: str | None = words(required=False)
    snippet_id: str | None = words(required=False)
    not_accepted: str | None = words(required=False)
    service: str | None = words(required=False)
    rightful_unit_id: str | None = words(required=False)
    amended_at: datetime | None = at()
    urged_count: int
    urged_at: datetime | None = at()
    parent_id: UUID | None = None
    parent_round: int | None = None
    merged_at: datetime | None = at()
    is_root: bool = Field(sa_column=Column(Boolean, Computed("parent_id IS NULL", persisted=True)))
    parent_is_root: bool | None = Field(
        sa_column=Column(Boolean, Computed("CASE WHEN parent_id IS NOT NULL THEN true END", persisted=True))
    )
    return_pending: bool
    parked_until: datetime | None = at()
    extended_until: datetime | None = at()
    refused_consents: list[str] = Field(sa_type=ARRAY(Text))
    contested_at: datetime | None = at()
    withdrawn_by_staff: bool
    taken_at: str | None = words(required=False)
    erased_at: datetime | None = at()


class Requester(Table, table=True):
    """诉求人, sealed under a key of the case's own. Without `wrapped_key` nobody can read the rest again.
    `code_shown_to` is who of the staff saw the pickup code when they registered the case."""

    __tablename__ = "requesters"
    __table_args__ = (
        Index("requesters_phone", "phone_index", postgresql_where=text("phone_index IS NOT NULL")),
    )

    case_id: UUID = of_case(key=True)
    wrapped_key: bytes | None = sealed()
    name_sealed: bytes | None = sealed()
    phone_sealed: bytes | None = sealed()
    phone_index: bytes | None = sealed()
    description_sealed: bytes | None = sealed()
    beneficiary_sealed: bytes | None = sealed()
    author_sealed: bytes | None = sealed()
    answer_sealed: bytes | None = sealed()
    language: str = words()
    pickup_code_sealed: bytes | None = sealed()
    pickup_code_digest: str = words()
    code_shown_to: str | None = words(required=False)
    wrong_codes: int = 0
    wrong_codes_since: datetime | None = at()


class Likeness(Table, table=True):
    """What a case is recognised by when the same thing is reported again (duplicates.py). `signature` is made of
    keyed digests of the caller's words and goes with the requester when they are erased; `live` while it is open."""

    __tablename__ = "likenesses"
    __table_args__ = (
        Index(
            "likenesses_near",
            "category_group",
            "cell",
            "registered_at",
            postgresql_where=text("live AND cell IS NOT NULL"),
        ),
        Index(
            "likenesses_building",
            "category_group",
            "building",
            "registered_at",
            postgresql_where=text("live AND building IS NOT NULL"),
        ),
        Index("likenesses_by_age", "registered_at"),
    )

    case_id: UUID = of_case(key=True)
    category_group: str = words()
    cell: int | None = Field(default=None, sa_type=BigInteger)
    building: str | None = words(required=False)
    registered_at: datetime = at(required=True)
    signature: bytes | None = sealed()
    live: bool


class QuestionRow(Table, table=True):
    """`rules.facts.Question`, with its words sealed."""

    __tablename__ = "questions"
    __table_args__ = (
        Index("questions_of_case", "case_id", "asked_at", "id"),
        Index("questions_open", "asked_at", "id", postgresql_where=text("ended_at IS NULL")),
        Index("questions_one_open", "case_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    asked_at: datetime = at(required=True)
    asked_by: str = words()
    ended_at: datetime | None = at()
    text_sealed: bytes | None = sealed()
    answer_sealed: bytes | None = sealed()


class AttachmentRow(Table, table=True):
    """`rules.facts.Attachment`; the file is in the store (handlers/attachments.py)."""

    __tablename__ = "attachments"
    __table_args__ = (Index("attachments_of_case", "case_id", "added_at", "id"),)

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    added_at: datetime = at(required=True)
    media_type: str = words()
    sha256: str = words()
    size_bytes: int = Field(sa_type=BigInteger)


class SearchEntry(Table, table=True):
    """What a case is found by: numbers that stand for its units, category and words (rules/search.py)."""

    __tablename__ = "search_entries"
    __table_args__ = (
        Index("search_entries_newest", "registered_at", "case_id"),
        Index(
            "search_entries_tokens", "tokens", postgresql_using="gin", postgresql_with={"fastupdate": "off"}
        ),
    )

    case_id: UUID = of_case(key=True)
    registered_at: datetime = at(required=True)
    tokens: list[int] = Field(sa_type=ARRAY(Integer))


class SearchStale(Table, table=True):
    """Cases whose entry is still to be written. Triggers put them here (migration 0011)."""

    __tablename__ = "search_stale"

    case_id: UUID = of_case(key=True)


class FileToDelete(Table, table=True):
    """A file of an erased requester, until it is gone from the store."""

    __tablename__ = "files_to_delete"

    path: str = Field(sa_type=Text, primary_key=True)


class ImportLine(Table, table=True):
    """A line that was imported, by keyed digests of its key and of what it said: the same file again makes no second
    case, however late."""

    __tablename__ = "import_lines"

    source: str = Field(sa_type=Text, primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    said: bytes = Field(sa_type=LargeBinary)
    case_id: UUID = of_case()
    person_id: str = words()
    imported_at: datetime = at(required=True)


class CaseHolder(Table, table=True):
    """Whoever ever held a part of the case: they may see it, and may never ask whether it was solved."""

    __tablename__ = "case_holders"
    __table_args__ = (Index("case_holders_person", "person_id", "case_id"),)

    case_id: UUID = of_case(key=True)
    person_id: str = Field(sa_type=Text, primary_key=True)


class FollowUpRow(Table, table=True):
    """`rules.cases.FollowUp`, and its single-use link, drawn when it is first sent."""

    __tablename__ = "follow_ups"
    __table_args__ = (
        Index("follow_ups_one_open", "case_id", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index(
            "follow_ups_one_per_round",
            "case_id",
            "round",
            unique=True,
            postgresql_where=text("kind = 'after_handled'"),
        ),
        Index("follow_ups_progress", "case_id", "opened_at", postgresql_where=text("kind = 'progress'")),
        Index("follow_ups_coached", "closed_at", "id", postgresql_where=text("coached")),
        Index("follow_ups_due", "due_at", "id", postgresql_where=text("closed_at IS NULL")),
        Index("follow_ups_link", "link_hash", unique=True),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID = of_case()
    round: int
    opened_at: datetime = at(required=True)
    due_at: datetime = at(required=True)
    link_expires_at: datetime | None = at()
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: str | None = words(required=False)
    coached: bool = False
    closed_at: datetime | None = at()
    kind: str = words()
    link_hash: bytes | None = sealed()
    link_sealed: bytes | None = sealed()


class AttemptRow(Table, table=True):
    """`rules.cases.Attempt`, and what the caller wrote down, sealed."""

    __tablename__ = "follow_up_attempts"
    __table_args__ = (
        # An unanswered link is one attempt at most, however often its timer fires.
        Index(
            "follow_up_attempts_one_link",
            "follow_up_id",
            unique=True,
            postgresql_where=text("channel = 'link' AND NOT reached"),
        ),
    )

    follow_up_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("follow_ups.id"), nullable=False, primary_key=True)
    )
    number: int = Field(primary_key=True)
    at: datetime = at(required=True)
    channel: str = words()
    reached: bool
    person_id: str | None = words(required=False)
    remark_sealed: bytes | None = sealed()


class PaperCard(Table, table=True):
    """A feedback card that was entered, by the number printed on it: one card counts once."""

    __tablename__ = "paper_cards"
    __table_args__ = (Index("paper_cards_case", "case_id"),)

    card_number: str = Field(sa_type=Text, primary_key=True)
    case_id: UUID = of_case()
    round: int
    person_id: str = words()
    entered_at: datetime = at(required=True)


class Contest(Table, table=True):
    """What a resident wrote when contesting how the case ended, sealed. Once per case."""

    __tablename__ = "contests"

    case_id: UUID = of_case(key=True)
    at: datetime = at(required=True)
    remark_sealed: bytes | None = sealed()


class VerificationRemark(Table, table=True):
    """What a verifier wrote beside a verification, sealed."""

    __tablename__ = "verification_remarks"

    case_id: UUID = of_case(key=True)
    round: int = Field(primary_key=True)
    remark_sealed: bytes | None = sealed()


add_plumbing(Table.metadata)
