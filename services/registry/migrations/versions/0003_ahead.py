"""What lies ahead: changes that become valid later, leave and absence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "planned_changes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'applied', 'cancelled', 'refused')", name="planned_change_has_a_state"
        ),
    )
    op.create_index("planned_changes_by_time", "planned_changes", ["valid_from", "id"])
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Text, sa.ForeignKey("people.id"), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.CheckConstraint("starts_at <= ends_at", name="absence_starts_before_it_ends"),
    )
    op.create_index("absences_by_person", "absences", ["person_id", "ends_at"])
