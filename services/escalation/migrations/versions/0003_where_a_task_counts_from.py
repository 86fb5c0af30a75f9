"""When a co-handler was asked whose time is the policy's limit, so that a changed calendar moves that clock as well.
Clocks set before keep the end they had: that is what their story tells."""

from alembic import op

revision = "escalation_0003"
down_revision = "escalation_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE deadlines ADD COLUMN counts_from TIMESTAMP WITH TIME ZONE")
