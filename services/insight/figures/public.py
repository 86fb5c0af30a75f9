"""What everybody may read, and which of it counts the same people twice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Population:
    """Figures over one and the same denominator: what is left out of one is left out of all."""

    figures: tuple[str, ...]


# Solved before on time, here as well. Satisfaction is no whole number of cases, so nothing small could be hidden in it.
PUBLIC: tuple[Population, ...] = (
    Population(("solution_rate", "response_rate")),
    Population(("follow_ups_reached",)),
    Population(("on_time_arrival", "on_time_arrival_since_told", "emergency_success")),
    Population(("handled_in_time",)),
    Population(("resolved",)),
    Population(("reopened_within_30_days",)),
    Population(("registered",)),
)
