"""Open questions in the order in which they were asked."""

from alembic import op

revision = "intake_0013"
down_revision = "intake_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX questions_open ON questions (asked_at, id) WHERE ended_at IS NULL")
