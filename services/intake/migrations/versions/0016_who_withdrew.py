"""Whether staff wrote a withdrawal down, which the resident may contest; and at which post or window a case was taken
in."""

from alembic import op

revision = "intake_0016"
down_revision = "intake_0015"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE cases ADD withdrawn_by_staff BOOLEAN NOT NULL DEFAULT false, ADD taken_at TEXT",
    """
    UPDATE cases SET withdrawn_by_staff = true WHERE outcome = 'withdrawn' AND EXISTS (
        SELECT 1 FROM journal
        WHERE subject_id = case_id AND type = 'yike.case.withdrawn' AND actor NOT IN ('requester', 'system'))
    """,
    "ALTER TABLE cases ALTER withdrawn_by_staff DROP DEFAULT",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
