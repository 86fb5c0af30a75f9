"""Cases, their sealed requesters, and the follow-ups."""

from alembic import op

from shared.migrations.plumbing import create_plumbing

revision = "intake_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE cases (
        case_id UUID NOT NULL,
        number TEXT NOT NULL,
        channel TEXT NOT NULL,
        category_code TEXT NOT NULL,
        urgency TEXT NOT NULL,
        headline TEXT NOT NULL,
        lon FLOAT,
        lat FLOAT,
        place_label TEXT NOT NULL,
        grid_id TEXT,
        unit_path TEXT[] NOT NULL,
        requester_can_be_asked BOOLEAN NOT NULL,
        registry_revision INTEGER NOT NULL,
        registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        level TEXT NOT NULL,
        round INTEGER NOT NULL,
        state TEXT NOT NULL,
        accepted_at TIMESTAMP WITH TIME ZONE,
        arrived_at TIMESTAMP WITH TIME ZONE,
        handled_at TIMESTAMP WITH TIME ZONE,
        handled_by TEXT,
        handled_level TEXT,
        handled_outcome TEXT,
        reopened_at TIMESTAMP WITH TIME ZONE,
        closed_at TIMESTAMP WITH TIME ZONE,
        outcome TEXT,
        closed_by TEXT,
        resolved_level TEXT,
        PRIMARY KEY (case_id),
        CONSTRAINT closed_with_an_outcome CHECK (
            (state = 'closed') = (closed_at IS NOT NULL AND outcome IS NOT NULL AND closed_by IS NOT NULL)
        ),
        CONSTRAINT handled_with_an_outcome CHECK (state <> 'handled' OR handled_outcome IS NOT NULL),
        CONSTRAINT rounds_count_from_one CHECK (round >= 1),
        CONSTRAINT belongs_to_a_unit CHECK (cardinality(unit_path) > 0)
    )
    """,
    "CREATE UNIQUE INDEX cases_number ON cases (number)",
    """
    CREATE TABLE requesters (
        case_id UUID NOT NULL,
        wrapped_key BYTEA,
        name_sealed BYTEA,
        phone_sealed BYTEA,
        phone_index BYTEA,
        description_sealed BYTEA,
        language TEXT NOT NULL,
        pickup_code_sealed BYTEA,
        pickup_code_digest TEXT NOT NULL,
        wrong_codes INTEGER NOT NULL,
        wrong_codes_since TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (case_id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX requesters_phone ON requesters (phone_index) WHERE phone_index IS NOT NULL",
    """
    CREATE TABLE case_holders (
        case_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        PRIMARY KEY (case_id, person_id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    """
    CREATE TABLE follow_ups (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        round INTEGER NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        link_expires_at TIMESTAMP WITH TIME ZONE,
        contacted BOOLEAN,
        solved BOOLEAN,
        satisfaction TEXT,
        coached BOOLEAN NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        link_hash BYTEA,
        link_sealed BYTEA,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX follow_ups_due ON follow_ups (due_at, id) WHERE closed_at IS NULL",
    "CREATE UNIQUE INDEX follow_ups_link ON follow_ups (link_hash)",
    "CREATE UNIQUE INDEX follow_ups_one_open ON follow_ups (case_id) WHERE closed_at IS NULL",
    "CREATE UNIQUE INDEX follow_ups_one_per_round ON follow_ups (case_id, round)",
    """
    CREATE TABLE follow_up_attempts (
        follow_up_id UUID NOT NULL,
        number INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        channel TEXT NOT NULL,
        reached BOOLEAN NOT NULL,
        person_id TEXT,
        remark_sealed BYTEA,
        PRIMARY KEY (follow_up_id, number),
        FOREIGN KEY(follow_up_id) REFERENCES follow_ups (id)
    )
    """,
    """
    CREATE UNIQUE INDEX follow_up_attempts_one_link ON follow_up_attempts (follow_up_id)
    WHERE channel = 'link' AND NOT reached
    """,
    """
    CREATE TABLE verification_remarks (
        case_id UUID NOT NULL,
        round INTEGER NOT NULL,
        remark_sealed BYTEA,
        PRIMARY KEY (case_id, round),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_plumbing()
