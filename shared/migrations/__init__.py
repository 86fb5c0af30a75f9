"""What the services' alembic environments share."""
