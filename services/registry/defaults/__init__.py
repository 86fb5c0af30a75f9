"""What every city starts from and may change: the official calendar, the clocks, the dispatch catalogue.

`python -m services.registry.defaults` writes what is missing of it and makes the first administrator (__main__.py).
"""

from __future__ import annotations

from services.registry.defaults.calendar import official_calendar
from services.registry.defaults.catalogue import categories
from services.registry.defaults.policies import POLICIES
from shared.things import Calendar, Category, Policy


def things() -> list[Calendar | Policy | Category]:
    """All of it, in an order in which each thing's parents come first."""
    return [official_calendar(), *POLICIES, *categories()]
