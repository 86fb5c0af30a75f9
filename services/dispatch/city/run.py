"""What one simulated day leaves behind, as arrays; figures are made of nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.dispatch.travel.model import Floats, Indices

ON_TIME_SECONDS = 900.0
"""Fifteen minutes from registration to the door (product.md §3)."""


@dataclass(frozen=True, slots=True)
class Run:
    """One policy on one day of one scenario. Arrays of cases are in order of registration; seconds count from the
    start of the day. `arrived` is infinite where nobody came before the day's cases were all dealt with. `swaps`:
    how often who was on the way to the case was called to another; `takeovers`: how often somebody nearer went on in
    their place; `interruptions`: how often routine work was left for it.
    `level` is the rung the acknowledge clock had reached (0 grid … 3 civil affairs). `taken` counts cases by post (its
    people change with the shift); `solver_seconds` is one real duration per matching, `fallbacks` of them fell back to
    the closest pair. `suggestions`: how often somebody was told where they would best wait, in `duty_hours` hours of
    people on duty."""

    scenario: str
    policy: str
    seed: int
    registered: Floats
    arrived: Floats
    lon: Floats
    lat: Floats
    grid: Indices
    offers: Indices
    swaps: Indices
    takeovers: Indices
    interruptions: Indices
    level: Indices
    taken: Indices
    solver_seconds: Floats
    fallbacks: int
    suggestions: int
    duty_hours: float

    @property
    def took(self) -> Floats:
        """Seconds from registration to arrival."""
        return self.arrived - self.registered

    @property
    def late(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return self.took > ON_TIME_SECONDS
