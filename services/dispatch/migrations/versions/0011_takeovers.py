"""Takeovers: an emergency that somebody is on the way to may be put to somebody nearer, who has it once they accept."""

from alembic import op

revision = "dispatch_0011"
down_revision = "dispatch_0010"
branch_labels = None
depends_on = None

# Every row that stood before fits both: until now a part had one live offer at most, whatever its state.
STATEMENTS = (
    "ALTER TABLE offers ADD takes_over UUID",
    "CREATE UNIQUE INDEX offers_one_ask_per_part ON offers (part_id) WHERE state = 'offered'",
    "DROP INDEX offers_one_live_per_part",
    """
    CREATE UNIQUE INDEX offers_one_live_per_part ON offers (part_id)
        WHERE state IN ('offered', 'accepted', 'arrived') AND (takes_over IS NULL OR state <> 'offered')
    """,
    "CREATE INDEX offers_under_way ON offers (case_id) WHERE state = 'accepted' AND emergency AND goes",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
