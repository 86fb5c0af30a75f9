"""`make demo CALLS=file.csv SPEED=step JSON=report.json`: a day of calls in simulated time; do the books balance?"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from pathlib import Path

from deploy.demo.calls import Call, read_calls, synthetic_calls
from deploy.demo.city import ZONE
from deploy.demo.mapping import DEFAULT, MappingError, read_mapping
from deploy.demo.report import report
from deploy.demo.run import Finished, Plan, run
from deploy.local.names import STATE
from deploy.local.problems import CannotStartError

SPEED_MAX = 60.0
FAULTS_SHOWN_MAX = 20
BAD_ROWS_SHOWN_MAX = 10
URGENT = (
    "manhole-cover",
    "street-lamp",
    "gas-leak",
    "fire",
    "flooding",
    "lift-trapped",
    "lost-person",
    "other-emergency",
)
ROUTINE = (
    "rubbish-heap",
    "parking",
    "neighbour-noise",
    "drain-blocked",
    "street-stall",
    "small-ads",
    "water-supply",
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--calls", type=Path, help="a CSV file of recorded calls; without it a synthetic day")
    parser.add_argument(
        "--mapping", type=Path, default=DEFAULT, help="which columns and call types mean what"
    )
    parser.add_argument("--day", help="the day of the file, YYYY-MM-DD, or all; its first day by default")
    parser.add_argument("--speed", default="step", help="step, or 1 to 60 business seconds per second")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other chances")
    parser.add_argument("--kill", action="store_true", help="kill each service, Kafka and PostgreSQL once")
    parser.add_argument(
        "--days-max", type=int, default=30, help="simulated days to run on after the last call"
    )
    parser.add_argument("--json", type=Path, help="where to write the report")
    parser.add_argument(
        "--folder", type=Path, default=STATE / "demo", help="data of the demo; forgotten at its start"
    )
    return parser.parse_args()


def speed_of(text: str) -> float | None:
    if text == "step":
        return None
    speed = float(text)
    if not 1 <= speed <= SPEED_MAX:
        raise ValueError(
            f"SPEED is step or 1 to {SPEED_MAX:.0f}; at more a 60 s offer lives less than a second"
        )
    return speed


def main() -> int:
    given = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the parts must not outlive their driver
    began = time.monotonic()
    try:
        speed = speed_of(given.speed)
        if given.calls:
            calls, bad = read_calls(given.calls, read_mapping(given.mapping), ZONE, given.day)
        else:
            calls, bad = synthetic_calls(given.seed, URGENT, ROUTINE, ZONE), []
    except (MappingError, OSError, ValueError) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    for row in bad[:BAD_ROWS_SHOWN_MAX]:
        print(f"line {row.line} left out: {row.because}")
    if len(bad) > BAD_ROWS_SHOWN_MAX:
        print(f"… and {len(bad) - BAD_ROWS_SHOWN_MAX} more lines left out")
    if not calls:
        print("there are no calls on that day", file=sys.stderr)
        return 2
    plan = Plan(calls, given.folder, given.seed, speed, given.kill, given.days_max)
    try:
        finished = asyncio.run(run(plan, lambda line: print(line, flush=True)))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except CannotStartError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    return conclude(finished, calls, len(bad), time.monotonic() - began, given.json)


def conclude(
    finished: Finished, calls: list[Call], bad_rows: int, wall_seconds: float, file: Path | None
) -> int:
    """Print and write the report; 1 if the books do not balance."""
    figures = report(
        finished.books,
        calls=len(calls),
        bad_rows=bad_rows,
        wall_seconds=wall_seconds,
        simulated_seconds=finished.simulated_seconds,
    )
    print(json.dumps(figures, indent=2, ensure_ascii=False))
    if file is not None:
        file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for what, count in sorted(finished.city.refused.items()):
        print(f"refused {count}×: {what}")
    if finished.open_cases:
        print(f"{finished.open_cases} cases are still open after the limit of simulated days")
    for fault in finished.books.faults[:FAULTS_SHOWN_MAX]:
        print(f"does not balance: {fault}", file=sys.stderr)
    return 0 if figures["balanced"] else 1


if __name__ == "__main__":
    sys.exit(main())
