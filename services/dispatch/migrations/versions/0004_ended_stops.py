"""Ended stops by grid, as their list is read."""

from alembic import op

revision = "dispatch_0004"
down_revision = "dispatch_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX round_stops_ended_by_grid ON round_stops (grid_id, due_on, id) WHERE ended_at IS NOT NULL"
    )
