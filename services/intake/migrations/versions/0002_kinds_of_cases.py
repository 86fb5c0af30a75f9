"""For whom somebody asks, what they were told at once, what was agreed and changed since."""

from alembic import op

revision = "intake_0002"
down_revision = "intake_0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE cases
        ADD requester_kind TEXT NOT NULL DEFAULT 'self',
        ADD appointment_starts_at TIMESTAMP WITH TIME ZONE,
        ADD appointment_ends_at TIMESTAMP WITH TIME ZONE,
        ADD reported_at TIMESTAMP WITH TIME ZONE,
        ADD excluded TEXT[] NOT NULL DEFAULT '{}',
        ADD care BOOLEAN NOT NULL DEFAULT false,
        ADD crisis TEXT,
        ADD ends_at_once TEXT,
        ADD snippet_id TEXT,
        ADD not_accepted TEXT,
        ADD service TEXT,
        ADD rightful_unit_id TEXT,
        ADD amended_at TIMESTAMP WITH TIME ZONE,
        ADD urged_count INTEGER NOT NULL DEFAULT 0,
        ADD urged_at TIMESTAMP WITH TIME ZONE,
        ADD return_pending BOOLEAN NOT NULL DEFAULT false,
        ADD parked_until TIMESTAMP WITH TIME ZONE,
        ADD extended_until TIMESTAMP WITH TIME ZONE,
        ADD refused_consents TEXT[] NOT NULL DEFAULT '{}',
        ADD CONSTRAINT appointments_begin_and_end CHECK (
            (appointment_starts_at IS NULL) = (appointment_ends_at IS NULL)
            AND appointment_starts_at < appointment_ends_at
        ),
        ADD CONSTRAINT refused_for_a_reason CHECK (
            not_accepted IS NULL OR ends_at_once = 'not_accepted'
        )
    """,
    """
    ALTER TABLE cases
        ALTER requester_kind DROP DEFAULT, ALTER excluded DROP DEFAULT, ALTER care DROP DEFAULT,
        ALTER urged_count DROP DEFAULT, ALTER return_pending DROP DEFAULT, ALTER refused_consents DROP DEFAULT
    """,
    "ALTER TABLE requesters ADD beneficiary_sealed BYTEA, ADD author_sealed BYTEA, ADD answer_sealed BYTEA",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
