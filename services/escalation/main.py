"""Escalation put together. `python -m services.escalation.main`."""

from __future__ import annotations

from typing import Any

from services.escalation.api import cases, lists, matters
from services.escalation.settings import Settings
from services.escalation.subscriptions import SUBSCRIPTIONS
from services.escalation.tables import Table
from services.escalation.timers import TIMERS, look_at_open_deadlines
from shared.service import Loop, Service


def assemble(settings: Settings, **given: Any) -> Service:
    """The service of these settings; tests give a directory and a verifier of their own."""
    return Service(
        name="escalation",
        settings=settings,
        routers=[cases.router, matters.router, lists.router],
        subscriptions=SUBSCRIPTIONS,
        timers=TIMERS,
        loops=[Loop("open_deadlines", look_at_open_deadlines)],
        tables=Table.metadata,
        **given,
    )


if __name__ == "__main__":
    assemble(Settings()).run()
