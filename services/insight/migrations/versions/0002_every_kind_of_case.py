"""What comes with every kind of case: merges, returns, parking and the rest; rounds, work, alarms, snapshots and
publications. Rows folded before keep empty new columns until `python -m services.insight.rebuild --swap`."""

from alembic import op

revision = "insight_0002"
down_revision = "insight_0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE cases
        ADD requester_kind TEXT NOT NULL DEFAULT 'self',
        ADD care BOOLEAN NOT NULL DEFAULT false,
        ADD crisis TEXT,
        ADD reported_at TIMESTAMP WITH TIME ZONE,
        ADD appointment_starts_at TIMESTAMP WITH TIME ZONE,
        ADD appointment_ends_at TIMESTAMP WITH TIME ZONE,
        ADD amended_at TIMESTAMP WITH TIME ZONE,
        ADD urged INTEGER NOT NULL DEFAULT 0,
        ADD parent_id UUID,
        ADD parent_number TEXT,
        ADD merged_at TIMESTAMP WITH TIME ZONE,
        ADD answered_at TIMESTAMP WITH TIME ZONE,
        ADD not_accepted_reason TEXT,
        ADD rightful_unit_id TEXT,
        ADD withdrawn_at TIMESTAMP WITH TIME ZONE,
        ADD questions JSONB NOT NULL DEFAULT '[]',
        ADD questions_asked INTEGER NOT NULL DEFAULT 0,
        ADD attachments INTEGER NOT NULL DEFAULT 0,
        ADD progress_calls INTEGER NOT NULL DEFAULT 0,
        ADD progress_reached INTEGER NOT NULL DEFAULT 0,
        ADD erased_at TIMESTAMP WITH TIME ZONE,
        ADD device_time_accepted TIMESTAMP WITH TIME ZONE,
        ADD helps JSONB NOT NULL DEFAULT '[]',
        ADD returns JSONB NOT NULL DEFAULT '[]',
        ADD hand_overs INTEGER NOT NULL DEFAULT 0,
        ADD corrections INTEGER NOT NULL DEFAULT 0,
        ADD flagged JSONB NOT NULL DEFAULT '[]',
        ADD account_round INTEGER,
        ADD measure_round INTEGER,
        ADD extensions JSONB NOT NULL DEFAULT '[]',
        ADD parks JSONB NOT NULL DEFAULT '[]',
        ADD listed_on DATE,
        ADD listed_days INTEGER NOT NULL DEFAULT 0,
        ADD entered_level TEXT,
        ADD notices_received INTEGER NOT NULL DEFAULT 0,
        ADD arrival_counts_at TIMESTAMP WITH TIME ZONE,
        ADD park JSONB
    """,
    """
    UPDATE cases SET entered_level = level, level = coalesce(level, ladder[1]),
        level_unit_id = coalesce(level_unit_id, ladder_unit_ids[1]), arrival_counts_at = arrived_at
    """,
    "ALTER TABLE cases ALTER level SET NOT NULL, ALTER level_unit_id SET NOT NULL",
    "CREATE INDEX cases_parent ON cases (parent_id) WHERE parent_id IS NOT NULL",
    "CREATE INDEX cases_closed ON cases (closed_at) WHERE closed_at IS NOT NULL",
    """
    CREATE TABLE rounds (
        case_id UUID NOT NULL,
        round INTEGER NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE,
        closed_at TIMESTAMP WITH TIME ZONE,
        closed_by TEXT,
        outcome TEXT,
        resolved_level TEXT,
        reopened_at TIMESTAMP WITH TIME ZONE,
        reopened_because TEXT,
        handled_at TIMESTAMP WITH TIME ZONE,
        handled_by TEXT,
        handled_level TEXT,
        handle_due_at TIMESTAMP WITH TIME ZONE,
        follow_up_due_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (case_id, round)
    )
    """,
    "CREATE INDEX rounds_handled ON rounds (handled_at) WHERE handled_at IS NOT NULL",
    "CREATE INDEX rounds_handle_due ON rounds (handle_due_at) WHERE handle_due_at IS NOT NULL",
    "CREATE INDEX rounds_follow_up_due ON rounds (follow_up_due_at) WHERE follow_up_due_at IS NOT NULL",
    """
    CREATE TABLE works (
        case_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        unit_id TEXT,
        first_at TIMESTAMP WITH TIME ZONE,
        offers INTEGER NOT NULL,
        accepts INTEGER NOT NULL,
        declines INTEGER NOT NULL,
        lapses INTEGER NOT NULL,
        arrived_at TIMESTAMP WITH TIME ZONE,
        arrived_told_at TIMESTAMP WITH TIME ZONE,
        handled INTEGER NOT NULL,
        commands INTEGER NOT NULL,
        fields INTEGER NOT NULL,
        photos INTEGER NOT NULL,
        seconds INTEGER NOT NULL,
        double_entries INTEGER NOT NULL,
        PRIMARY KEY (case_id, person_id)
    )
    """,
    "CREATE INDEX works_first ON works (first_at)",
    """
    CREATE TABLE alarms (
        alarm_id UUID NOT NULL PRIMARY KEY,
        person_id TEXT NOT NULL,
        unit_path TEXT[] NOT NULL,
        case_id UUID,
        raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
        answered_at TIMESTAMP WITH TIME ZONE,
        answered_by TEXT,
        ended_at TIMESTAMP WITH TIME ZONE,
        by_mistake BOOLEAN NOT NULL,
        events INTEGER NOT NULL,
        story JSONB NOT NULL
    )
    """,
    "CREATE INDEX alarms_raised ON alarms (raised_at, alarm_id)",
    "CREATE INDEX alarms_open ON alarms (raised_at) WHERE ended_at IS NULL",
    """
    CREATE TABLE snapshots (
        snapshot_id UUID NOT NULL,
        figure TEXT NOT NULL,
        version INTEGER NOT NULL,
        unit_ids TEXT[] NOT NULL,
        starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
        as_of TIMESTAMP WITH TIME ZONE NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
        taken_by TEXT NOT NULL,
        title TEXT NOT NULL,
        n NUMERIC NOT NULL,
        d INTEGER NOT NULL,
        excluded INTEGER NOT NULL,
        positions JSONB NOT NULL,
        set_aside INTEGER NOT NULL,
        PRIMARY KEY (snapshot_id, figure)
    )
    """,
    "CREATE INDEX snapshots_taken ON snapshots (taken_at, snapshot_id)",
    """
    CREATE TABLE snapshot_members (
        snapshot_id UUID NOT NULL,
        figure TEXT NOT NULL,
        case_id UUID NOT NULL,
        part INTEGER NOT NULL,
        number TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        counted NUMERIC NOT NULL,
        excluded BOOLEAN NOT NULL,
        PRIMARY KEY (snapshot_id, figure, case_id, part),
        FOREIGN KEY (snapshot_id, figure) REFERENCES snapshots
    )
    """,
    """
    CREATE TABLE publications (
        month DATE NOT NULL PRIMARY KEY CHECK (extract(day FROM month) = 1),
        published_at TIMESTAMP WITH TIME ZONE NOT NULL,
        body JSONB NOT NULL
    )
    """,
    # What was said once stays said: not even a slip of ours changes it.
    """
    CREATE FUNCTION stays_as_it_was() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '% stays as it was', TG_TABLE_NAME; END $$
    """,
    *(
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION stays_as_it_was()"
        for table in ("snapshots", "snapshot_members", "publications")
    ),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
