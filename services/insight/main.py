"""Insight put together. `python -m services.insight.main`."""

from __future__ import annotations

from typing import Any

from services.insight.api import alarms, board, cases, figures, snapshots
from services.insight.settings import Settings
from services.insight.subscriptions import SUBSCRIPTIONS
from services.insight.tables import Table
from shared.service import Service


def assemble(settings: Settings, **given: Any) -> Service:
    """The service of these settings; tests give a directory and a verifier of their own."""
    return Service(
        name="insight",
        settings=settings,
        routers=[cases.router, alarms.router, board.router, figures.router, snapshots.router],
        subscriptions=SUBSCRIPTIONS,
        tables=Table.metadata,
        journal=False,
        hears_everything=True,
        **given,
    )


if __name__ == "__main__":
    assemble(Settings()).run()
