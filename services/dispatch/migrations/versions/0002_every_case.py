"""Returns, help, co-handlers' tasks, hand-overs, corrections, flags, alarms, and what others tell of a case."""

from alembic import op

revision = "dispatch_0002"
down_revision = "dispatch_0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE cases
        ADD reported_at TIMESTAMP WITH TIME ZONE,
        ADD excluded TEXT[] DEFAULT '{}' NOT NULL,
        ADD care BOOLEAN DEFAULT false NOT NULL,
        ADD ends_at_once TEXT,
        ADD appointment JSONB,
        ADD merged_into TEXT,
        ADD questions UUID[] DEFAULT '{}' NOT NULL,
        ADD extension TEXT,
        ADD extended_until TIMESTAMP WITH TIME ZONE,
        ADD review_at TIMESTAMP WITH TIME ZONE,
        ADD erased_at TIMESTAMP WITH TIME ZONE
    """,
    """
    ALTER TABLE parts
        ADD searched_from TIMESTAMP WITH TIME ZONE,
        ADD own_people_only BOOLEAN DEFAULT false NOT NULL,
        ADD asked_by TEXT,
        ADD task_id UUID,
        ADD due_at TIMESTAMP WITH TIME ZONE,
        ADD help_id UUID
    """,
    "UPDATE parts SET searched_from = opened_at",
    "ALTER TABLE parts ALTER searched_from SET NOT NULL",
    "ALTER TABLE offers ADD passed_on TEXT",
    "CREATE INDEX offers_by_person ON offers (person_id, offered_at, id)",
    # An arrival is known by the event that told of it.
    "ALTER TABLE arrivals ADD id UUID, ADD device_time_accepted BOOLEAN DEFAULT false NOT NULL",
    """
    UPDATE arrivals SET id = journal.event_id FROM journal
    WHERE journal.subject_id = arrivals.case_id AND journal.at = arrivals.at
        AND journal.type = 'yike.worker.arrived' AND (journal.data::json->>'part_id')::uuid = arrivals.part_id
    """,
    "ALTER TABLE arrivals ALTER id SET NOT NULL",
    "CREATE UNIQUE INDEX arrivals_by_id ON arrivals (id)",
    "ALTER TABLE whereabouts ADD device_at TIMESTAMP WITH TIME ZONE",
    """
    CREATE TABLE photos (
        evidence_id UUID NOT NULL,
        case_id UUID NOT NULL,
        likeness BIT(64) NOT NULL,
        bands INTEGER[] NOT NULL,
        PRIMARY KEY (evidence_id),
        FOREIGN KEY(evidence_id) REFERENCES evidence (id),
        FOREIGN KEY(case_id) REFERENCES cases (id)
    )
    """,
    "CREATE INDEX photos_by_band ON photos USING gin (bands)",
    """
    CREATE TABLE returns (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        part_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        unit_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        basis TEXT NOT NULL,
        rightful_unit_id TEXT NOT NULL,
        digest TEXT NOT NULL,
        ruling TEXT,
        to_unit_id TEXT,
        ruled_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (id),
        FOREIGN KEY(part_id) REFERENCES parts (id)
    )
    """,
    "CREATE INDEX returns_by_case ON returns (case_id)",
    "CREATE UNIQUE INDEX returns_one_pending_per_unit ON returns (case_id, unit_id) WHERE ruling IS NULL",
    "CREATE UNIQUE INDEX returns_refused_once ON returns (case_id, unit_id) WHERE ruling = 'refuse'",
    """
    CREATE TABLE help_calls (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        part_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        unit_ids TEXT[] NOT NULL,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (id),
        FOREIGN KEY(part_id) REFERENCES parts (id)
    )
    """,
    "CREATE INDEX help_calls_by_case ON help_calls (case_id)",
    """
    CREATE TABLE statements (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        part_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        kind TEXT NOT NULL,
        digest TEXT NOT NULL,
        entry_id UUID,
        sealed_text BYTEA,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (id),
        FOREIGN KEY(part_id) REFERENCES parts (id)
    )
    """,
    "CREATE INDEX statements_by_case ON statements (case_id)",
    """
    CREATE TABLE flags (
        entry_id UUID NOT NULL,
        case_id UUID NOT NULL,
        part_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        entry TEXT NOT NULL,
        flags TEXT[] NOT NULL,
        PRIMARY KEY (entry_id),
        FOREIGN KEY(case_id) REFERENCES cases (id),
        FOREIGN KEY(part_id) REFERENCES parts (id)
    )
    """,
    "CREATE INDEX flags_by_case ON flags (case_id)",
    "CREATE INDEX flags_latest ON flags (at, entry_id)",
    """
    CREATE TABLE alarms (
        id UUID NOT NULL,
        person_id TEXT NOT NULL,
        unit_path TEXT[] NOT NULL,
        case_id UUID,
        raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
        answered_by TEXT,
        answered_at TIMESTAMP WITH TIME ZONE,
        ended_by TEXT,
        ended_at TIMESTAMP WITH TIME ZONE,
        by_mistake BOOLEAN NOT NULL,
        wrapped_key BYTEA,
        sealed_position BYTEA,
        PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX alarms_one_open_per_person ON alarms (person_id) WHERE ended_at IS NULL",
    "CREATE INDEX alarms_latest ON alarms (raised_at, id)",
    "CREATE INDEX alarms_with_position ON alarms (raised_at) WHERE sealed_position IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
