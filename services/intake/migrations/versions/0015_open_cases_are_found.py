"""Whether a case is open is part of what it is found by: open cases are few among those that hold a frequent word."""

from alembic import op

revision = "intake_0015"
down_revision = "intake_0014"
branch_labels = None
depends_on = None

STATEMENTS = (
    "DROP TRIGGER amended_cases_are_stale ON cases",
    """
    CREATE TRIGGER amended_cases_are_stale AFTER UPDATE ON cases FOR EACH ROW
    WHEN ((OLD.headline, OLD.unit_path, OLD.category_code, OLD.urgency, OLD.state = 'closed')
          IS DISTINCT FROM (NEW.headline, NEW.unit_path, NEW.category_code, NEW.urgency, NEW.state = 'closed'))
    EXECUTE FUNCTION make_stale()
    """,
    "INSERT INTO search_stale (case_id) SELECT case_id FROM cases WHERE state <> 'closed' ON CONFLICT DO NOTHING",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
