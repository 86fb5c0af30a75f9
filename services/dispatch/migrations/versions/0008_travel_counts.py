"""What real ways taught about travel times: counts per pair of cells."""

from alembic import op

revision = "dispatch_0008"
down_revision = "dispatch_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE travel_counts (
            model TEXT NOT NULL,
            mode TEXT NOT NULL,
            band SMALLINT NOT NULL,
            to_cell BIGINT NOT NULL,
            from_cell BIGINT NOT NULL,
            bin SMALLINT NOT NULL,
            trips INTEGER NOT NULL,
            CONSTRAINT travel_counts_count CHECK (trips > 0),
            PRIMARY KEY (model, mode, band, to_cell, from_cell, bin)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE travel_progress (
            model TEXT NOT NULL PRIMARY KEY,
            learned_until TIMESTAMP WITH TIME ZONE NOT NULL,
            part_id UUID NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX arrivals_by_time ON arrivals (at, part_id)")
