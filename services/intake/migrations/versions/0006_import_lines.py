"""Lines that were imported, for as long as somebody may import the same file again."""

from alembic import op

revision = "intake_0006"
down_revision = "intake_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE import_lines (
            source TEXT NOT NULL,
            key TEXT NOT NULL,
            said BYTEA NOT NULL,
            case_id UUID NOT NULL,
            person_id TEXT NOT NULL,
            imported_at TIMESTAMP WITH TIME ZONE NOT NULL,
            PRIMARY KEY (source, key),
            FOREIGN KEY(case_id) REFERENCES cases (case_id)
        )
        """
    )
