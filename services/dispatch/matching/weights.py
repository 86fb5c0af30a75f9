"""Every number by which the engine weighs, in one place: units, and why it is what it is.

A cost unit is a thousandth of an emergency that comes too late: 1000 units are one late arrival.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """The defaults were tuned on the simulated city (docs/dispatch.md), never on the seeds it is reported on."""

    late: float = 1000.0
    """For an arrival that is surely late."""
    per_second: float = 0.35
    """For a second of the way: 48 minutes weigh as much as one late arrival, so lateness decides and minutes follow."""

    head_start_a_seconds: float = 240.0
    """The own grid's A holder counts as this much nearer (AB岗); the chance of being late is not touched."""
    head_start_b_seconds: float = 180.0
    a_first: float = 12.0
    """On, for everybody but the A holder: where A and B are both near, no small term puts B first."""

    load_unit: float = 1.0
    """For each emergency taken in this shift, up to `load_max` of them."""
    load_max: float = 4.0
    night_unit: float = 0.25
    """For each night offer of the last 30 days, up to `nights_max` of them."""
    nights_max: float = 8.0
    lacking_skill: float = 2.0
    lost_swap: float = 2.0
    """Off, for whoever lost a swap. The small terms span 10 units in all: one point of the chance to be late."""

    served: float = 1e6
    """For a case that nobody is asked for: more than any way costs, so nobody waits while somebody is free."""
    savable: float = 1e4
    """More for a case that can still be in time, which goes before all that are late already."""
    savable_below: float = 0.95
    """A case with a better chance than this of being late, by whoever is likeliest in time, can still be saved."""
    age_unit: float = 1.0
    """More for each second since registration, among the late ones; up to `age_max_seconds`."""
    age_max_seconds: float = 7200.0

    nearest: int = 20
    """How many people are weighed for a case at first; doubled for cases left without anybody while people are free."""
    unknown_way_seconds: float = 7200.0
    """For a way nobody can tell, or longer than this: asked last, but asked."""

    ahead: float = 0.0
    """How much an emergency to come counts against one that waits; 0 keeps nobody for it."""
    busy_hours: float = 0.5
    """For how long whoever is sent is missing: the way, the time on site."""
    in_time_seconds: float = 900.0
    accepts: float = 0.85
    """How many offers are accepted, typically."""

    swap_saves: float = 400.0
    """What calling somebody off their way must save, whoever has to wait for it counted in."""
    swap_beyond_seconds: float = 240.0
    """Nobody is called off who is nearer than this to where they go."""
    way_sigma: float = 0.25
    """How far the rest of a way scatters: sigma of the logarithm."""

    time_box_seconds: float = 0.25
    """For one matching. What is not solved by then goes to the closest pairs."""

    @property
    def small_max(self) -> float:
        """The span of all small terms together, in units."""
        fair = self.load_unit * self.load_max + self.night_unit * self.nights_max
        return fair + self.lacking_skill + self.lost_swap
