"""What somebody entered on rounds and mass tasks, as they read their own history."""

from alembic import op

revision = "dispatch_0005"
down_revision = "dispatch_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX round_entries_by_author ON round_entries (person_id, at, id)")
    op.execute("CREATE INDEX mass_task_tries_by_author ON mass_task_tries (person_id, at, id)")
