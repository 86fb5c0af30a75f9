"""Who of the staff was shown the pickup code: until now whoever registered a case."""

from alembic import op

revision = "intake_0018"
down_revision = "intake_0017"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE requesters ADD code_shown_to TEXT",
    """
    UPDATE requesters SET code_shown_to = actor FROM journal
    WHERE subject_id = case_id AND seq = 1 AND actor NOT IN ('requester', 'system')
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
