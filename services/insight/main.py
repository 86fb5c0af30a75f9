"""insight: composition root."""

from __future__ import annotations

from services.insight.api import board, cases, figures
from services.insight.settings import Settings
from services.insight.subscriptions import SUBSCRIPTIONS
from services.insight.tables import Table
from shared.service import Service

settings = Settings()
service = Service(
    name="insight",
    settings=settings,
    routers=[cases.router, board.router, figures.router],
    subscriptions=SUBSCRIPTIONS,
    tables=Table.metadata,
    journal=False,
    hears_everything=True,
)
app = service.app

if __name__ == "__main__":
    service.run()
