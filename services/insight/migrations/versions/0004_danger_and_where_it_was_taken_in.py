"""At whose post or window a case was taken in, and danger that was learnt of later: both were told and not folded."""

from alembic import op

revision = "insight_0004"
down_revision = "insight_0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE cases ADD taken_at TEXT",
    """
    UPDATE cases SET taken_at = data->>'taken_at' FROM timeline AS told
    WHERE told.case_id = cases.case_id AND type = 'yike.case.registered' AND data->>'taken_at' IS NOT NULL
    """,
    """
    UPDATE cases SET crisis = told.crisis FROM (
        SELECT DISTINCT ON (case_id) case_id, data->>'crisis' AS crisis FROM timeline
        WHERE type = 'yike.case.amended' AND data->>'crisis' IS NOT NULL ORDER BY case_id, sequence DESC
    ) AS told WHERE told.case_id = cases.case_id
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
