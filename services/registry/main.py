"""Registry put together. `python -m services.registry.main`."""

from __future__ import annotations

import asyncio

from services.registry.api import sign_in, things
from services.registry.handlers.sign_in import Issuer, refuse_demo_accounts
from services.registry.settings import Settings
from services.registry.tables import Table
from shared.service import Service

settings = Settings()
service = Service(
    name="registry",
    settings=settings,
    routers=[*sign_in.routers(Issuer(settings)), things.router],
    tables=Table.metadata,
)
app = service.app

if __name__ == "__main__":
    asyncio.run(refuse_demo_accounts(settings))
    service.run()
