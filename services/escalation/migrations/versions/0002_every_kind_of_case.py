"""Clocks about side matters, returns and rulings, extensions, parkings, answers and replies, what a case may have
become since its registration, and how far a changed calendar was followed up."""

from alembic import op

revision = "escalation_0002"
down_revision = "escalation_0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE cases
        ADD COLUMN category_code TEXT NOT NULL DEFAULT '',
        ADD COLUMN care BOOLEAN NOT NULL DEFAULT false,
        ADD COLUMN ends_at_once BOOLEAN NOT NULL DEFAULT false,
        ADD COLUMN appointment JSONB,
        ADD COLUMN sent_to TEXT,
        ADD COLUMN merged_into UUID,
        ADD COLUMN arrived_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN contacted_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN follow_up_from TIMESTAMP WITH TIME ZONE,
        ADD COLUMN handle_until TIMESTAMP WITH TIME ZONE,
        ADD COLUMN listed_on DATE
    """,
    # Filled from what was heard: what an older version had no column for stands in the journal.
    "UPDATE cases SET follow_up_from = handled_at WHERE handled_at IS NOT NULL",
    """
    UPDATE cases SET category_code = told.data::jsonb ->> 'category_code'
    FROM journal AS told WHERE told.subject_id = cases.case_id AND told.type = 'yike.case.registered'
    """,
    """
    UPDATE cases SET arrived_at = told.at
    FROM (SELECT subject_id, min(at) AS at FROM journal WHERE type = 'yike.worker.arrived' GROUP BY subject_id) AS told
    WHERE told.subject_id = cases.case_id
    """,
    """
    UPDATE cases SET contacted_at = told.at
    FROM (SELECT subject_id, min(at) AS at FROM journal
          WHERE type IN ('yike.worker.arrived', 'yike.resident.contacted') GROUP BY subject_id) AS told
    WHERE told.subject_id = cases.case_id
    """,
    "ALTER TABLE cases ALTER COLUMN category_code DROP DEFAULT, ALTER COLUMN care DROP DEFAULT",
    "ALTER TABLE cases ALTER COLUMN ends_at_once DROP DEFAULT",
    "CREATE INDEX cases_by_registration ON cases (registered_at, case_id)",
    # One clock of a kind for each thing it is about; the zero id stands for the case itself.
    """
    ALTER TABLE deadlines
        ADD COLUMN about UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
        DROP CONSTRAINT deadlines_pkey,
        ADD PRIMARY KEY (case_id, kind, about, level, round)
    """,
    "ALTER TABLE deadlines ALTER COLUMN about DROP DEFAULT",
    "DROP INDEX deadlines_one_open",
    "CREATE UNIQUE INDEX deadlines_one_open ON deadlines (case_id, kind, about) WHERE ending IS NULL",
    "DROP INDEX deadlines_open",
    "CREATE INDEX deadlines_open ON deadlines (due_at, case_id, kind, about) WHERE ending IS NULL",
    "CREATE INDEX deadlines_open_of_case ON deadlines (case_id) WHERE ending IS NULL AND colour <> 'red'",
    """
    ALTER TABLE raises
        ADD COLUMN replied_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN replied_by TEXT,
        ADD COLUMN reply_id UUID,
        ADD CONSTRAINT replied_by_somebody CHECK ((replied_at IS NULL) = (replied_by IS NULL))
    """,
    """
    ALTER TABLE supervision_orders
        ADD COLUMN ordered_by TEXT,
        ADD COLUMN answered_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN answered_by TEXT,
        ADD COLUMN answer_id UUID,
        ADD CONSTRAINT answered_by_somebody CHECK ((answered_at IS NULL) = (answered_by IS NULL))
    """,
    """
    CREATE UNIQUE INDEX supervision_orders_one_open ON supervision_orders (case_id, round, kind, supervising_unit_id)
    WHERE answered_at IS NULL
    """,
    "CREATE INDEX supervision_orders_of_supervised ON supervision_orders (unit_id, at, id)",
    "DROP INDEX supervision_orders_of_unit",
    "CREATE INDEX supervision_orders_of_unit ON supervision_orders (supervising_unit_id, at, id)",
    """
    CREATE TABLE returns (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        part_id UUID NOT NULL,
        part_role TEXT NOT NULL,
        person_id TEXT NOT NULL,
        basis TEXT NOT NULL,
        rightful_unit_id TEXT NOT NULL,
        level TEXT NOT NULL,
        supervising_unit_id TEXT NOT NULL,
        round INTEGER NOT NULL,
        ruling TEXT,
        unanswered BOOLEAN NOT NULL,
        to_unit_id TEXT,
        ruled_at TIMESTAMP WITH TIME ZONE,
        ruled_by TEXT,
        over BOOLEAN NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT ruled_once CHECK ((ruling IS NULL) = (ruled_at IS NULL)),
        CONSTRAINT redispatch_names_a_unit
            CHECK ((ruling IS NOT DISTINCT FROM 'redispatch') = (to_unit_id IS NOT NULL)),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX ix_returns_case_id ON returns (case_id)",
    """
    CREATE TABLE extensions (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        person_id TEXT NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE NOT NULL,
        reason TEXT NOT NULL,
        level TEXT NOT NULL,
        approving_unit_id TEXT NOT NULL,
        round INTEGER NOT NULL,
        state TEXT NOT NULL,
        unanswered BOOLEAN NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE,
        decided_by TEXT,
        PRIMARY KEY (id),
        CONSTRAINT later_than_due CHECK (until > due_at),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX ix_extensions_case_id ON extensions (case_id)",
    "CREATE UNIQUE INDEX extensions_once ON extensions (case_id) WHERE state = 'granted'",
    "CREATE UNIQUE INDEX extensions_one_asked ON extensions (case_id) WHERE state = 'asked'",
    """
    CREATE TABLE parkings (
        id UUID NOT NULL,
        case_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        owner_id TEXT NOT NULL,
        unit_id TEXT NOT NULL,
        reason TEXT NOT NULL,
        review_at TIMESTAMP WITH TIME ZONE NOT NULL,
        level TEXT NOT NULL,
        round INTEGER NOT NULL,
        handle_due_at TIMESTAMP WITH TIME ZONE,
        ended_at TIMESTAMP WITH TIME ZONE,
        ended_because TEXT,
        PRIMARY KEY (id),
        CONSTRAINT review_comes_later CHECK (review_at > at AND review_at <= at + interval '90 days'),
        CONSTRAINT ended_for_a_reason CHECK ((ended_at IS NULL) = (ended_because IS NULL)),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    "CREATE INDEX ix_parkings_case_id ON parkings (case_id)",
    "CREATE UNIQUE INDEX parkings_one_at_a_time ON parkings (case_id) WHERE ended_at IS NULL",
    # What somebody wrote, whatever it belongs to: a raise, an order, an answer, a reply, a ruling, a plan.
    "ALTER TABLE raise_texts RENAME TO texts",
    "ALTER TABLE texts RENAME COLUMN raise_id TO id",
    "ALTER TABLE texts DROP CONSTRAINT raise_texts_raise_id_fkey",
    "ALTER TABLE texts ADD COLUMN case_id UUID, ADD COLUMN about TEXT NOT NULL DEFAULT 'raise_texts.text'",
    "UPDATE texts SET case_id = raises.case_id FROM raises WHERE raises.id = texts.id",
    "ALTER TABLE texts ALTER COLUMN case_id SET NOT NULL, ALTER COLUMN about DROP DEFAULT",
    "ALTER TABLE texts ADD FOREIGN KEY (case_id) REFERENCES cases (case_id)",
    "CREATE INDEX ix_texts_case_id ON texts (case_id)",
    """
    CREATE TABLE calendar_sweeps (
        id INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        revision BIGINT NOT NULL,
        noticed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        after_case_id UUID NOT NULL,
        finished BOOLEAN NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT one_row CHECK (id = 1)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
