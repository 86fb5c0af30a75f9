"""Starts again what ended by itself, more slowly each time, and says so."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from deploy.local.problems import CannotStartError
from deploy.local.process import Process

LOOK_EVERY_SECONDS = 0.3
PAUSE_SECONDS_MAX = 30.0
CALM_AFTER_SECONDS = 60.0


class Startable(Protocol):
    process: Process

    def start(self) -> None: ...


class Supervisor:
    def __init__(self, parts: Mapping[str, Startable], say: Callable[[str], None]) -> None:
        self.parts = parts
        self.say = say
        self._down: set[str] = set()
        self._pause: dict[str, float] = {}
        self._again_at: dict[str, float] = {}
        self._started_at: dict[str, float] = {}
        self._hands = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self) -> None:
        self._ended.clear()
        self._thread = threading.Thread(target=self._look, name="supervisor", daemon=True)
        self._thread.start()

    def rest(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def leave_down(self, name: str) -> None:
        with self._hands:
            self._down.add(name)

    @contextmanager
    def hands_off(self, name: str) -> Iterator[None]:
        """Somebody starts it on purpose; from then on it is watched again."""
        with self._hands:
            self._down.add(name)
        yield
        with self._hands:
            self._down.discard(name)

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EVERY_SECONDS):
            for name, part in list(self.parts.items()):
                with self._hands:
                    if name not in self._down and part.process.exit_code is not None:
                        self._bring_back(name, part)

    def _bring_back(self, name: str, part: Startable) -> None:
        now = time.monotonic()
        if name not in self._again_at:
            calm = now - self._started_at.get(name, 0.0) > CALM_AFTER_SECONDS
            pause = 0.5 if calm else min(self._pause.get(name, 0.5) * 2, PAUSE_SECONDS_MAX)
            self._pause[name] = pause
            self._again_at[name] = now + pause
            self.say(
                f"{name} ended by itself (exit {part.process.exit_code}); starting it again in {pause:.1f} s"
            )
        elif now >= self._again_at[name]:
            del self._again_at[name]
            self._started_at[name] = now
            try:
                part.start()
                self.say(f"{name} runs again")
            except CannotStartError as problem:
                self.say(str(problem))
