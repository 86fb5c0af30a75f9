"""Files that are read in: what became of each of their lines."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTS = ("lines_total", "lines_checked", "lines_good", "lines_refused", "lines_in", "lines_unchanged")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        _time("made_at", nullable=False),
        _time("ended_at"),
        *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in COUNTS),
        sa.CheckConstraint(
            "state IN ('checking', 'checked', 'writing', 'done', 'cancelled')", name="import_has_a_state"
        ),
    )
    op.create_index("imports_by_time", "imports", ["made_at", "id"])
    op.create_table(
        "import_lines",
        sa.Column("import_id", sa.Uuid, sa.ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("sheet", sa.Text, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("thing_id", sa.Text),
        sa.Column("rank", sa.Integer, nullable=False, server_default="0"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("fields", JSONB),
        sa.Column("problems", JSONB, nullable=False, server_default="[]"),
        sa.CheckConstraint(
            "state IN ('read', 'good', 'refused', 'in', 'unchanged')", name="import_line_has_a_state"
        ),
    )
    op.create_index("import_lines_by_state", "import_lines", ["import_id", "state", "number"])


def _time(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
