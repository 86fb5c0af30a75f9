"""`make city-live SCENARIO=shortage SEED=100 HOURS=4 JSON=report.json`: does the city in arrays tell the truth?"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from pathlib import Path

from bench.city_live.arrays import arrays_day
from bench.city_live.cast import the_cast
from bench.city_live.compare import SHOWN_MAX, Comparison, compare
from bench.city_live.day import live_day
from bench.city_live.seed import words
from deploy.local.names import STATE
from deploy.local.problems import CannotStartError
from services.dispatch.matching.policies import POLICIES
from shared.going import MatchingPolicy

POINTS_APART_MAX = 1.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make city-live", description=__doc__)
    words(parser)
    parser.add_argument("--json", type=Path, help="where to write the report")
    parser.add_argument(
        "--folder", type=Path, default=STATE / "city-live", help="data of the run; forgotten before and after"
    )
    return parser.parse_args()


def main() -> int:
    given = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the parts must not outlive their driver
    began = time.monotonic()
    cast = the_cast(given.scenario, given.seed, given.hours, given.people)
    l1 = arrays_day(cast, POLICIES[MatchingPolicy.ENGINE])
    try:
        live = asyncio.run(live_day(cast, given.folder, lambda line: print(line, flush=True)))
    except CannotStartError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    found = compare(l1, live.played())
    show(found, dict(live.refused))
    wall = round(time.monotonic() - began, 1)
    print(f"{wall} s")
    if given.json is not None:
        named = {"scenario": given.scenario, "seed": given.seed, "hours": given.hours, "wall_seconds": wall}
        given.json.write_text(json.dumps(named | found.as_row(), indent=2) + "\n", encoding="utf-8")
    return 0 if found.points_apart <= POINTS_APART_MAX else 1


def show(found: Comparison, refused: dict[str, int]) -> None:
    print(
        f"{found.cases} cases   on time: arrays (L1) {found.l1_on_time_pct:.2f} %, services (L2) "
        f"{found.l2_on_time_pct:.2f} %, {found.points_apart:.2f} points apart"
    )
    print(
        f"the same to the second: {found.same}; both on time or both late: {found.both_on_time_or_both_late}"
    )
    for what, (arrays, services) in {"swaps": found.swaps, "takeovers": found.takeovers}.items():
        print(f"{what}: arrays {arrays}, services {services}")
    for one in found.differences[:SHOWN_MAX]:
        print(f"case {one.case} at {one.at:.1f} s: {one.why}")
    for what, count in sorted(refused.items()):
        print(f"refused {count}×: {what}")


if __name__ == "__main__":
    sys.exit(main())
