"""Cases that are the same thing: what they are recognised by, and which is part of which.

A parent may have no parent itself: the foreign key of a child names the parent together with its being a root.
"""

from alembic import op

revision = "intake_0003"
down_revision = "intake_0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE cases
        ADD parent_id UUID,
        ADD parent_round INTEGER,
        ADD merged_at TIMESTAMP WITH TIME ZONE,
        ADD is_root BOOLEAN GENERATED ALWAYS AS (parent_id IS NULL) STORED,
        ADD parent_is_root BOOLEAN GENERATED ALWAYS AS (CASE WHEN parent_id IS NOT NULL THEN true END) STORED,
        ADD CONSTRAINT merged_into_another CHECK (
            parent_id <> case_id AND (state <> 'merged' OR parent_id IS NOT NULL)
        ),
        ADD CONSTRAINT cases_roots UNIQUE (case_id, is_root)
    """,
    """
    ALTER TABLE cases ADD CONSTRAINT merged_into_a_root FOREIGN KEY (parent_id, parent_is_root)
        REFERENCES cases (case_id, is_root) DEFERRABLE INITIALLY DEFERRED
    """,
    "CREATE INDEX cases_children ON cases (parent_id, case_id) WHERE parent_id IS NOT NULL",
    """
    CREATE TABLE likenesses (
        case_id UUID NOT NULL,
        category_group TEXT NOT NULL,
        cell BIGINT,
        building TEXT,
        registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        signature BYTEA,
        live BOOLEAN NOT NULL,
        PRIMARY KEY (case_id),
        FOREIGN KEY(case_id) REFERENCES cases (case_id)
    )
    """,
    """
    CREATE INDEX likenesses_near ON likenesses (category_group, cell, registered_at)
    WHERE live AND cell IS NOT NULL
    """,
    """
    CREATE INDEX likenesses_building ON likenesses (category_group, building, registered_at)
    WHERE live AND building IS NOT NULL
    """,
    "CREATE INDEX likenesses_by_age ON likenesses (registered_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
