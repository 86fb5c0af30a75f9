"""The turn of a house in the walk of whose list it is on."""

from alembic import op

revision = "dispatch_0010"
down_revision = "dispatch_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE mass_task_people ADD leg INTEGER NOT NULL DEFAULT 0")
