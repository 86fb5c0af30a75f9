"""One of Yike's own services as a process, and the question whether it is ready."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from deploy.local.names import PROJECT
from deploy.local.process import Process, wait_until
from deploy.local.ready import is_ready

READY_WITHIN_SECONDS = 60


@dataclass
class Service:
    name: str
    folder: Path
    port: int
    environment: Mapping[str, str]
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = Process(
            self.name, self.folder / "logs" / f"{self.name}.log", self.folder / "pids" / f"{self.name}.json"
        )

    def launch(self) -> None:
        """Start without waiting, so that all of them can wake at once."""
        self.process.start([sys.executable, "-m", f"services.{self.name}.main"], self.environment)

    def start(self) -> None:
        self.launch()
        self.wait()

    def wait(self, registry_revision: int = 0) -> None:
        ready = partial(is_ready, self.port, registry_revision=registry_revision)
        wait_until(self.process, ready, READY_WITHIN_SECONDS, pause_seconds=0.1)

    def stop(self) -> None:
        self.process.stop(within_seconds=20)


def python_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would point Python elsewhere or make it compile everything at every
    start, and what this process is told."""
    dropped = ("PYTHONHOME", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "DATABASE_URL")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1", **extra}
