"""The grids' rounds by period, and mass tasks split over many workers."""

from alembic import op

revision = "dispatch_0003"
down_revision = "dispatch_0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE round_stops (
        id UUID NOT NULL,
        kind TEXT NOT NULL,
        grid_id TEXT NOT NULL,
        label TEXT,
        place JSONB,
        period TEXT NOT NULL,
        amount INTEGER NOT NULL,
        since DATE NOT NULL,
        preferred_at TIME WITHOUT TIME ZONE,
        stay_minutes INTEGER NOT NULL,
        person_id TEXT,
        digest TEXT,
        due_on DATE NOT NULL,
        not_before DATE NOT NULL,
        done_on DATE,
        done_by TEXT,
        entry_id UUID,
        reason TEXT,
        added_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        wrapped_key BYTEA,
        sealed_details BYTEA,
        PRIMARY KEY (id),
        CONSTRAINT visits_are_sealed CHECK (kind = 'patrol_point' OR (label IS NULL AND place IS NULL)),
        CONSTRAINT points_are_named CHECK (kind = 'visit' OR label IS NOT NULL),
        CONSTRAINT stops_come_again CHECK (amount BETWEEN 1 AND 365)
    )
    """,
    "CREATE INDEX round_stops_due ON round_stops (grid_id, due_on, id) WHERE ended_at IS NULL",
    "CREATE INDEX round_stops_ended ON round_stops (ended_at) WHERE wrapped_key IS NOT NULL",
    """
    CREATE TABLE round_entries (
        id UUID NOT NULL,
        stop_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        device_at TIMESTAMP WITH TIME ZONE,
        done BOOLEAN NOT NULL,
        reason TEXT,
        method TEXT,
        distance_m INTEGER,
        due_on DATE NOT NULL,
        counts_for DATE,
        missed DATE[] DEFAULT '{}' NOT NULL,
        undone_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (id),
        CONSTRAINT not_done_has_a_reason CHECK (done = (reason IS NULL)),
        FOREIGN KEY(stop_id) REFERENCES round_stops (id)
    )
    """,
    "CREATE INDEX round_entries_by_stop ON round_entries (stop_id, at)",
    """
    CREATE TABLE round_dues (
        stop_id UUID NOT NULL,
        due_on DATE NOT NULL,
        grid_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        done BOOLEAN NOT NULL,
        reason TEXT,
        PRIMARY KEY (stop_id, due_on),
        FOREIGN KEY(stop_id) REFERENCES round_stops (id)
    )
    """,
    "CREATE INDEX round_dues_by_grid ON round_dues (grid_id, due_on)",
    """
    CREATE TABLE round_words (
        id UUID NOT NULL,
        stop_id UUID NOT NULL,
        sealed_text BYTEA,
        PRIMARY KEY (id),
        FOREIGN KEY(stop_id) REFERENCES round_stops (id)
    )
    """,
    "CREATE INDEX round_words_by_stop ON round_words (stop_id)",
    """
    CREATE TABLE mass_tasks (
        id UUID NOT NULL,
        title TEXT NOT NULL,
        unit_path TEXT[] NOT NULL,
        state TEXT NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        digest TEXT NOT NULL,
        prepared_by TEXT NOT NULL,
        prepared_at TIMESTAMP WITH TIME ZONE NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE,
        split_at TIMESTAMP WITH TIME ZONE,
        closed_at TIMESTAMP WITH TIME ZONE,
        total INTEGER NOT NULL,
        done INTEGER,
        missing JSONB,
        wrapped_key BYTEA,
        sealed_instructions BYTEA,
        PRIMARY KEY (id),
        CONSTRAINT mass_tasks_state CHECK (state IN ('draft', 'open', 'closed')),
        CONSTRAINT mass_tasks_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL))
    )
    """,
    "CREATE INDEX mass_tasks_latest ON mass_tasks (prepared_at, id)",
    "CREATE INDEX mass_tasks_kept ON mass_tasks (closed_at) WHERE wrapped_key IS NOT NULL",
    """
    CREATE TABLE mass_task_people (
        id UUID NOT NULL,
        task_id UUID NOT NULL,
        ref TEXT NOT NULL,
        grid_id TEXT NOT NULL,
        building TEXT NOT NULL,
        place INTEGER NOT NULL,
        worker_id TEXT,
        state TEXT NOT NULL,
        reason TEXT,
        tries INTEGER NOT NULL,
        try_id UUID,
        tried_by TEXT,
        tried_at TIMESTAMP WITH TIME ZONE,
        sealed_person BYTEA,
        PRIMARY KEY (id),
        CONSTRAINT not_done_says_why CHECK ((state = 'not_done') = (reason IS NOT NULL)),
        CONSTRAINT mass_task_people_state CHECK (state IN ('open', 'done', 'not_done')),
        FOREIGN KEY(task_id) REFERENCES mass_tasks (id)
    )
    """,
    "CREATE UNIQUE INDEX mass_task_people_once ON mass_task_people (task_id, ref)",
    "CREATE INDEX mass_task_people_walk ON mass_task_people (task_id, worker_id, place, id)",
    "CREATE INDEX mass_task_people_list ON mass_task_people (task_id, place, id)",
    """
    CREATE TABLE mass_task_tries (
        id UUID NOT NULL,
        task_id UUID NOT NULL,
        listed_id UUID NOT NULL,
        person_id TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        device_at TIMESTAMP WITH TIME ZONE,
        done BOOLEAN NOT NULL,
        reason TEXT,
        undone_at TIMESTAMP WITH TIME ZONE,
        sealed_note BYTEA,
        sealed_correction BYTEA,
        PRIMARY KEY (id),
        CONSTRAINT a_try_that_failed_says_why CHECK (done = (reason IS NULL)),
        FOREIGN KEY(task_id) REFERENCES mass_tasks (id),
        FOREIGN KEY(listed_id) REFERENCES mass_task_people (id)
    )
    """,
    "CREATE INDEX mass_task_tries_by_person ON mass_task_tries (listed_id, at)",
    "CREATE INDEX mass_task_tries_by_task ON mass_task_tries (task_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
