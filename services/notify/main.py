"""notify put together."""

from __future__ import annotations

from services.notify import api
from services.notify.rules import Via
from services.notify.settings import current
from services.notify.subscriptions import SUBSCRIPTIONS
from services.notify.tables import Table
from services.notify.timers import FeedWatch, Forgetting, Sender
from shared.service import Loop, Service

settings = current()
senders = [Sender(via, settings) for via in (Via.SMTP, Via.WEBHOOK, Via.CONSOLE)]
watch, forgetting = FeedWatch(settings), Forgetting(settings)
service = Service(
    name="notify",
    settings=settings,
    routers=[api.router, api.streams],
    subscriptions=SUBSCRIPTIONS,
    loops=[
        Loop("feed", watch.run, watch.pending),
        Loop("forgetting", forgetting.run),
        *(Loop(f"send-{sender.via}", sender.run, sender.pending) for sender in senders),
    ],
    tables=Table.metadata,
)
app = service.app

if __name__ == "__main__":
    service.run()
