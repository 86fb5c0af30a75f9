"""Escalation put together. `python -m services.escalation.main`."""

from __future__ import annotations

from typing import Any

from services.escalation.api import cases, lists, matters, simulations
from services.escalation.settings import Settings
from services.escalation.subscriptions import SUBSCRIPTIONS
from services.escalation.tables import Table
from services.escalation.timers import TIMERS, follow_calendars, look_at_open_deadlines
from shared.service import Loop, Service


def assemble(settings: Settings, **given: Any) -> Service:
    """The service of these settings; tests give a directory and a verifier of their own."""
    return Service(
        name="escalation",
        settings=settings,
        routers=[cases.router, matters.router, lists.router, simulations.router],
        subscriptions=SUBSCRIPTIONS,
        timers=TIMERS,
        loops=[Loop("open_deadlines", look_at_open_deadlines), Loop("calendars", follow_calendars)],
        tables=Table.metadata,
        **given,
    )


if __name__ == "__main__":
    assemble(Settings()).run()
