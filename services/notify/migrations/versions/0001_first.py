"""The replica of each case, feeds and messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.migrations.plumbing import create_plumbing

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    create_plumbing()
    _create_cases()
    _create_feeds()
    _create_messages()


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("place", JSONB, nullable=False),
        sa.Column("unit_path", ARRAY(sa.Text), nullable=False),
        sa.Column("ladder", JSONB, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("unit_id", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("requester_can_be_asked", sa.Boolean, nullable=False),
        sa.Column("due", JSONB, nullable=False),
        sa.Column("parts", JSONB, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
    )


def _create_feeds() -> None:
    op.create_table(
        "counters",
        sa.Column("person_id", sa.Text, primary_key=True),
        *(
            sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
            for name in ("last_seq", "read_up_to", "forgotten_up_to")
        ),
        sa.CheckConstraint("read_up_to <= last_seq", name="read_is_written"),
        sa.CheckConstraint("forgotten_up_to <= last_seq", name="forgotten_is_written"),
    )
    op.create_table(
        "feed",
        sa.Column("person_id", sa.Text, sa.ForeignKey("counters.person_id"), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("notice_id", sa.Uuid, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("written_at", TIME, nullable=False, server_default=NOW),
        sa.Column("read_at", TIME),
    )
    op.create_index("feed_once", "feed", ["event_id", "kind", "person_id"], unique=True)
    # A counter is rewritten with every notice; room on its page keeps those rewrites off the index.
    op.execute(
        "ALTER TABLE counters SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, "
        "autovacuum_vacuum_threshold = 5000)"
    )


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("notice_id", sa.Uuid, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text),
        sa.Column("via", sa.Text, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="due"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("because", sa.Text),
        sa.Column("written_at", TIME, nullable=False, server_default=NOW),
        sa.Column("due_at", TIME, nullable=False, server_default=NOW),
        sa.CheckConstraint("state IN ('due', 'sent', 'failed')", name="known_state"),
    )
    op.create_index("messages_once", "messages", ["key", "via"], unique=True)
    op.create_index("messages_due", "messages", ["via", "due_at"], postgresql_where=sa.text("state = 'due'"))
