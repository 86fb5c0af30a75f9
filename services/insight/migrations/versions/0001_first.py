"""The rows of cases, their follow-ups and the timeline."""

from alembic import op

from shared.migrations.plumbing import create_plumbing

revision = "insight_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE cases (
        case_id UUID NOT NULL,
        number TEXT NOT NULL,
        category_code TEXT NOT NULL,
        urgency TEXT NOT NULL,
        channel TEXT NOT NULL,
        headline TEXT NOT NULL,
        place_label TEXT NOT NULL,
        grid_id TEXT,
        unit_path TEXT[] NOT NULL,
        ladder TEXT[] NOT NULL,
        ladder_unit_ids TEXT[] NOT NULL,
        policy_id TEXT NOT NULL,
        requester_can_be_asked BOOLEAN NOT NULL,
        registry_revision INTEGER NOT NULL,
        registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        round INTEGER NOT NULL,
        reopened_count INTEGER NOT NULL,
        reopened_at TIMESTAMP WITH TIME ZONE,
        closed_at TIMESTAMP WITH TIME ZONE,
        closed_round INTEGER,
        closed_by TEXT,
        outcome TEXT,
        resolved_level TEXT,
        parts JSONB NOT NULL,
        offered_at TIMESTAMP WITH TIME ZONE,
        accepted_at TIMESTAMP WITH TIME ZONE,
        arrived_at TIMESTAMP WITH TIME ZONE,
        arrived_told_at TIMESTAMP WITH TIME ZONE,
        arrived_device_at TIMESTAMP WITH TIME ZONE,
        contacted_at TIMESTAMP WITH TIME ZONE,
        photographed_at TIMESTAMP WITH TIME ZONE,
        account_at TIMESTAMP WITH TIME ZONE,
        measure_at TIMESTAMP WITH TIME ZONE,
        first_handled_at TIMESTAMP WITH TIME ZONE,
        handled_at TIMESTAMP WITH TIME ZONE,
        handled_round INTEGER,
        handled_level TEXT,
        handled_outcome TEXT,
        handled_musts TEXT[] NOT NULL,
        late_cause TEXT,
        offers INTEGER NOT NULL,
        declines INTEGER NOT NULL,
        lapses INTEGER NOT NULL,
        withdrawals INTEGER NOT NULL,
        nobody_available_count INTEGER NOT NULL,
        evidence_count INTEGER NOT NULL,
        worked_round INTEGER,
        clocks JSONB NOT NULL,
        raises JSONB NOT NULL,
        supervisions JSONB NOT NULL,
        level TEXT,
        level_unit_id TEXT,
        notices_delivered INTEGER NOT NULL,
        notices_read INTEGER NOT NULL,
        notices_failed INTEGER NOT NULL,
        events INTEGER NOT NULL,
        last_event_at TIMESTAMP WITH TIME ZONE,
        state TEXT NOT NULL,
        level_reached TEXT NOT NULL,
        holder_id TEXT,
        going_id TEXT,
        acknowledged BOOLEAN NOT NULL,
        musts_met TEXT[] NOT NULL,
        raises_count INTEGER NOT NULL,
        deadlines_met INTEGER NOT NULL,
        deadlines_missed INTEGER NOT NULL,
        next_due_at TIMESTAMP WITH TIME ZONE,
        next_amber_at TIMESTAMP WITH TIME ZONE,
        next_kind TEXT,
        PRIMARY KEY (case_id)
    )
    """,
    "CREATE INDEX cases_emergencies ON cases (registered_at) WHERE urgency = 'emergency'",
    "CREATE INDEX cases_number ON cases (number)",
    "CREATE INDEX cases_open ON cases (next_due_at) WHERE state <> 'closed'",
    "CREATE INDEX cases_registered ON cases (registered_at, case_id)",
    "CREATE INDEX cases_unit_path ON cases USING gin (unit_path)",
    """
    CREATE TABLE follow_ups (
        case_id UUID NOT NULL,
        follow_up_id UUID NOT NULL,
        round INTEGER NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE,
        attempts INTEGER NOT NULL,
        early_answers INTEGER NOT NULL,
        reached_at TIMESTAMP WITH TIME ZONE,
        via TEXT,
        contacted BOOLEAN,
        solved BOOLEAN,
        satisfaction TEXT,
        coached BOOLEAN NOT NULL,
        given_up_at TIMESTAMP WITH TIME ZONE,
        reopened_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (case_id, follow_up_id)
    )
    """,
    "CREATE INDEX follow_ups_opened ON follow_ups (opened_at) WHERE opened_at IS NOT NULL",
    "CREATE INDEX follow_ups_reached ON follow_ups (reached_at) WHERE reached_at IS NOT NULL",
    """
    CREATE TABLE timeline (
        case_id UUID NOT NULL,
        source TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        event_id UUID NOT NULL,
        type TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        actor JSONB NOT NULL,
        channel TEXT NOT NULL,
        data JSONB NOT NULL,
        PRIMARY KEY (case_id, source, sequence)
    )
    """,
)


def upgrade() -> None:
    create_plumbing()
    for statement in STATEMENTS:
        op.execute(statement)
