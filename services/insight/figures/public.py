"""What everybody may read, and which of it counts the same people twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Population:
    """Figures over one and the same denominator: what is left out of one is left out of all. `nested` are, by figure,
    the earlier ones of which every case of the one is a case of the other; `holds` are figures of earlier populations
    all of whose cases are cases of these (but for the few minutes by which a case may be of another month there)."""

    figures: tuple[str, ...]
    nested: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    holds: tuple[str, ...] = ()


ARRIVALS = ("on_time_arrival", "on_time_arrival_since_told", "emergency_success")
# Solved before on time, here as well. Satisfaction is no whole number of cases, so nothing small could be hidden in it.
PUBLIC: tuple[Population, ...] = (
    Population(("solution_rate", "response_rate")),
    Population(("follow_ups_reached",)),
    Population(
        ARRIVALS,
        # In time since the call is in time since told, and no success came late.
        MappingProxyType(
            {
                "on_time_arrival_since_told": ("on_time_arrival",),
                "emergency_success": ("on_time_arrival", "on_time_arrival_since_told"),
            }
        ),
    ),
    Population(("handled_in_time",)),
    Population(("resolved",)),
    Population(("reopened_within_30_days",)),
    # Every emergency was registered: less those that had to be reached, they are the merged and withdrawn ones.
    Population(("registered",), holds=ARRIVALS),
)
