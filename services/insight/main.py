"""Insight put together. `python -m services.insight.main`."""

from __future__ import annotations

from typing import Any

from services.insight.api import (
    alarms,
    appraisal,
    board,
    cases,
    differences,
    drilldown,
    figures,
    public,
    snapshots,
)
from services.insight.settings import Settings
from services.insight.subscriptions import SUBSCRIPTIONS
from services.insight.tables import Table
from services.insight.upkeep import Publishing
from shared.service import Loop, Service

MODULES = (cases, alarms, board, figures, drilldown, appraisal, snapshots, differences, public)
ROUTERS = tuple(module.router for module in MODULES)


def assemble(settings: Settings, **given: Any) -> Service:
    """The service of these settings; tests give a directory and a verifier of their own."""
    return Service(
        name="insight",
        settings=settings,
        routers=ROUTERS,
        subscriptions=SUBSCRIPTIONS,
        loops=[Loop("publishing", Publishing(settings.publish_after_days).run)],
        tables=Table.metadata,
        journal=False,
        hears_everything=True,
        **given,
    )


if __name__ == "__main__":
    assemble(Settings()).run()
