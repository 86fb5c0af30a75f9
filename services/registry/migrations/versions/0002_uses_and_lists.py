"""Where policies hold, what units may be sent, words that raise, and what may be answered at once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _thing(
        "policy_uses",
        _reference("policy_id", "policies.id"),
        _reference("category_code", "categories.id"),
        _reference("unit_id", "units.id"),
    )
    _thing("duty_lists", _reference("unit_id", "units.id"))
    op.create_index(
        "duty_lists_one_per_unit",
        "duty_lists",
        ["unit_id"],
        unique=True,
        postgresql_where=sa.text("body ->> 'retired_at' IS NULL"),
    )
    _thing("word_lists")
    _thing("snippets", _reference("category_code", "categories.id"))
    _history_of_things()


def _history_of_things() -> None:
    """The journal is the history; this finds the lines of one thing in it (queries/history.py)."""
    op.execute(
        """
        CREATE INDEX journal_of_things ON journal (type, coalesce(
            CAST(data AS jsonb) #>> ARRAY[split_part(type, '.', 2), 'id'],
            CAST(data AS jsonb) #>> ARRAY[split_part(type, '.', 2), 'code']), sequence)
        WHERE subject_id = '00000000-0000-0000-0000-000000000000'
        """
    )


def _thing(table: str, *more: sa.Column[Any]) -> None:
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
