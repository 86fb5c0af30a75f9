"""Notify put together. `python -m services.notify.main`."""

from __future__ import annotations

from typing import Any

from services.notify.api import feed, gateways, me, templates
from services.notify.handlers.office import Office
from services.notify.settings import Settings
from services.notify.subscriptions import subscriptions_of
from services.notify.tables import Table
from services.notify.timers import timers_of
from services.notify.timers.keeping import Digests, FeedWatch, Forgetting, Knowing, Things
from services.notify.timers.sending import Sending
from shared.service import Loop, Service


def assemble(settings: Settings, **given: Any) -> Service:
    """The service of these settings; tests give a directory and a verifier of their own."""
    office = Office(settings)
    watch, sending, digests = FeedWatch(settings), Sending(office), Digests(office)
    service = Service(
        name="notify",
        settings=settings,
        routers=[feed.router, feed.streams, me.router, templates.router, gateways.router],
        subscriptions=subscriptions_of(office),
        timers=timers_of(office),
        loops=[
            Loop("knowing", Knowing(office).run),
            Loop("feed", watch.run, watch.pending),
            Loop("sending", sending.run, sending.pending),
            Loop("digests", digests.run, digests.pending),
            Loop("things", Things(office).run),
            Loop("forgetting", Forgetting(settings).run),
        ],
        tables=Table.metadata,
        **given,
    )
    service.app.state.office = office
    return service


if __name__ == "__main__":
    assemble(Settings()).run()
