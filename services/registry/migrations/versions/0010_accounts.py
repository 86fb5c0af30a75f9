"""Lock-out, one-time passwords and a second step at sign-in; an account's own story; what a session is called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "accounts", sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()"))
    )
    op.alter_column("accounts", "id", server_default=None)
    op.create_unique_constraint("accounts_id_key", "accounts", ["id"])
    for column in (
        sa.Column("one_time_until", sa.DateTime(timezone=True)),
        sa.Column("locked_until", sa.DateTime(timezone=True)),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("tries_since", sa.DateTime(timezone=True)),
        sa.Column("codes_key", sa.LargeBinary),
        sa.Column("codes_sealed", sa.LargeBinary),
        sa.Column("codes_on_at", sa.DateTime(timezone=True)),
        sa.Column("codes_last_step", sa.BigInteger),
    ):
        op.add_column("accounts", column)
    op.create_check_constraint("account_tries_are_counted", "accounts", "tries >= 0")
    op.create_check_constraint(
        "account_codes_have_their_key", "accounts", "num_nulls(codes_key, codes_sealed) IN (0, 2)"
    )
    op.create_check_constraint(
        "account_codes_that_are_on_have_a_secret",
        "accounts",
        "codes_on_at IS NULL OR codes_sealed IS NOT NULL",
    )
    _recovery_codes()
    _sessions()


def _recovery_codes() -> None:
    op.create_table(
        "recovery_codes",
        sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("code_hash", sa.LargeBinary, primary_key=True),
        sa.Column("used_at", sa.DateTime(timezone=True)),
    )


def _sessions() -> None:
    op.add_column("sessions", sa.Column("device", sa.Text))
    op.add_column(
        "sessions",
        sa.Column(
            "last_used_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.clock_timestamp(),
        ),
    )
    # Who borrowed something is found by what was lent (GET /delegations).
    op.execute("CREATE INDEX people_acts_for ON people USING gin ((body -> 'acts_for') jsonb_path_ops)")
