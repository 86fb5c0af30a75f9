"""`python -m bench [offers|lifecycle|deadlines|search|duplicates …] [--json FILE]`: measures and prints, one by one."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from bench import deadlines, duplicates, lifecycle, offers, search
from bench.town import town

IN_TOWN = {"offers": offers.measure, "lifecycle": lifecycle.measure}
ALONE = {"deadlines": deadlines.measure, "search": search.measure, "duplicates": duplicates.measure}


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load_average_before": round(os.getloadavg()[0], 2),
    }


async def run(names: Sequence[str]) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
    """Each result as soon as it is there: all of them together take a quarter of an hour."""
    if any(name in IN_TOWN for name in names):
        async with town() as people:
            for name in names:
                if name in IN_TOWN:
                    yield name, await IN_TOWN[name](people)
    for name in names:
        if name in ALONE:
            yield name, await ALONE[name]()


async def measure(names: Sequence[str]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    async with aclosing(run(names)) as measured:
        async for name, result in measured:
            results[name] = result
            said = "  ".join(f"{key} {value}" for key, value in result.items())
            print(f"{name:10}", said, flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="all of them if none is named")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if unknown := set(given.names) - {*IN_TOWN, *ALONE}:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    where = machine()
    results = asyncio.run(measure(given.names or [*IN_TOWN, *ALONE]))
    if given.json:
        given.json.write_text(json.dumps({"machine": where, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
