"""What the requester was asked, and what they attached."""

from alembic import op

revision = "intake_0004"
down_revision = "intake_0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE questions (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        asked_by TEXT NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        text_sealed BYTEA,
        answer_sealed BYTEA,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX questions_of_case ON questions (case_id)",
    "CREATE UNIQUE INDEX questions_one_open ON questions (case_id) WHERE ended_at IS NULL",
    """
    CREATE TABLE attachments (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        added_at TIMESTAMP WITH TIME ZONE NOT NULL,
        media_type TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        size_bytes BIGINT NOT NULL,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX attachments_of_case ON attachments (case_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
