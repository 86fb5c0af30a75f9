"""How many emergencies are to be expected where: as many as lately, the last hours counting most."""

from __future__ import annotations

from math import exp

from services.dispatch.matching.situation import Demand
from services.dispatch.travel.model import Floats, Places

REMEMBERS_HOURS = 3.0
"""An emergency of so many hours ago counts 1/e of one that was just registered."""
BEFORE_CALLS, BEFORE_HOURS = 10.0, 0.5
"""What is expected where nothing is known yet: so many in so long, all over the street."""


def expected(cells: Places, remembered: Floats, known_hours: float) -> Demand:
    """`remembered`: (m,) emergencies of each cell, those of h hours ago counted exp(-h / REMEMBERS_HOURS);
    `known_hours` is since when they are counted."""
    seen_hours = REMEMBERS_HOURS * (1.0 - exp(-known_hours / REMEMBERS_HOURS))
    every = float(remembered.sum()) + BEFORE_CALLS
    share = (remembered + BEFORE_CALLS / max(1, len(remembered))) / every
    return Demand(cells, every / (seen_hours + BEFORE_HOURS) * share)
