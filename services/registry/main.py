"""Registry put together. `python -m services.registry.main`."""

from __future__ import annotations

import asyncio
from typing import Any

from services.registry.api import calendars, imports, plans, rosters, sign_in, things
from services.registry.handlers.calendars import keep_watching
from services.registry.handlers.sign_in import Issuer, refuse_demo_accounts
from services.registry.settings import Settings
from services.registry.tables import Table
from services.registry.timers import TIMERS
from shared.service import Loop, Service


def assemble(settings: Settings, **given: Any) -> Service:
    """The service of these settings; tests give a directory and a verifier of their own."""
    return Service(
        name="registry",
        settings=settings,
        routers=[
            *sign_in.routers(Issuer(settings)),
            calendars.router,
            things.router,
            plans.router,
            rosters.router,
            imports.router,
            imports.streams,
        ],
        timers=TIMERS,
        loops=[Loop("calendars", keep_watching)],
        tables=Table.metadata,
        **given,
    )


if __name__ == "__main__":
    settings = Settings()
    asyncio.run(refuse_demo_accounts(settings))
    assemble(settings).run()
