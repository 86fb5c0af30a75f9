"""Mass tasks and the days of the grids' rounds; a member of a figure may be more than one of d."""

from alembic import op

revision = "insight_0005"
down_revision = "insight_0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE fieldwork (
        work_id UUID NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        number TEXT NOT NULL,
        unit_path TEXT[] NOT NULL,
        listed INTEGER NOT NULL,
        done INTEGER NOT NULL,
        missing JSONB NOT NULL,
        counts_at TIMESTAMP WITH TIME ZONE,
        events INTEGER NOT NULL
    )
    """,
    "CREATE INDEX fieldwork_counts ON fieldwork (kind, counts_at) WHERE counts_at IS NOT NULL",
    "ALTER TABLE snapshot_members ADD listed INTEGER NOT NULL DEFAULT 1",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
