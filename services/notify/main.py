"""notify put together."""

from __future__ import annotations

from services.notify import api
from services.notify.rules import Via
from services.notify.settings import Settings, current
from services.notify.subscriptions import SUBSCRIPTIONS
from services.notify.tables import Table
from services.notify.timers import FeedWatch, Forgetting, Sender
from shared.directory import Directory
from shared.identity import Verifier
from shared.service import Loop, Service


def compose(
    settings: Settings, *, directory: Directory | None = None, verifier: Verifier | None = None
) -> Service:
    """One process of notify; tests give a directory and a verifier, and run several beside each other."""
    watch, forgetting = FeedWatch(settings), Forgetting(settings)
    senders = [Sender(via, settings) for via in (Via.SMTP, Via.WEBHOOK, Via.CONSOLE)]
    return Service(
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
        directory=directory,
        verifier=verifier,
    )


service = compose(current())
app = service.app

if __name__ == "__main__":
    service.run()
