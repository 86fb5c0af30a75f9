"""Who is owed minutes beside emergencies, since when a message waits to be sent, and who was rung by an alarm."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)

# What open cases said of it last, from the journal they are folded from.
CARE = """
    UPDATE cases SET care = true WHERE NOT closed AND (
        SELECT coalesce((j.data::jsonb->>'care')::boolean, false) FROM journal AS j
        WHERE j.subject_id = cases.case_id AND j.type IN ('yike.case.registered', 'yike.case.amended')
        ORDER BY j.seq DESC LIMIT 1
    )
"""
RAISED_AT = """
    UPDATE alarms SET raised_at = j.at FROM journal AS j
    WHERE j.subject_id = alarms.alarm_id AND j.type = 'yike.alarm.raised'
"""


def upgrade() -> None:
    op.add_column("cases", sa.Column("care", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.execute(CARE)
    # Added with a time that does not differ from row to row: that writes none of them anew.
    op.add_column("messages", sa.Column("waits_since", TIME, nullable=False, server_default=sa.text("now()")))
    op.alter_column("messages", "waits_since", server_default=sa.text("clock_timestamp()"))
    op.add_column("alarms", sa.Column("raised_at", TIME, nullable=False, server_default=sa.text("now()")))
    op.execute(RAISED_AT)
    op.alter_column("alarms", "raised_at", server_default=None)
    op.add_column("alarms", sa.Column("told", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")))
