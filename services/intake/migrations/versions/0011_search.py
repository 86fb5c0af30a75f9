"""What cases are found by. Entries are written behind the registration, from the list of those that are stale: a new
case, or one whose place, category or words changed, gets onto it by itself. All cases there are begin on it."""

from alembic import op

revision = "intake_0011"
down_revision = "intake_0010"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE search_entries (
        case_id UUID NOT NULL,
        registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        tokens INTEGER[] NOT NULL,
        PRIMARY KEY (case_id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX search_entries_newest ON search_entries (registered_at, case_id)",
    "CREATE INDEX search_entries_tokens ON search_entries USING gin (tokens) WITH (fastupdate = off)",
    """
    CREATE TABLE search_stale (
        case_id UUID NOT NULL,
        PRIMARY KEY (case_id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX cases_unclosed ON cases (state, registered_at, case_id) WHERE state <> 'closed'",
    "CREATE INDEX case_holders_person ON case_holders (person_id, case_id)",
    """
    CREATE FUNCTION make_stale() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO search_stale (case_id) VALUES (NEW.case_id) ON CONFLICT DO NOTHING;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE FUNCTION make_all_stale() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO search_stale (case_id) SELECT case_id FROM added ON CONFLICT DO NOTHING;
        RETURN NULL;
    END
    $$
    """,
    # Once per statement: registrations come in batches.
    """
    CREATE TRIGGER new_cases_are_stale AFTER INSERT ON cases REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION make_all_stale()
    """,
    """
    CREATE TRIGGER amended_cases_are_stale AFTER UPDATE ON cases FOR EACH ROW
    WHEN ((OLD.headline, OLD.unit_path, OLD.category_code, OLD.urgency)
          IS DISTINCT FROM (NEW.headline, NEW.unit_path, NEW.category_code, NEW.urgency))
    EXECUTE FUNCTION make_stale()
    """,
    """
    CREATE TRIGGER changed_words_are_stale AFTER UPDATE ON requesters FOR EACH ROW
    WHEN (OLD.description_sealed IS DISTINCT FROM NEW.description_sealed)
    EXECUTE FUNCTION make_stale()
    """,
    "INSERT INTO search_stale (case_id) SELECT case_id FROM cases",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
