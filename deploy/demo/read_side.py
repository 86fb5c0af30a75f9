"""Insight's own programs, run when the books are closed: what they find wrong is a fault of the books."""

from __future__ import annotations

import asyncio
import sys

from deploy.local.names import PROJECT
from deploy.local.stack import Stack

PROGRAMS = {
    "services.insight.rebuild": "folded again from the topic",
    "services.insight.check": "counted again figure by figure from the cases behind it",
}
"""By module: how the read side was made again, and is not what stands when the module exits with anything but 0."""
SECONDS_MAX = 600.0


async def check_read_side(stack: Stack, programs: dict[str, str] = PROGRAMS) -> list[str]:
    """One line for each program that does not agree, with the end of what it printed."""
    return [fault for module, what in programs.items() if (fault := await _run(stack, module, what))]


async def _run(stack: Stack, module: str, what: str) -> str | None:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        cwd=PROJECT,
        env=stack.environment_of("insight"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            said, _ = await running.communicate()
    except TimeoutError:
        running.kill()
        await running.wait()
        return f"the read side {what}: not ended after {SECONDS_MAX:.0f} s"
    if running.returncode == 0:
        return None
    return f"the read side {what} is not what stands: {said.decode()[-2000:].strip()}"
