"""One process of ours: started in a session of its own, with its log in a file and its id written down.

A session of its own, because Ctrl-C in the terminal must reach the supervisor alone, which stops the parts in
order. The id is written with the time of birth, because ids are used again by other programs.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.local.names import PROJECT
from deploy.local.problems import CannotStartError, disk_is_full

LOG_BYTES_MAX = 50_000_000


@dataclass
class Process:
    name: str
    log: Path
    record: Path
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        uid: int | None = None,
        gid: int | None = None,
        cwd: Path = PROJECT,
    ) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.record.parent.mkdir(parents=True, exist_ok=True)
        trim(self.log)
        with self.log.open("ab") as out:
            self.child = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
            )
        try:
            born = psutil.Process(self.child.pid).create_time()
        except psutil.NoSuchProcess:
            born = 0.0
        self.record.write_text(json.dumps({"name": self.name, "pid": self.child.pid, "born": born}))

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child and self.child.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        return self.child.poll() if self.child else None

    def stop(self, stop_signal: signal.Signals = signal.SIGTERM, within_seconds: float = 30) -> None:
        """Ask, wait, and only then kill: what is killed has to recover at the next start."""
        if self.child is None:
            return
        if self.child.poll() is None:
            self.child.send_signal(stop_signal)
            try:
                self.child.wait(within_seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self.record.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL, and wait until its own children are gone as well (PostgreSQL's notice by themselves)."""
        if self.child is None or self.child.poll() is not None:
            return
        family = psutil.Process(self.child.pid).children(recursive=True)
        self.child.kill()
        self.child.wait()
        _, alive = psutil.wait_procs(family, timeout=5)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, timeout=5)
        self.record.unlink(missing_ok=True)

    def explain_end(self) -> CannotStartError:
        said = tail(self.log)
        if disk_is_full(said):
            return CannotStartError(
                f"{self.name}: the disk is full; make room and run the same command again"
            )
        return CannotStartError(
            f"{self.name} ended at once (exit {self.exit_code}); {self.log} ends with:\n{said}"
        )


def wait_until(
    process: Process, ready: Callable[[], bool], within_seconds: float, pause_seconds: float = 0.05
) -> None:
    """Until the process answers; an early end or too long a wait becomes a sentence with its last words."""
    limit = time.monotonic() + within_seconds
    while not ready():
        if process.exit_code is not None:
            raise process.explain_end()
        if time.monotonic() > limit:
            said = tail(process.log)
            raise CannotStartError(
                f"{process.name} does not answer after {within_seconds:.0f} s; {process.log} ends with:\n{said}"
            )
        time.sleep(pause_seconds)


def leftover(record: Path) -> psutil.Process | None:
    """The process of an earlier start that is still alive, if it is the same one and not a newcomer's id."""
    try:
        known = json.loads(record.read_text())
        process = psutil.Process(known["pid"])
        same = abs(process.create_time() - known["born"]) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None


def tail(file: Path, lines: int = 15) -> str:
    try:
        with file.open("rb") as text:
            text.seek(max(0, file.stat().st_size - 8000))
            return "\n".join(text.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def trim(log: Path) -> None:
    """Keep one older piece of a log that has grown long; writers append, so cutting it under them is safe."""
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.with_suffix(".log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
