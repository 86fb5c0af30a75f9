"""When an event was folded, by which a snapshot's difference is explained. Events folded before have none; for them
their own time stands. And follow-ups of merged parts, which the parent was given when one of them sent it back, go:
nothing was ever asked, answered or tried in them."""

from alembic import op

revision = "insight_0003"
down_revision = "insight_0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE timeline ADD folded_at TIMESTAMP WITH TIME ZONE",
    "DELETE FROM follow_ups WHERE opened_at IS NULL AND attempts = 0 AND early_answers = 0",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
