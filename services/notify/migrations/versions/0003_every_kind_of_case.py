"""What every kind of case needs told: more of the replica, alarms, urgent messages first, messages that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
EMPTY = sa.text("'{}'")


def upgrade() -> None:
    for name in ("side_due", "asked", "orders"):
        op.add_column("cases", sa.Column(name, JSONB, nullable=False, server_default=EMPTY))
    op.add_column("cases", sa.Column("merged_into", sa.Uuid))
    op.add_column("cases", sa.Column("parent_number", sa.Text))
    op.add_column("cases", sa.Column("unread_after_seconds", sa.Integer, nullable=False, server_default="15"))
    op.create_table(
        "alarms",
        sa.Column("alarm_id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("unit_path", ARRAY(sa.Text), nullable=False),
        sa.Column("case_id", sa.Uuid),
        sa.Column("answered_by", sa.Text),
        sa.Column("ended", sa.Boolean, nullable=False),
    )
    _messages_that_wait()


def _messages_that_wait() -> None:
    op.add_column("messages", sa.Column("priority", sa.SmallInteger, nullable=False, server_default="2"))
    op.add_column("messages", sa.Column("held_until", TIME))
    op.add_column("messages", sa.Column("digest_id", sa.Uuid))
    op.add_column("messages", sa.Column("received_at", TIME))
    op.drop_constraint("known_state", "messages")
    for name, holds in {
        "known_state": "state IN ('due', 'held', 'gathered', 'sent', 'failed')",
        "held_has_an_end": "(state = 'held') <= (held_until IS NOT NULL)",
        "gathered_in_a_digest": "(state = 'gathered') <= (digest_id IS NOT NULL)",
        "known_priority": "priority BETWEEN 0 AND 2",
    }.items():
        op.create_check_constraint(name, "messages", holds)
    op.drop_index("messages_due", "messages")
    op.drop_index("messages_over", "messages")
    for name, columns, where in (
        ("messages_next", ["via", "priority", "due_at"], "state = 'due'"),
        ("messages_held", ["held_until"], "state = 'held'"),
        ("messages_gathered", ["digest_id"], "state = 'gathered'"),
        ("messages_of_requester", ["case_id"], "person_id IS NULL AND state IN ('due', 'held')"),
        ("messages_over", ["written_at"], "state IN ('sent', 'failed')"),
    ):
        op.create_index(name, "messages", columns, postgresql_where=sa.text(where))
