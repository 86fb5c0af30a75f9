"""A wake-up call for loops of the same process: set after a commit, waited on with a timeout."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary


class Wake:
    """Each waiting task has its own flag, so a call made while a task was busy is not lost on it."""

    def __init__(self) -> None:
        self._flags: WeakKeyDictionary[asyncio.Task[object], asyncio.Event] = WeakKeyDictionary()
        self.calls = 0

    def set(self) -> None:
        self.calls += 1
        for flag in self._flags.values():
            flag.set()

    async def wait(self, timeout_seconds: float) -> None:
        """Return when called, or after `timeout_seconds`; at once on a task's first wait."""
        task = asyncio.current_task()
        assert task is not None
        if task not in self._flags:
            self._flags[task] = asyncio.Event()
            return
        flag = self._flags[task]
        try:
            async with asyncio.timeout(timeout_seconds):
                await flag.wait()
        except TimeoutError:
            return
        finally:
            flag.clear()
