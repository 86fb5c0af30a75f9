"""The named persons' daily list, so that whoever is named can read it; and which cases were merged into one that is
reopened."""

from alembic import op

revision = "escalation_0004"
down_revision = "escalation_0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE listings (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        day DATE NOT NULL,
        days INTEGER NOT NULL,
        round INTEGER NOT NULL,
        unit_id TEXT NOT NULL,
        supervising_unit_id TEXT NOT NULL,
        person_ids JSONB NOT NULL,
        missed JSONB NOT NULL,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE UNIQUE INDEX listings_once_a_day ON listings (case_id, day)",
    "CREATE INDEX listings_of_day ON listings (day, at, id)",
    "CREATE INDEX cases_merged_into ON cases (merged_into) WHERE merged_into IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
