"""Notify put together. `python -m services.notify.main`."""

from __future__ import annotations

from typing import Any

from services.notify import api
from services.notify.rules import Via
from services.notify.settings import Settings, use
from services.notify.subscriptions import SUBSCRIPTIONS
from services.notify.tables import Table
from services.notify.timers import FeedWatch, Forgetting, Sender
from shared.service import Loop, Service


def assemble(settings: Settings, **given: Any) -> Service:
    """The service of these settings; tests give a directory and a verifier of their own."""
    use(settings)
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
        **given,
    )


if __name__ == "__main__":
    assemble(Settings()).run()
