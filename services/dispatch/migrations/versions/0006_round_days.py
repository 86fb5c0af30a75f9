"""What the grids' rounds came to, day by day, as it was told."""

from alembic import op

revision = "dispatch_0006"
down_revision = "dispatch_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE round_days (
            id UUID NOT NULL PRIMARY KEY,
            grid_id TEXT NOT NULL,
            day DATE NOT NULL,
            owed INTEGER NOT NULL,
            done INTEGER NOT NULL,
            not_done JSONB NOT NULL,
            told_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT no_more_done_than_owed CHECK (done BETWEEN 0 AND owed)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX round_days_once ON round_days (grid_id, day)")
