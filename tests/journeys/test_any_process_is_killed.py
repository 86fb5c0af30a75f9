"""Scenario 11: any process is killed at any moment. Nothing is lost, nobody is sent twice, no deadline is missed or
fires twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo.__main__ import ROUTINE, URGENT
from deploy.demo.calls import synthetic_calls
from deploy.demo.city import ZONE
from deploy.demo.faults import VICTIMS
from deploy.demo.run import Plan, run
from tests.journeys.promises import broken

CALLS = 20


@pytest.mark.stack
@pytest.mark.cluster
async def test_11_every_part_is_killed_once_and_the_books_balance(tmp_path: Path) -> None:
    calls = synthetic_calls(11, URGENT, ROUTINE, ZONE)[:CALLS]
    said: list[str] = []
    finished = await run(
        Plan(calls, tmp_path / "demo", seed=11, speed=None, kill=True, days_max=30), said.append
    )

    assert [line for line in said if line.startswith("killing")] == [
        f"killing {victim}" for victim in VICTIMS
    ]
    assert finished.books.faults == []
    assert finished.books.dead_letters == 0
    assert len(finished.books.story) == CALLS
    assert finished.open_cases == 0
    assert broken(finished.books.story) == []
