"""Questions and attachments of a case lie in their indexes in the order in which they are read with it."""

from alembic import op

revision = "intake_0014"
down_revision = "intake_0013"
branch_labels = None
depends_on = None

STATEMENTS = (
    "DROP INDEX questions_of_case",
    "CREATE INDEX questions_of_case ON questions (case_id, asked_at, id)",
    "DROP INDEX attachments_of_case",
    "CREATE INDEX attachments_of_case ON attachments (case_id, added_at, id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
