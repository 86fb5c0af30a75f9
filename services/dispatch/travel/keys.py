"""Looking many numbers up at once in a sorted list of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.dispatch.travel.model import Flags, Indices

Keys = NDArray[np.int64]


def find(known: Keys, wanted: Keys) -> tuple[Indices, Flags]:
    """Where each is among the known (sorted), and whether it is there; the place means nothing where it is not."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.intp), np.zeros(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return at, known[at] == wanted
