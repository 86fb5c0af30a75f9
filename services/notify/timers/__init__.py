"""Work that time starts."""

from __future__ import annotations

from functools import partial

from services.notify.handlers.alarms import RING, ring_again
from services.notify.handlers.heard import UNREAD
from services.notify.handlers.office import Office
from services.notify.handlers.unread import still_unread
from shared.timers import TimerHandlers


def timers_of(office: Office) -> TimerHandlers:
    """Which timer calls what."""
    return {UNREAD: partial(still_unread, office), RING: partial(ring_again, office)}
