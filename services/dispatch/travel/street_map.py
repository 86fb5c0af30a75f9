"""Lines in, a street graph per mode out: arrays that a search runs over, and a tree that finds the nearest street."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from services.dispatch.travel.model import MODES, Floats, Indices, Places
from services.dispatch.travel.straight import EARTH_RADIUS_M, distances_m, on_the_sphere
from services.dispatch.travel.way_rules import Passage

PIECE_M_MAX = 60.0
"""A longer piece of street is cut, so that the nearest node is never much farther than the nearest street."""
ISLE_SHARE = 0.05
"""What hangs together with fewer nodes than this share of the largest whole is a fault of the map (a car park behind a
barrier, a line cut off at the edge); nobody is put there."""
EDGE_SECONDS_MIN = 0.01
NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Line:
    """A street as it is drawn. `ids` say where lines meet: the same id is the same crossing."""

    ids: tuple[int, ...]
    lon: tuple[float, ...]
    lat: tuple[float, ...]
    passage: Passage


@dataclass(frozen=True, slots=True)
class ModeGraph:
    """The streets of one mode. `back` leads from where edges end to where they begin, in seconds, so that one search
    from a case finds everybody's way to it. `usable` are the nodes one may be put on, in the order of `tree`."""

    back: csr_array[np.float64]
    usable: Indices
    tree: KDTree | None

    def nearest(self, places: Places, within_m: float) -> tuple[Indices, Floats]:
        """The node nearest to each place and how many metres off it is; NOWHERE if none is near enough."""
        nodes, metres = np.full(len(places.lon), NOWHERE, dtype=np.intp), np.full(len(places.lon), np.inf)
        known = np.isfinite(places.lon) & np.isfinite(places.lat)
        if self.tree is None or not known.any():
            return nodes, metres
        points = on_the_sphere(Places(places.lon[known], places.lat[known]))
        found = self.tree.query(points, distance_upper_bound=within_m / EARTH_RADIUS_M)
        apart, at = np.asarray(found[0]), np.asarray(found[1])
        near = np.isfinite(apart)
        rows = np.nonzero(known)[0][near]
        nodes[rows], metres[rows] = self.usable[at[near]], apart[near] * EARTH_RADIUS_M
        return nodes, metres


@dataclass(frozen=True, slots=True)
class StreetMap:
    nodes: Places
    graphs: tuple[ModeGraph, ...]


@dataclass
class _Drawing:
    """Lines taken apart into pieces between two nodes."""

    index: dict[int, int] = field(default_factory=dict)
    lon: list[float] = field(default_factory=list)
    lat: list[float] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    passages: dict[Passage, int] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        kind = self.passages.setdefault(line.passage, len(self.passages))
        nodes = [self._node(*point) for point in zip(line.ids, line.lon, line.lat, strict=True)]
        self.begins += nodes[:-1]
        self.ends += nodes[1:]
        self.kinds += [kind] * (len(nodes) - 1)

    def _node(self, id_: int, lon: float, lat: float) -> int:
        node = self.index.get(id_)
        if node is None:
            node = self.index[id_] = len(self.lon)
            self.lon.append(lon)
            self.lat.append(lat)
        return node


def street_map(lines: Iterable[Line]) -> StreetMap:
    """The graphs of all modes. Lines that nobody may use should be left out before."""
    drawing = _Drawing()
    for line in lines:
        drawing.add(line)
    nodes = Places(np.array(drawing.lon, dtype=np.float64), np.array(drawing.lat, dtype=np.float64))
    begins = np.array(drawing.begins, dtype=np.intp)
    ends = np.array(drawing.ends, dtype=np.intp)
    kinds = np.array(drawing.kinds, dtype=np.intp)
    nodes, begins, ends, kinds = _cut(nodes, begins, ends, kinds)
    metres = distances_m(nodes, nodes, begins, ends)
    passages = list(drawing.passages)
    along = np.array([one.along for one in passages]).reshape(-1, len(MODES))[kinds]
    against = np.array([one.against for one in passages]).reshape(-1, len(MODES))[kinds]
    graphs = (
        _graph(nodes, begins, ends, metres, along[:, mode], against[:, mode]) for mode in range(len(MODES))
    )
    return StreetMap(nodes, tuple(graphs))


def _cut(
    nodes: Places, begins: Indices, ends: Indices, kinds: Indices
) -> tuple[Places, Indices, Indices, Indices]:
    """Pieces of equal length, none above PIECE_M_MAX."""
    metres = distances_m(nodes, nodes, begins, ends)
    pieces = np.maximum(1, np.ceil(metres / PIECE_M_MAX)).astype(np.intp)
    of = np.repeat(np.arange(len(begins)), pieces)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    inner = nth > 0
    part = nth[inner] / pieces[of[inner]]
    lon = nodes.lon[begins[of[inner]]] * (1 - part) + nodes.lon[ends[of[inner]]] * part
    lat = nodes.lat[begins[of[inner]]] * (1 - part) + nodes.lat[ends[of[inner]]] * part
    first = begins[of].copy()
    first[inner] = len(nodes.lon) + np.arange(len(part))
    last = ends[of].copy()
    goes_on = nth < pieces[of] - 1
    last[goes_on] = first[np.nonzero(goes_on)[0] + 1]
    all_nodes = Places(np.concatenate((nodes.lon, lon)), np.concatenate((nodes.lat, lat)))
    return all_nodes, first, last, kinds[of]


def _graph(
    nodes: Places, begins: Indices, ends: Indices, metres: Floats, along: Floats, against: Floats
) -> ModeGraph:
    open_along, open_against = along > 0, against > 0
    start = np.concatenate((begins[open_along], ends[open_against]))
    end = np.concatenate((ends[open_along], begins[open_against]))
    seconds = np.concatenate(
        (metres[open_along] / along[open_along], metres[open_against] / against[open_against])
    )
    back = _quickest(end, start, np.maximum(seconds, EDGE_SECONDS_MIN), len(nodes.lon))
    usable = _usable(back, np.unique(np.concatenate((start, end))))
    if not len(usable):
        return ModeGraph(back, usable, None)
    return ModeGraph(back, usable, KDTree(on_the_sphere(nodes)[usable]))


def _quickest(start: Indices, end: Indices, seconds: Floats, nodes: int) -> csr_array[np.float64]:
    """Of several edges between the same two nodes the quickest counts; adding them up, as sparse arrays do, would not
    be a way."""
    order = np.lexsort((seconds, end, start))
    start, end, seconds = start[order], end[order], seconds[order]
    first = np.ones(len(start), dtype=np.bool_)
    first[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
    return csr_array(coo_array((seconds[first], (start[first], end[first])), shape=(nodes, nodes)))


def _usable(graph: csr_array[np.float64], touched: Indices) -> Indices:
    """The nodes from which, and to which, a good part of the map can be reached."""
    if not len(touched):
        return touched
    _, label = connected_components(graph, directed=True, connection="strong")
    size = np.bincount(label)[label[touched]]
    large: Indices = np.nonzero(size >= max(2, ISLE_SHARE * size.max()))[0]
    return touched[large]
