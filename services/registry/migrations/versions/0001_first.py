"""The registry's things, accounts and sessions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.migrations.plumbing import create_plumbing

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_plumbing()
    _thing("calendars")
    _thing("policies")
    _thing("units", _reference("parent_id", "units.id"), _reference("calendar_id", "calendars.id"))
    _thing("people")
    _thing("categories", _reference("policy_id", "policies.id"))
    _thing(
        "shifts",
        _reference("person_id", "people.id"),
        _reference("unit_id", "units.id"),
        _time("starts_at", nullable=False),
        _time("ends_at", nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name="shift_starts_before_it_ends"),
    )
    _accounts()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("person_id", sa.Text, sa.ForeignKey("people.id"), nullable=False, index=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("demo", sa.Boolean, nullable=False),
        _time("made_at", nullable=False, server_default=sa.func.clock_timestamp()),
        _time("disabled_at"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("account", sa.Text, sa.ForeignKey("accounts.account"), nullable=False, index=True),
        _time("made_at", nullable=False, server_default=sa.func.clock_timestamp()),
        _time("expires_at", nullable=False),
        _time("ended_at"),
        sa.Column("ended_because", sa.Text),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column(
            "session_id",
            sa.Uuid,
            sa.ForeignKey("sessions.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        _time("made_at", nullable=False, server_default=sa.func.clock_timestamp()),
        _time("used_at"),
    )


def _thing(table: str, *more: sa.Column[Any] | sa.CheckConstraint) -> None:
    """A thing whole with its revision, and columns generated from it or beside it."""
    op.create_table(
        table,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False, unique=True),
        sa.Column("body", JSONB, nullable=False),
        *more,
    )


def _reference(name: str, target: str) -> sa.Column[Any]:
    key = sa.ForeignKey(target, deferrable=True, initially="DEFERRED")
    return sa.Column(name, sa.Text, sa.Computed(f"body ->> '{name}'", persisted=True), key, index=True)


def _time(name: str, *, nullable: bool = True, server_default: Any = None) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=server_default)
