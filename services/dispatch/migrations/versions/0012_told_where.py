"""Which grid was named to somebody who was told where to wait: they may be there. Of what stood before nobody knows."""

from alembic import op

revision = "dispatch_0012"
down_revision = "dispatch_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE advice_given ADD grid_id TEXT")
