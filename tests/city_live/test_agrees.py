"""Half an hour of the city with too few people, through every service: the same people at the same doors in the same
seconds as in arrays."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from deploy.local.names import PROJECT

pytestmark = [pytest.mark.stack, pytest.mark.cluster]

DAY = ("--scenario", "shortage", "--seed", "1", "--hours", "0.5", "--people", "9")
"""With breaks, rounds, a swap and a takeover in it."""
SECONDS_MAX = 300


async def test_half_an_hour_of_shortage_is_the_same_in_arrays_and_in_the_services(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    running = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "bench.city_live",
            *DAY,
            "--json",
            str(report),
            "--folder",
            str(tmp_path / "system"),
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=PROJECT,
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            said, _ = await running.communicate()
    finally:
        if running.returncode is None:
            running.terminate()
            await running.wait()
    assert running.returncode == 0, said.decode()

    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["cases"] >= 4
    assert (found["same"], found["differences"]) == (found["cases"], []), said.decode()
    for arrays, services in (found["swaps"], found["takeovers"]):
        assert arrays == services
    assert found["swaps"][0] + found["takeovers"][0] > 0, "nobody changes places on this day: take another"
