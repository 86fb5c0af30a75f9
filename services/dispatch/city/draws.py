"""Chance, drawn by what it is about: the same question has the same answer in every policy, order and process.

A draw is a hash of (seed of its stream, what is drawn, keys): nothing is consumed, so nobody can come too late and
shift everybody else's numbers (common random numbers). Keys are the numbers of things in the city: cases by
registration, people as in the roster, attempts and turns from 0. Alone or as an array, the bits are the same.

The hash: h₀ = the stream's seed; hᵢ = mix((hᵢ₋₁ xor keyᵢ) + G) with the finaliser of splitmix64 (Steele, Lea, Flood:
"Fast splittable pseudorandom number generators", 2014) and its constant G; the first key is the `Draw`. The upper 53
bits, moved by a half, give a number in (0, 1); quantile functions make the other distributions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from services.dispatch.travel.model import Floats

_BITS = 0xFFFF_FFFF_FFFF_FFFF
_GOLDEN = 0x9E37_79B9_7F4A_7C15
_FIRST, _SECOND = 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB


class Stream(IntEnum):
    """What may be drawn anew while everything else stays: the world's sources of chance."""

    DEMAND = 0
    TRAVEL = 1
    SERVICE = 2
    ACCEPTANCE = 3
    OUTAGE = 4
    STAFF = 5
    ADVICE = 6


class Draw(IntEnum):
    """What is drawn, the stream in its hundreds, with the keys that name it."""

    GAP = 1  # source, call: standard exponential gaps of each source of calls
    PLACE_CELL = 2  # source, call
    PLACE_X = 3  # source, call
    PLACE_Y = 4  # source, call
    CLUSTER = 5  # source, call: whether it starts a cluster
    FOLLOWERS = 6  # source, call
    FOLLOWER_AFTER = 7  # source, call, follower
    FOLLOWER_X = 8  # source, call, follower
    FOLLOWER_Y = 9  # source, call, follower
    RECOGNISED = 10  # source, call, follower (0: the call itself)
    HOT_SPOT = 11  # surge, axis
    SKILL = 12  # case
    WRONG = 13  # case
    WRONG_KIND = 14  # case
    CORRECTED_AFTER = 15  # case

    WAY = 101  # case, person: the logarithm of the way's length in time against its median

    SERVICE = 201  # case
    WRAP_UP = 202  # case, person
    STAYS = 203  # person, emergency of theirs: how long they stay where they were

    ACCEPTS = 301  # case, person, attempt
    ANSWER_AFTER = 302  # case, person, attempt
    SILENT = 303  # case, person, attempt: lapses instead of declining

    MISSING = 401  # position
    OFFLINE_AFTER = 402  # person, outage
    OFFLINE_LASTS = 403  # person, outage
    WRONG_ARRIVED = 404  # case, person
    WRONG_ARRIVED_AT = 405  # case, person: which part of the way was done

    BASE_X = 501  # position
    BASE_Y = 502  # position
    MODE = 503  # position: who has an e-bike
    SKILLS = 504  # person, skill
    CHANGE = 505  # position: when its people change
    BREAK = 506  # person
    NIGHTS = 507  # person
    ROUND_AFTER = 508  # person, round: when the next routine round begins
    ROUND_LASTS = 509  # person, round
    ROUND_X = 510  # person, round
    ROUND_Y = 511  # person, round

    FOLLOWED = 601  # person, suggestion where to wait
    SPOT_X = 602  # person, suggestion
    SPOT_Y = 603  # person, suggestion
    PAST_DAY = 604  # day: the seed of its calls


@dataclass(frozen=True, slots=True)
class Draws:
    """The chance of one seed. `seeds` holds one seed per stream, in the order of `Stream`."""

    seeds: tuple[int, ...]

    @staticmethod
    def of(seed: int) -> Draws:
        return Draws(tuple(_mix(_mix(seed & _BITS) ^ stream + 1) for stream in Stream))

    def changed(self, stream: Stream, seed: int) -> Draws:
        """The same world but for one stream."""
        seeds = [*self.seeds]
        seeds[stream] = Draws.of(seed).seeds[stream]
        return replace(self, seeds=tuple(seeds))

    def uniform(self, what: Draw, *keys: int) -> float:
        """One number in (0, 1)."""
        h = self._start(what)
        for key in keys:
            h = _mix(((h ^ key) + _GOLDEN) & _BITS)
        return ((h >> 11) + 0.5) * 2.0**-53

    def uniforms(self, what: Draw, *keys: ArrayLike) -> Floats:
        """Numbers in (0, 1), one for each of the keys broadcast together."""
        h: NDArray[np.uint64] = np.array(self._start(what), dtype=np.uint64)
        with np.errstate(over="ignore"):
            for key in keys:
                h = _mixed((h ^ np.asarray(key, dtype=np.uint64)) + np.uint64(_GOLDEN))
        result: Floats = ((h >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        return result

    def normal(self, what: Draw, *keys: int) -> float:
        return float(ndtri(self.uniform(what, *keys)))

    def normals(self, what: Draw, *keys: ArrayLike) -> Floats:
        result: Floats = ndtri(self.uniforms(what, *keys))
        return result

    def exponentials(self, what: Draw, *keys: ArrayLike) -> Floats:
        """Of mean 1."""
        result: Floats = -np.log(self.uniforms(what, *keys))
        return result

    def _start(self, what: Draw) -> int:
        return _mix(((self.seeds[what // 100] ^ what) + _GOLDEN) & _BITS)


def _mix(z: int) -> int:
    z = (z ^ z >> 30) * _FIRST & _BITS
    z = (z ^ z >> 27) * _SECOND & _BITS
    return z ^ z >> 31


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ z >> np.uint64(30)) * np.uint64(_FIRST)
    z = (z ^ z >> np.uint64(27)) * np.uint64(_SECOND)
    return z ^ z >> np.uint64(31)
