"""dispatch: composition root."""

from __future__ import annotations

from services.dispatch.api import cases, evidence, phone, sync
from services.dispatch.handlers.search import Matching
from services.dispatch.settings import Settings
from services.dispatch.subscriptions import SUBSCRIPTIONS
from services.dispatch.tables import Table
from services.dispatch.timers import Forgetting, timers_of
from shared.sealing import Sealer
from shared.service import Loop, Service

settings = Settings()
matching = Matching(Sealer(settings.master_keys))
service = Service(
    name="dispatch",
    settings=settings,
    routers=[phone.router, evidence.router, sync.router, cases.router],
    subscriptions=SUBSCRIPTIONS,
    timers=timers_of(matching),
    loops=[
        Loop("matching", matching.run, pending=matching.pending),
        Loop("forgetting", Forgetting(settings.positions_kept_days).run),
    ],
    tables=Table.metadata,
)
app = service.app

if __name__ == "__main__":
    service.run()
