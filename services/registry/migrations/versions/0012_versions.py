"""Accounts are changed on the version that was read, and an import's lines on what was there when they were checked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.add_column("import_lines", sa.Column("revision", sa.BigInteger))
