"""The rows of cases, their clocks, raises, orders and holders, and what is sealed."""

from alembic import op

from shared.migrations.plumbing import create_plumbing

revision = "escalation_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE cases (
        case_id UUID NOT NULL,
        number TEXT NOT NULL,
        urgency TEXT NOT NULL,
        policy JSONB NOT NULL,
        ladder JSONB NOT NULL,
        registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        round INTEGER NOT NULL,
        rung INTEGER NOT NULL,
        handled_at TIMESTAMP WITH TIME ZONE,
        closed_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (case_id),
        CONSTRAINT rung_on_ladder CHECK (rung >= 0 AND rung < jsonb_array_length(ladder))
    )
    """,
    """
    CREATE TABLE deadlines (
        case_id UUID NOT NULL,
        kind TEXT NOT NULL,
        level TEXT NOT NULL,
        round INTEGER NOT NULL,
        unit_id TEXT NOT NULL,
        set_at TIMESTAMP WITH TIME ZONE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        amber_at TIMESTAMP WITH TIME ZONE NOT NULL,
        assumed BOOLEAN NOT NULL,
        colour TEXT NOT NULL,
        ending TEXT,
        ended_at TIMESTAMP WITH TIME ZONE,
        met BOOLEAN,
        PRIMARY KEY (case_id, kind, level, round),
        CONSTRAINT ended_one_way CHECK ((ending IS NULL) = (ended_at IS NULL)),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE UNIQUE INDEX deadlines_one_open ON deadlines (case_id, kind) WHERE ending IS NULL",
    "CREATE INDEX deadlines_open ON deadlines (due_at, case_id, kind) WHERE ending IS NULL",
    "CREATE INDEX deadlines_open_of_unit ON deadlines (unit_id, colour, kind, due_at) WHERE ending IS NULL",
    """
    CREATE TABLE raises (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        place INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        cause TEXT NOT NULL,
        from_level TEXT NOT NULL,
        to_level TEXT NOT NULL,
        to_unit_id TEXT NOT NULL,
        skipped JSONB NOT NULL,
        counts_from TIMESTAMP WITH TIME ZONE NOT NULL,
        round INTEGER NOT NULL,
        by_person_id TEXT,
        reason TEXT,
        voided BOOLEAN NOT NULL,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE UNIQUE INDEX raises_in_order ON raises (case_id, place)",
    """
    CREATE TABLE supervision_orders (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        kind TEXT NOT NULL,
        level TEXT NOT NULL,
        unit_id TEXT NOT NULL,
        supervising_unit_id TEXT NOT NULL,
        round INTEGER NOT NULL,
        PRIMARY KEY (id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX ix_supervision_orders_case_id ON supervision_orders (case_id)",
    "CREATE INDEX supervision_orders_of_unit ON supervision_orders (supervising_unit_id, at)",
    """
    CREATE TABLE holders (
        case_id UUID NOT NULL,
        part_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        part_role TEXT NOT NULL,
        level TEXT NOT NULL,
        round INTEGER NOT NULL,
        PRIMARY KEY (case_id, part_id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    """
    CREATE TABLE case_keys (
        case_id UUID NOT NULL,
        wrapped BYTEA NOT NULL,
        PRIMARY KEY (case_id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    """
    CREATE TABLE raise_texts (
        raise_id UUID NOT NULL,
        text_sealed BYTEA NOT NULL,
        PRIMARY KEY (raise_id),
        FOREIGN KEY(raise_id) REFERENCES raises (id)
    )
    """,
)


def upgrade() -> None:
    create_plumbing()
    for statement in STATEMENTS:
        op.execute(statement)
