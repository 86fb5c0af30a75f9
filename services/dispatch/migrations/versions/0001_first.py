"""Cases, parts, offers, what was done on them, and where people were."""

from alembic import op

from shared.migrations.plumbing import create_plumbing

revision = "dispatch_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE cases (
        id UUID NOT NULL,
        number TEXT NOT NULL,
        category_code TEXT NOT NULL,
        urgency TEXT NOT NULL,
        headline TEXT NOT NULL,
        place JSONB NOT NULL,
        grid_id TEXT,
        unit_path TEXT[] NOT NULL,
        ladder JSONB NOT NULL,
        policy JSONB NOT NULL,
        street_id TEXT NOT NULL,
        level TEXT NOT NULL,
        unit_id TEXT NOT NULL,
        state TEXT NOT NULL,
        round INTEGER NOT NULL,
        registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        handled_at TIMESTAMP WITH TIME ZONE,
        outcome TEXT,
        closed_at TIMESTAMP WITH TIME ZONE,
        wrapped_key BYTEA,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE parts (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        role TEXT NOT NULL,
        level TEXT NOT NULL,
        unit_id TEXT NOT NULL,
        goes BOOLEAN NOT NULL,
        state TEXT NOT NULL,
        round INTEGER NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        turn INTEGER NOT NULL,
        nobody_since TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (id)
    )
    """,
    "CREATE INDEX parts_by_case ON parts (case_id)",
    """
    CREATE UNIQUE INDEX parts_one_owner
        ON parts (case_id)
        WHERE role = 'owner' AND state <> 'ended'
    """,
    "CREATE INDEX parts_waiting ON parts (case_id) WHERE state = 'waiting'",
    """
    CREATE TABLE offers (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        part_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        unit_id TEXT NOT NULL,
        post TEXT NOT NULL,
        turn INTEGER NOT NULL,
        state TEXT NOT NULL,
        emergency BOOLEAN NOT NULL,
        goes BOOLEAN NOT NULL,
        offered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        eta_seconds INTEGER,
        chosen_because TEXT NOT NULL,
        candidates JSONB DEFAULT '[]' NOT NULL,
        declined_because TEXT,
        accepted_at TIMESTAMP WITH TIME ZONE,
        arrived_at TIMESTAMP WITH TIME ZONE,
        contacted_at TIMESTAMP WITH TIME ZONE,
        ended_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (id),
        CONSTRAINT offers_last CHECK (expires_at > offered_at),
        FOREIGN KEY(case_id) REFERENCES cases (id),
        FOREIGN KEY(part_id) REFERENCES parts (id)
    )
    """,
    "CREATE INDEX offers_by_case ON offers (case_id)",
    """
    CREATE INDEX offers_on_hand
        ON offers (person_id)
        WHERE state IN ('offered', 'accepted', 'arrived', 'handled')
    """,
    """
    CREATE UNIQUE INDEX offers_one_emergency_per_person
        ON offers (person_id)
        WHERE emergency AND goes AND state IN ('offered', 'accepted', 'arrived')
    """,
    """
    CREATE UNIQUE INDEX offers_one_live_per_part
        ON offers (part_id)
        WHERE state IN ('offered', 'accepted', 'arrived')
    """,
    """
    CREATE TABLE arrivals (
        part_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        case_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        method TEXT NOT NULL,
        distance_m INTEGER,
        device_at TIMESTAMP WITH TIME ZONE,
        sealed_reason BYTEA,
        PRIMARY KEY (part_id, at),
        FOREIGN KEY(part_id) REFERENCES parts (id),
        FOREIGN KEY(case_id) REFERENCES cases (id)
    )
    """,
    "CREATE INDEX arrivals_by_case ON arrivals (case_id)",
    """
    CREATE TABLE evidence (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        part_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        media_type TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE,
        distance_m INTEGER,
        sealed_position BYTEA,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (id),
        FOREIGN KEY(part_id) REFERENCES parts (id)
    )
    """,
    "CREATE INDEX evidence_by_case ON evidence (case_id)",
    "CREATE INDEX evidence_with_position ON evidence (at) WHERE sealed_position IS NOT NULL",
    """
    CREATE TABLE notes (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        part_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        note TEXT NOT NULL,
        digest TEXT NOT NULL,
        sealed_text BYTEA,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (id),
        FOREIGN KEY(part_id) REFERENCES parts (id)
    )
    """,
    "CREATE INDEX notes_by_case ON notes (case_id)",
    """
    CREATE TABLE whereabouts (
        id UUID NOT NULL,
        person_id TEXT NOT NULL,
        case_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        sealed_position BYTEA NOT NULL,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (id)
    )
    """,
    "CREATE INDEX whereabouts_by_age ON whereabouts (at)",
    "CREATE INDEX whereabouts_latest ON whereabouts (person_id, at)",
    """
    CREATE TABLE synced_commands (
        person_id TEXT NOT NULL,
        id UUID NOT NULL,
        part_id UUID,
        answer JSONB NOT NULL,
        answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (person_id, id)
    )
    """,
    "CREATE INDEX synced_by_age ON synced_commands (answered_at)",
)


def upgrade() -> None:
    create_plumbing()
    for statement in STATEMENTS:
        op.execute(statement)
