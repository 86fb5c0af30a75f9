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
    patience_seconds: float = 900.0
    """Where people are scarce nobody is sent further than this, and `patience_per_age` of the case's age more: whoever
    crosses the town is missing for two others, and somebody nearer is done before they are there."""
    patience_per_age: float = 0.25
    """Of two cases that cannot both be served the older one goes first, other things equal."""
    soon_done_min: int = 20
    """People are scarce where as many cases wait as people are free, and so many work on emergencies: one of them is
    done about every minute. In a small street nobody near may be done for long, and whoever is there goes."""

    nearest: int = 20
    """How many people are weighed for a case at first; doubled for cases left without anybody while people are free."""
    unknown_way_seconds: float = 7200.0
    """For a way nobody can tell, or longer than this: asked last, but asked."""

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
