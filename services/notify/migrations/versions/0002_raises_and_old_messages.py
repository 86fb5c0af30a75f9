"""To whom a case was raised, for when a raise is voided; messages that are over can be found by their age."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("raises", JSONB, nullable=False, server_default=sa.text("'{}'")))
    op.create_index("messages_over", "messages", ["written_at"], postgresql_where=sa.text("state <> 'due'"))
