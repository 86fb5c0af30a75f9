"""How ways go at present (当前路况): a factor per mode from the ways that ended lately, hard to lead astray.

What weeks of counts say (learned.py) hardly moves in one storm. So beside it stands how much longer than the model so
corrected the ways of the last hour and a half took, wherever they led: rain falls on all of them. Only the street's
weather and traffic of now is in it, and with the last slow way it fades.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from services.dispatch.travel.learned import (
    FACTOR_MAX,
    FACTOR_MIN,
    NOMINAL_SECONDS_MIN,
    WAY_SECONDS_MAX,
    trust,
)
from services.dispatch.travel.model import MODES, Floats

LASTS_SECONDS = 90 * 60.0
COUNTS_FULL_SECONDS = 45 * 60.0
"""Older ways count less and less, until they are forgotten."""
WAYS_MAX = 200
"""The latest of them; more say nothing new."""
LOOKS_EVERY_SECONDS = 30.0


@dataclass(frozen=True, slots=True, order=True)
class Ended:
    """A real way that ended at `at` seconds of some clock, by the mode of this code, and took e^`longer` times what was
    expected."""

    at: float
    mode: int
    longer: float


def ended(at: float, mode: int, seconds: float, nominal_seconds: float, factor: float = 1.0) -> Ended | None:
    """What one real way says of the present; None if it says nothing. `factor`: what was learned of such ways."""
    if not NOMINAL_SECONDS_MIN <= nominal_seconds < np.inf or not 0 < seconds <= WAY_SECONDS_MAX:
        return None
    return Ended(at, mode, float(np.log(max(seconds, 1.0) / (nominal_seconds * factor))))


@dataclass(frozen=True, slots=True)
class Conditions:
    """(3,): by what the time of every way by each of the MODES is multiplied; 1 where nothing is known."""

    factors: Floats

    @classmethod
    def of(cls, ways: Iterable[Ended], now: float) -> Self:
        """Of the ways that ended in LASTS_SECONDS up to now, in whatever order they come."""
        lately = sorted(way for way in ways if 0 <= now - way.at < LASTS_SECONDS)[-WAYS_MAX:]
        longer = np.array([way.longer for way in lately], dtype=np.float64)
        mode = np.array([way.mode for way in lately], dtype=np.intp)
        left = LASTS_SECONDS - (now - np.array([way.at for way in lately], dtype=np.float64))
        weights = np.minimum(1.0, left / (LASTS_SECONDS - COUNTS_FULL_SECONDS))
        everywhere = _leaning(longer, weights, 0.0)
        logs = [
            _leaning(longer[mode == code], weights[mode == code], everywhere) for code in range(len(MODES))
        ]
        return cls(np.clip(np.exp(logs), FACTOR_MIN, FACTOR_MAX))


def _leaning(longer: Floats, weights: Floats, above: float) -> float:
    """Their median, leaning on what is known one level up: the more ways, the less."""
    own = float(trust(weights.sum()))
    return own * _median(longer, weights) + (1 - own) * above if own > 0 else above


def _median(values: Floats, weights: Floats) -> float:
    """Half of the weight lies on either side; between two values their middle. Never beyond what more than half of the
    weight says."""
    order = np.argsort(values, kind="stable")
    before = np.cumsum(weights[order])
    half = before[-1] / 2
    low, high = np.searchsorted(before, half, side="left"), np.searchsorted(before, half, side="right")
    return float(values[order[low]] + values[order[high]]) / 2
