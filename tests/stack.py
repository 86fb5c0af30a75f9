"""Real PostgreSQL and Kafka for the tests: started once for a whole run, on free ports, in a temporary folder.

A keeper process holds them and ends them when the run that asked for them is gone, however it went. To keep one
stack for many runs: `python -m tests.stack start FILE`, `export YIKE_TEST_STACK=FILE`, later `… stop FILE`.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from deploy.local.kafka import Kafka
from deploy.local.names import PROJECT, SERVICES
from deploy.local.ports import free_port
from deploy.local.postgres import ADMIN, Postgres
from deploy.local.process import leftover, tail

KEEPER_LOG = "keeper.log"


@dataclass(frozen=True)
class TestStack:
    """Where the run's PostgreSQL and Kafka are."""

    __test__ = False

    folder: Path
    postgres_port: int
    kafka_port: int
    keeper: int

    @property
    def kafka_bootstrap(self) -> str:
        return f"127.0.0.1:{self.kafka_port}"

    def url(self, database: str) -> str:
        return self.postgres.url(database, ADMIN)

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.folder, self.postgres_port)

    def make_database(self, name: str, template: str = "template0") -> str:
        self.postgres.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self.postgres.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def template_for(self, service: str) -> str:
        """A database with all migrations of the service; made by whoever comes first, again when they change."""
        name = f"template_{service}_{fingerprint(service)}"
        with locked(self.folder / f"{name}.lock"):
            if not self.postgres.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
                half = f"{name}_half"
                self.drop_database(half)
                migrate(service, self.make_database(half))
                self.postgres.sql(f"ALTER DATABASE {half} RENAME TO {name}")
        return name


def fingerprint(service: str) -> str:
    """Changes with anything a migration of this service may read."""
    if service not in SERVICES:
        raise ValueError(f"no service is called {service}; there are {', '.join(SERVICES)}")
    home = PROJECT / "services" / service
    files = [*home.glob("migrations/**/*.py"), home / "tables.py", *(PROJECT / "shared").rglob("*.py")]
    digest = hashlib.sha256()
    for file in sorted(file for file in files if file.exists()):
        digest.update(str(file).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def migrate(service: str, url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "-n", service, "upgrade", "head"],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url, "YIKE_ENV": "test"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"migrations of {service} failed:\n{done.stdout}{done.stderr}")


def running(folder: Path, parent: int | None = None) -> TestStack:
    """The stack of this run; whoever asks first starts its keeper, the others wait for it."""
    reused = os.environ.get("YIKE_TEST_STACK")
    if reused:
        return read(Path(reused))
    with locked(folder / "stack.lock"):
        return read(folder / "stack.json") if (folder / "stack.json").exists() else launch(folder, parent)


def launch(folder: Path, parent: int | None) -> TestStack:
    described, log = folder / "stack.json", folder / KEEPER_LOG
    with log.open("ab") as out:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.stack", "keep", str(folder), str(parent or 0)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    limit = time.monotonic() + 180
    while not described.exists():
        if keeper.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"PostgreSQL and Kafka for the tests did not start:\n{tail(log, 40)}")
        time.sleep(0.05)
    keeper.returncode = 0  # it outlives this process on purpose; without this Popen warns about it
    return read(described)


def keep(folder: Path, parent: int) -> None:
    """Start both, say where they are, wait for the end of the run, stop both, leave nothing behind."""
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: ended.append(received))
    ports: list[int] = []
    for _ in range(3):
        ports.append(free_port(ports))
    # A killed test loses nothing the operating system has; only a power cut would, and no test does that.
    postgres = Postgres(folder, ports[0], {"fsync": "off", "full_page_writes": "off"})
    kafka = Kafka(folder, ports[1], ports[2])
    try:
        with ThreadPoolExecutor() as pool:
            for start in [
                pool.submit(lambda part: (part.install(), part.start()), p) for p in (postgres, kafka)
            ]:
                start.result()
        stack = TestStack(folder, ports[0], ports[1], os.getpid())
        half = folder / "stack.half"
        half.write_text(json.dumps(asdict(stack), default=str))
        half.rename(folder / "stack.json")
        while not ended and (parent == 0 or psutil.pid_exists(parent)):
            time.sleep(0.2)
    finally:
        kafka.stop()
        postgres.stop()
        postgres.remove()
        shutil.rmtree(folder, ignore_errors=True)


def end(stack: TestStack) -> None:
    """Stop a keeper and wait until nothing of it is left."""
    parts = [leftover(stack.folder / "pids" / f"{part}.json") for part in ("postgres", "kafka")]
    try:
        keeper = psutil.Process(stack.keeper)
        keeper.terminate()
        keeper.wait(30)
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        pass
    for process in parts:
        if process is not None and process.is_running():
            process.kill()


def read(file: Path) -> TestStack:
    known = json.loads(file.read_text())
    return TestStack(**{**known, "folder": Path(known["folder"])})


@contextmanager
def locked(file: Path) -> Iterator[None]:
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    match arguments:
        case ["keep", folder, parent]:
            keep(Path(folder), int(parent))
        case ["start", file]:
            made = Path(tempfile.mkdtemp(prefix="yike-tests-"))
            launch(made, None)
            shutil.copyfile(made / "stack.json", file)
            print(f"export YIKE_TEST_STACK={Path(file).resolve()}")
        case ["stop", file]:
            end(read(Path(file)))
            Path(file).unlink()
        case _:
            print("python -m tests.stack start FILE | stop FILE", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
