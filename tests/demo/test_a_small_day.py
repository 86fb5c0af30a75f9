"""`make demo` on a file nobody has seen before: a dozen calls, every one a case, and the books balance."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local.names import PROJECT
from tests.demo.test_report import PROMISED

pytestmark = [pytest.mark.stack, pytest.mark.cluster]

MAPPING = """
received_format = "%Y/%m/%d %H:%M:%S"
other_category = "other-emergency"

[columns]
call = "Nr"
received = "Reported"
type = "What"
place = "Street"
lon = "E"
lat = "N"

[categories]
"Noise" = "neighbour-noise"
"Lamp out" = "street-lamp"
"Fire" = "fire"
"""
KINDS = ("Fire", "Lamp out", "Noise", "Cat in a tree")
CALLS = 12
SECONDS_MAX = 420


def rows() -> list[str]:
    """Twelve calls over four hours, two of them with a second unit, one of the next day, one that cannot be read."""
    calls = [
        f"N-{number},2026/11/20 {8 + number // 3:02}:{number % 3 * 17:02}:30,{KINDS[number % 4]},Nieuwstraat {number},"
        f"{4.30 + number % 4 * 0.01:.3f},{52.07 + number // 4 * 0.01:.3f},unit-1"
        for number in range(CALLS)
    ]
    again = [call.replace("unit-1", "unit-2") for call in calls[:2]]
    tomorrow = "N-90,2026/11/21 09:00:00,Fire,Nieuwstraat 1,4.310,52.080,unit-1"
    unreadable = "N-91,this morning,Fire,Nieuwstraat 2,4.310,52.080,unit-1"
    return ["Nr,Reported,What,Street,E,N,Unit", *calls, *again, tomorrow, unreadable]


async def the_demo(folder: Path) -> tuple[str, dict[str, Any]]:
    calls, mapping, report = folder / "calls.csv", folder / "mapping.toml", folder / "report.json"
    calls.write_text("\n".join(rows()) + "\n", encoding="utf-8")
    mapping.write_text(MAPPING, encoding="utf-8")
    given = {"calls": calls, "mapping": mapping, "json": report, "folder": folder / "system", "seed": 7}
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.demo", *words),
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
    return said.decode(), json.loads(report.read_text(encoding="utf-8"))


async def test_a_dozen_calls_become_a_dozen_closed_cases(tmp_path: Path) -> None:
    said, figures = await the_demo(tmp_path)

    assert "line 17 left out" in said
    assert set(figures) >= PROMISED
    assert (figures["balanced"], figures["dead_letters"], figures["bad_rows"]) == (True, 0, 1)
    assert (figures["calls"], figures["registered"], figures["handled"]) == (CALLS, CALLS, CALLS)
    assert sum(figures["closed_by_outcome"].values()) == CALLS
    assert sum(figures["resolved_by_level"].values()) == CALLS
    assert figures["on_time"]["d"] == CALLS - sum(KINDS[number % 4] == "Noise" for number in range(CALLS))
    assert figures["simulated_seconds"] > 4 * 3600
