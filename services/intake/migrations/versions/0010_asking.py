"""Progress calls beside follow-ups, contested ends, paper cards, and cases whose requester was erased."""

from alembic import op

revision = "intake_0010"
down_revision = "intake_0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE cases ADD contested_at TIMESTAMP WITH TIME ZONE, ADD erased_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE follow_ups ADD kind TEXT NOT NULL DEFAULT 'after_handled'",
    "ALTER TABLE follow_ups ALTER kind DROP DEFAULT",
    "DROP INDEX follow_ups_one_per_round",
    """
    CREATE UNIQUE INDEX follow_ups_one_per_round ON follow_ups (case_id, round) WHERE kind = 'after_handled'
    """,
    "CREATE INDEX follow_ups_progress ON follow_ups (case_id, opened_at) WHERE kind = 'progress'",
    "CREATE INDEX follow_ups_coached ON follow_ups (closed_at, id) WHERE coached",
    """
    CREATE TABLE paper_cards (
        card_number TEXT NOT NULL,
        case_id UUID NOT NULL,
        round INTEGER NOT NULL,
        person_id TEXT NOT NULL,
        entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (card_number),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX paper_cards_case ON paper_cards (case_id)",
    """
    CREATE TABLE contests (
        case_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        remark_sealed BYTEA,
        PRIMARY KEY (case_id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
