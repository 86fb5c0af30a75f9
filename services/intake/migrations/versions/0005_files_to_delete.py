"""Files of erased requesters, until they are gone from the store."""

from alembic import op

revision = "intake_0005"
down_revision = "intake_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE files_to_delete (path TEXT NOT NULL, PRIMARY KEY (path))")
