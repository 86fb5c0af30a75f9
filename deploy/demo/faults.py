"""KILL=1: every part is killed once while the city works, and started again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from deploy.local.names import SERVICES
from deploy.local.stack import Stack

VICTIMS = (*SERVICES, "kafka", "postgres")
DOWN_SECONDS = 1.5


def kill_after(calls: int) -> list[tuple[int, str]]:
    """(after which call, which part) in the order they die, spread over the run."""
    return [(calls * (place + 1) // (len(VICTIMS) + 1), victim) for place, victim in enumerate(VICTIMS)]


async def kill_and_restart(
    stack: Stack, victim: str, meanwhile: Sequence[Callable[[], Any]], say: Callable[[str], None]
) -> None:
    """SIGKILL the part with work in flight, leave it down for a moment, start it again, and wait for the work."""
    say(f"killing {victim}")
    working = [asyncio.ensure_future(work()) for work in meanwhile]
    await asyncio.to_thread(stack.kill, victim)
    await asyncio.sleep(DOWN_SECONDS)
    await asyncio.to_thread(stack.start_part, victim)
    await asyncio.gather(*working)
    say(f"{victim} is back")
