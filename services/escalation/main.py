"""escalation: composition root."""

from __future__ import annotations

from services.escalation import api
from services.escalation.settings import Settings
from services.escalation.subscriptions import SUBSCRIPTIONS
from services.escalation.tables import Table
from services.escalation.timers import TIMERS, look_at_open_deadlines
from shared.service import Loop, Service

settings = Settings()
service = Service(
    name="escalation",
    settings=settings,
    routers=[api.router],
    subscriptions=SUBSCRIPTIONS,
    timers=TIMERS,
    loops=[Loop("open_deadlines", look_at_open_deadlines)],
    tables=Table.metadata,
)
app = service.app

if __name__ == "__main__":
    service.run()
