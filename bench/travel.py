"""What a street map costs: reading it, its memory, and the search per case, for a made town of 6 × 6 km. Times are
those of the processor, which others on the machine do not change.

`python -m bench.travel` prints it; `--json FILE` writes it as well.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import numpy as np

from services.dispatch.travel.model import Places
from services.dispatch.travel.straight import StraightLine
from services.dispatch.travel.street_map import StreetMap
from services.dispatch.travel.streets import Streets
from services.dispatch.travel_files import read_streets
from tests.dispatch.travel.towns import at, build, write_osm

ROUNDS = 40


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path)
    found = measured()
    for name, figure in found.items():
        print(f"{name:28} {figure:>12,.1f}")
    if (file := options.parse_args().json) is not None:
        file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def measured() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        file = write_osm(build(across=64, side_m=6000.0, shape_points=2), Path(folder) / "town.osm.pbf")
        began, before = time.process_time(), _resident_mb()
        streets = Streets(read_streets(file))
        read_seconds, resident = time.process_time() - began, _resident_mb() - before
    draw = np.random.default_rng(1)
    people, cases = _places(draw, 10_000), _places(draw, ROUNDS)
    modes = (draw.random(10_000) < 0.4).astype(np.int8)
    who, to = draw.integers(0, 10_000, 20_000), draw.integers(0, ROUNDS, 20_000)

    def search_next() -> None:
        case = next(rows)
        streets.prepare(Places(cases.lon[[case]], cases.lat[[case]]), [case % 3], lambda: True)

    rows = iter(range(ROUNDS))
    search = [_ms(search_next) for _ in range(ROUNDS)]
    streets.prepare(cases, range(3), lambda: True)
    weighed = [_ms(lambda: streets.trips(people, modes, cases, who, to, 9)) for _ in range(ROUNDS)]
    line = [_ms(lambda: StraightLine().trips(people, modes, cases, who, to, 9)) for _ in range(ROUNDS)]
    return {
        "points": len(streets.map.nodes.lon),
        "edges_of_walkers": streets.map.graphs[0].back.nnz,
        "read_cpu_seconds": read_seconds,
        "resident_mb_by_reading": resident,
        "graphs_mb": _graphs_mb(streets.map),
        "kept_mb_per_case_and_mode": len(streets.map.nodes.lon) * 4 / 1e6,
        "searches_kept_max": streets.reach.bytes_max / (len(streets.map.nodes.lon) * 4),
        "search_p50_cpu_ms": quantiles(search, n=100)[49],
        "search_p99_cpu_ms": quantiles(search, n=100)[98],
        "pairs_20000_p50_cpu_ms": quantiles(weighed, n=100)[49],
        "pairs_20000_straight_p50_cpu_ms": quantiles(line, n=100)[49],
    }


def _places(draw: np.random.Generator, rows: int) -> Places:
    (west, south), (east, north) = at(0, 0), at(6000, 6000)
    return Places(draw.uniform(west, east, rows), draw.uniform(south, north, rows))


def _ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def _graphs_mb(streets: StreetMap) -> float:
    arrays = [part for one in streets.graphs for part in (one.back.data, one.back.indices, one.back.indptr)]
    return float(sum(array.nbytes for array in arrays)) / 1e6


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main()
