"""How long somebody takes through the streets: one search per case and mode over the graph, kept while it is of use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from services.dispatch.travel.model import Codes, Floats, Indices, Places, Trips
from services.dispatch.travel.straight import DETOUR, METRES_PER_SECOND, SIGMA, StraightLine
from services.dispatch.travel.street_map import NOWHERE, ModeGraph, StreetMap
from shared.going import TravelMode

Reached = NDArray[np.float32]

LIMIT_SECONDS = 3600.0
"""Farther than that nothing is searched: nobody an hour away is sent to an emergency."""
SNAP_M_MAX = 250.0
NO_WAY_TAKES = 1.5
"""Times the straight line, but no less than the limit, where the map has no way: most such gaps are faults of the map,
and nobody is left out of the search for one; but whoever has a known way goes before."""
KEPT_BYTES_MAX = 64 * 1024 * 1024
DOOR_METRES_PER_SECOND = METRES_PER_SECOND[TravelMode.WALK] / DETOUR
"""From the street to the door, on foot."""


@dataclass(slots=True)
class Reach:
    """What was searched already: the seconds from every node to one, by (mode, node). The least used is forgotten."""

    kept: OrderedDict[tuple[int, int], Reached] = field(default_factory=OrderedDict)
    bytes_max: int = KEPT_BYTES_MAX
    lock: Lock = field(default_factory=Lock)

    def find(self, mode: int, node: int) -> Reached | None:
        with self.lock:
            found = self.kept.get((mode, node))
            if found is not None:
                self.kept.move_to_end((mode, node))
            return found

    def keep(self, mode: int, node: int, seconds: Reached) -> None:
        with self.lock:
            self.kept[mode, node] = seconds
            while len(self.kept) > self.room(len(seconds)):
                self.kept.popitem(last=False)

    def room(self, nodes: int) -> int:
        """How many searches over so many nodes are kept."""
        return max(1, self.bytes_max // max(1, nodes * np.dtype(np.float32).itemsize))


@dataclass(frozen=True, slots=True)
class Streets:
    """A `Travel`. With `known_only` a case whose ways were not searched yet (`prepare`) goes by the straight line, so
    that nobody waits for a search; without it every way is searched when it is asked for.

    A place farther than `snap_m_max` from any street goes by the straight line as well; a pair without a way within
    the limit by the straight line times NO_WAY_TAKES, or the limit."""

    map: StreetMap
    straight: StraightLine = field(default_factory=StraightLine)
    reach: Reach = field(default_factory=Reach)
    limit_seconds: float = LIMIT_SECONDS
    snap_m_max: float = SNAP_M_MAX
    sigma: float = SIGMA
    known_only: bool = False

    def trips(
        self, starts: Places, modes: Codes, ends: Places, who: Indices, to: Indices, hour: int
    ) -> Trips:
        straight = self.straight.trips(starts, modes, ends, who, to, hour)
        median, sigma = straight.median.copy(), straight.sigma.copy()
        by_mode = modes[who]
        for mode in np.unique(by_mode).tolist():
            rows = np.nonzero(by_mode == mode)[0]
            seconds = self._through_streets(mode, starts, ends, who[rows], to[rows])
            known, cut_off = np.isfinite(seconds), np.isposinf(seconds)
            median[rows[known]] = seconds[known] / self.straight.speed_factor
            median[rows[cut_off]] = np.maximum(self.limit_seconds, median[rows[cut_off]] * NO_WAY_TAKES)
            sigma[rows[known]] = self.sigma
        return Trips(median, sigma)

    def prepare(self, ends: Places, modes: Iterable[int], go_on: Callable[[], bool]) -> int:
        """Search the ways to these cases, in their order, while `go_on` and while there is room: more would push out
        the first again, and with it whoever waits longest. How many cases were left."""
        graphs = [(mode, self.map.graphs[mode]) for mode in modes]
        nodes = [(mode, graph, graph.nearest(ends, self.snap_m_max)[0].tolist()) for mode, graph in graphs]
        room = self.reach.room(len(self.map.nodes.lon))
        for row in range(len(ends.lon)):
            for mode, graph, nearest in nodes:
                if room == 0 or not go_on():
                    return len(ends.lon) - row
                if nearest[row] != NOWHERE:
                    self._seconds_to(mode, graph, nearest[row])
                    room -= 1
        return 0

    def _through_streets(self, mode: int, starts: Places, ends: Places, who: Indices, to: Indices) -> Floats:
        """Seconds per pair: NaN where the streets say nothing, infinite where they say that there is no way."""
        graph = self.map.graphs[mode]
        start, start_off = _nearest(graph, starts, who, self.snap_m_max)
        end, end_off = _nearest(graph, ends, to, self.snap_m_max)
        seconds = np.full(len(who), np.nan)
        placed = (start != NOWHERE) & (end != NOWHERE)
        for node in np.unique(end[placed]).tolist():
            reached = self._known_or_searched(mode, graph, node)
            if reached is not None:
                rows = np.nonzero(placed & (end == node))[0]
                seconds[rows] = reached[start[rows]]
        return seconds + (start_off + end_off) / DOOR_METRES_PER_SECOND

    def _known_or_searched(self, mode: int, graph: ModeGraph, node: int) -> Reached | None:
        return self.reach.find(mode, node) if self.known_only else self._seconds_to(mode, graph, node)

    def _seconds_to(self, mode: int, graph: ModeGraph, node: int) -> Reached:
        found = self.reach.find(mode, node)
        if found is None:
            found = dijkstra(graph.back, indices=[node], limit=self.limit_seconds)[0].astype(np.float32)
            self.reach.keep(mode, node, found)
        return found


def _nearest(graph: ModeGraph, places: Places, rows: Indices, within_m: float) -> tuple[Indices, Floats]:
    """Per row the node of its place and how far off it is; 0 where there is none, which the node says."""
    asked, again = np.unique(rows, return_inverse=True)
    nodes, metres = graph.nearest(Places(places.lon[asked], places.lat[asked]), within_m)
    return nodes[again], np.where(nodes == NOWHERE, 0.0, metres)[again]
