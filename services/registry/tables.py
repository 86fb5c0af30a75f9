"""Registry's rows: each thing whole with its revision; accounts, sessions and refresh tokens.

What a thing refers to is generated from its body, so that the database itself refuses a reference to nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.plumbing import add_plumbing


class Table(SQLModel, registry=registry()):
    """Registry's own metadata, so that several services can live in one process of tests."""


def _id() -> Any:
    return Field(sa_column=Column(Text, primary_key=True))


def _revision() -> Any:
    return Field(sa_column=Column(BigInteger, nullable=False, unique=True))


def _body() -> Any:
    return Field(sa_column=Column(JSONB, nullable=False))


def _reference(name: str, target: str) -> Any:
    """A reference read from the body; checked at commit, because a bulk change may bring both ends."""
    key = ForeignKey(target, deferrable=True, initially="DEFERRED")
    return Field(
        default=None, sa_column=Column(Text, Computed(f"body ->> '{name}'", persisted=True), key, index=True)
    )


def _time(*, required: bool = False, now: bool = False) -> Any:
    default = func.clock_timestamp() if now else None
    return Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=not (required or now), server_default=default),
    )


def _count() -> Any:
    return Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))


class CalendarRow(Table, table=True):
    __tablename__ = "calendars"

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()


class PolicyRow(Table, table=True):
    __tablename__ = "policies"

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()


class UnitRow(Table, table=True):
    __tablename__ = "units"

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()
    parent_id: str | None = _reference("parent_id", "units.id")
    calendar_id: str | None = _reference("calendar_id", "calendars.id")


class SkillRow(Table, table=True):
    __tablename__ = "skills"

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()


class RoleRow(Table, table=True):
    __tablename__ = "roles"

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()


class PersonRow(Table, table=True):
    """Who borrowed something is found by what was lent (queries/rights.py)."""

    __tablename__ = "people"
    __table_args__ = (
        Index(
            "people_acts_for",
            literal_column("(body -> 'acts_for')").label("lent"),
            postgresql_using="gin",
            postgresql_ops={"lent": "jsonb_path_ops"},
        ),
    )

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()


class CategoryRow(Table, table=True):
    """`id` is the category's code."""

    __tablename__ = "categories"

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()
    policy_id: str | None = _reference("policy_id", "policies.id")


class ShiftRow(Table, table=True):
    __tablename__ = "shifts"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="shift_starts_before_it_ends"),)

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()
    person_id: str | None = _reference("person_id", "people.id")
    unit_id: str | None = _reference("unit_id", "units.id")
    starts_at: datetime = _time(required=True)
    ends_at: datetime = _time(required=True)


class PolicyUseRow(Table, table=True):
    __tablename__ = "policy_uses"

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()
    policy_id: str | None = _reference("policy_id", "policies.id")
    category_code: str | None = _reference("category_code", "categories.id")
    unit_id: str | None = _reference("unit_id", "units.id")


class DutyListRow(Table, table=True):
    """A unit has one list at most that is not retired."""

    __tablename__ = "duty_lists"
    __table_args__ = (
        Index(
            "duty_lists_one_per_unit",
            "unit_id",
            unique=True,
            postgresql_where=text("body ->> 'retired_at' IS NULL"),
        ),
    )

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()
    unit_id: str | None = _reference("unit_id", "units.id")


class WordListRow(Table, table=True):
    __tablename__ = "word_lists"

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()


class SnippetRow(Table, table=True):
    __tablename__ = "snippets"

    id: str = _id()
    revision: int = _revision()
    body: dict[str, Any] = _body()
    category_code: str | None = _reference("category_code", "categories.id")


class PlannedChangeRow(Table, table=True):
    """Things that change at `valid_from`; the body holds the whole plan (rules/plans.py)."""

    __tablename__ = "planned_changes"
    __table_args__ = (
        CheckConstraint(
            "state IN ('planned', 'applied', 'cancelled', 'refused')", name="planned_change_has_a_state"
        ),
        Index("planned_changes_by_time", "valid_from", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    valid_from: datetime = _time(required=True)
    body: dict[str, Any] = _body()


class AbsenceRow(Table, table=True):
    """Leave and absence; the body holds all of it (rules/absence.py). One that ended before it began is none."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("starts_at <= ends_at", name="absence_starts_before_it_ends"),
        Index("absences_by_person", "person_id", "ends_at"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    person_id: str = Field(sa_column=Column(Text, ForeignKey("people.id"), nullable=False))
    starts_at: datetime = _time(required=True)
    ends_at: datetime = _time(required=True)
    body: dict[str, Any] = _body()


class ImportRow(Table, table=True):
    """A file that is read in; what became of its lines is counted here while it goes on."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('checking', 'checked', 'writing', 'done', 'cancelled')", name="import_has_a_state"
        ),
        Index("imports_by_time", "made_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    format: str = Field(sa_column=Column(Text, nullable=False))
    file_name: str = Field(sa_column=Column(Text, nullable=False))
    made_by: str = Field(sa_column=Column(Text, nullable=False))
    made_at: datetime = _time(required=True)
    ended_at: datetime | None = _time()
    lines_total: int = _count()
    lines_checked: int = _count()
    lines_good: int = _count()
    lines_refused: int = _count()
    lines_in: int = _count()
    lines_unchanged: int = _count()


class ImportLineRow(Table, table=True):
    """One line of it; `fields` go when it is written, `problems` stay. Lines are written by `rank`: what others hang on
    comes first. `revision` is the thing's when the line was checked."""

    __tablename__ = "import_lines"
    __table_args__ = (
        CheckConstraint(
            "state IN ('read', 'good', 'refused', 'in', 'unchanged')", name="import_line_has_a_state"
        ),
        Index("import_lines_by_state", "import_id", "state", "number"),
    )

    import_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True))
    sheet: str = Field(sa_column=Column(Text, nullable=False))
    line: int = Field(sa_column=Column(Integer, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    thing_id: str | None = Field(default=None, sa_column=Column(Text))
    rank: int = _count()
    state: str = Field(sa_column=Column(Text, nullable=False))
    fields: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    problems: list[Any] = Field(sa_column=Column(JSONB, nullable=False, server_default="[]"))
    revision: int | None = Field(default=None, sa_column=Column(BigInteger))


class AccountRow(Table, table=True):
    """A way to sign in as a person. `demo` passwords can be computed by anybody. Times here are real time. `tries`
    counts what was wrong since `tries_since`; the secret of the second step is sealed under a key of its own.
    `version` counts whose it was, passwords, and being disabled or not."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("tries >= 0", name="account_tries_are_counted"),
        CheckConstraint("num_nulls(codes_key, codes_sealed) IN (0, 2)", name="account_codes_have_their_key"),
        CheckConstraint(
            "codes_on_at IS NULL OR codes_sealed IS NOT NULL", name="account_codes_that_are_on_have_a_secret"
        ),
    )

    account: str = _id()
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, unique=True))
    person_id: str = Field(sa_column=Column(Text, ForeignKey("people.id"), nullable=False, index=True))
    password_hash: str = Field(sa_column=Column(Text, nullable=False))
    demo: bool = False
    made_at: datetime = _time(now=True)
    disabled_at: datetime | None = _time()
    one_time_until: datetime | None = _time()
    locked_until: datetime | None = _time()
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    tries_since: datetime | None = _time()
    codes_key: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    codes_sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    codes_on_at: datetime | None = _time()
    codes_last_step: int | None = Field(default=None, sa_column=Column(BigInteger))
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))


class RecoveryCodeRow(Table, table=True):
    """Only the SHA-256 of a code is kept; it is good once."""

    __tablename__ = "recovery_codes"

    account_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    )
    code_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    used_at: datetime | None = _time()


class SessionRow(Table, table=True):
    """One signed-in device: the family of its refresh tokens. `device` is what it calls itself."""

    __tablename__ = "sessions"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    account: str = Field(sa_column=Column(Text, ForeignKey("accounts.account"), nullable=False, index=True))
    device: str | None = Field(default=None, sa_column=Column(Text))
    made_at: datetime = _time(now=True)
    last_used_at: datetime = _time(now=True)
    expires_at: datetime = _time(required=True)
    ended_at: datetime | None = _time()
    ended_because: str | None = Field(default=None, sa_column=Column(Text))


class RefreshTokenRow(Table, table=True):
    """Only the SHA-256 of a token is kept. `used_at` is when it was exchanged for the next one."""

    __tablename__ = "refresh_tokens"

    token_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    session_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    made_at: datetime = _time(now=True)
    used_at: datetime | None = _time()


add_plumbing(Table.metadata)

# The journal is the history of every thing; this finds the lines of one (queries/history.py).
_journal = Table.metadata.tables["journal"]
Index(
    "journal_of_things",
    _journal.c.type,
    text(
        "COALESCE(data::jsonb #>> ARRAY[split_part(type, '.', 2), 'id'],"
        " data::jsonb #>> ARRAY[split_part(type, '.', 2), 'code'])"
    ),
    _journal.c.sequence,
    postgresql_where=text("subject_id = '00000000-0000-0000-0000-000000000000'"),
)
