"""How each person wants to be told, and the devices that may be pushed to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("person_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("chosen", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("channels", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("quiet_from", sa.Time),
        sa.Column("quiet_until", sa.Time),
        sa.Column("digest", sa.Text, nullable=False, server_default="after_quiet"),
        sa.Column("digest_at", sa.Time),
        sa.Column("language", sa.Text),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("sealed_number", sa.LargeBinary),
        sa.Column("devices", sa.Integer, nullable=False, server_default="0"),
        sa.Column("changed_at", TIME, nullable=False, server_default=NOW),
        sa.CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet_has_two_ends"),
        sa.CheckConstraint("digest IN ('off', 'after_quiet', 'daily')", name="known_digest"),
        sa.CheckConstraint("(digest = 'daily') = (digest_at IS NOT NULL)", name="daily_has_an_hour"),
        sa.CheckConstraint("devices >= 0", name="devices_are_counted"),
    )
    op.create_index("people_changed_at", "people", ["changed_at"])
    op.create_table(
        "devices",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Text, sa.ForeignKey("people.person_id"), nullable=False),
        sa.Column("endpoint_index", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
    )
    op.create_index("devices_endpoint", "devices", ["endpoint_index"], unique=True)
    op.create_index("devices_of_person", "devices", ["person_id", "id"])
