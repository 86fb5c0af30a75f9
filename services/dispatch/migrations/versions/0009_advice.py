"""Where free people might wait: whom it was said to, who wants none, and by what the demand and the comparison of
policies are read."""

from alembic import op

revision = "dispatch_0009"
down_revision = "dispatch_0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE advice_given (
        person_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        street_id TEXT NOT NULL,
        PRIMARY KEY (person_id, at)
    )
    """,
    "CREATE INDEX advice_given_by_street ON advice_given (street_id, at)",
    "CREATE INDEX advice_given_by_age ON advice_given (at)",
    """
    CREATE TABLE advice_unwanted (
        person_id TEXT NOT NULL PRIMARY KEY,
        since TIMESTAMP WITH TIME ZONE NOT NULL
    )
    """,
    "CREATE INDEX cases_by_street ON cases (street_id, registered_at) WHERE urgency = 'emergency'",
    "CREATE INDEX offers_shadowed ON offers (offered_at, id) WHERE shadow IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
