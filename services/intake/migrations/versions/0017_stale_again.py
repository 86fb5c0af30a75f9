"""A case that changes while its entry is being written is stale again once that is written: it waits for whoever writes
and puts itself back on the list, instead of finding itself still on it."""

from alembic import op

revision = "intake_0017"
down_revision = "intake_0016"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE OR REPLACE FUNCTION make_stale() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO search_stale (case_id) VALUES (NEW.case_id)
        ON CONFLICT (case_id) DO UPDATE SET case_id = excluded.case_id;
        RETURN NULL;
    END
    $$
    """,
    # What changed so while this was otherwise is nowhere to be seen.
    "INSERT INTO search_stale (case_id) SELECT case_id FROM cases ORDER BY case_id ON CONFLICT DO NOTHING",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
