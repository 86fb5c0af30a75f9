"""Swaps: an emergency may be put to somebody who is on the way to another; by which policy, and what another chose."""

from alembic import op

revision = "dispatch_0007"
down_revision = "dispatch_0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE offers ADD policy TEXT, ADD shadow JSONB, ADD swap_of UUID",
    "DROP INDEX offers_one_emergency_per_person",
    """
    CREATE UNIQUE INDEX offers_one_emergency_per_person ON offers (person_id)
        WHERE emergency AND goes AND state IN ('offered', 'accepted', 'arrived')
            AND (swap_of IS NULL OR state <> 'offered')
    """,
    """
    CREATE UNIQUE INDEX offers_one_swap_per_person ON offers (person_id)
        WHERE swap_of IS NOT NULL AND state = 'offered'
    """,
    "CREATE INDEX offers_by_swap ON offers (swap_of) WHERE swap_of IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
