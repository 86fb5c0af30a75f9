"""The whole system on one machine: which parts there are, in which order they start and stop.

with Stack(folder, environment={"SIMULATION": "1"}) as stack:
    stack.url, stack.accounts, stack.kill("kafka"), stack.start_part("kafka")
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, Self

import psutil

from deploy.local import jars, keys
from deploy.local.caddy import Caddy
from deploy.local.kafka import Kafka
from deploy.local.names import PARTS, PROJECT, SERVICES, STATE, database_of
from deploy.local.ports import holder, is_free, remembered
from deploy.local.postgres import Postgres
from deploy.local.problems import CannotStartError, disk_is_full
from deploy.local.process import Process, leftover, tail
from deploy.local.service import Service, python_environment
from deploy.local.supervisor import Supervisor
from shared.events.things import REGISTRY_SUBJECT

FREE_BYTES_MIN = 500_000_000


class Part(Protocol):
    process: Process

    def start(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class Account:
    """One line of the demo's seed: who may sign in, with which password, as what."""

    account: str
    password: str
    role_zh: str = ""
    role_en: str = ""
    unit_zh: str = ""


class Stack:
    """`port` is the origin's; without one it is drawn and remembered. `say` gets a line for each long step."""

    def __init__(
        self,
        folder: Path = STATE,
        *,
        port: int | None = None,
        services: Sequence[str] = SERVICES,
        environment: Mapping[str, str] | None = None,
        mode: str = "demo",
        full_speed: bool = False,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.folder = folder.resolve()
        self.services = tuple(name for name in SERVICES if name in services)
        self.mode = mode
        self.extra = dict(environment or {})
        self.wanted_port = port
        self.full_speed = full_speed
        self.say = say
        self.accounts: list[Account] = []
        self.parts: dict[str, Part] = {}
        self.supervisor = Supervisor(self.parts, say)
        self._lock: IO[str] | None = None

    # What others ask for

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def kafka_bootstrap(self) -> str:
        return self.kafka.bootstrap

    def database_url(self, service: str) -> str:
        name = database_of(service)
        return self.postgres.url(name, user=name)

    def service_url(self, service: str) -> str:
        """The service's own port: /health and /metrics are there, not behind the origin."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def environment_of(self, service: str) -> dict[str, str]:
        registry = f"http://127.0.0.1:{self.ports['registry']}/api/registry"
        return python_environment(
            {
                "YIKE_ENV": self.mode,
                "DATABASE_URL": self.database_url(service),
                "KAFKA_BOOTSTRAP": self.kafka_bootstrap,
                "HOST": "127.0.0.1",
                "PORT": str(self.ports[service]),
                "TRUSTED_PROXIES": "127.0.0.1",
                "PUBLIC_URL": self.url,
                "OIDC_ISSUER": f"{self.url}/api/registry",
                "JWKS_URL": f"{registry}/jwks.json",
                "INTAKE_URL": f"http://127.0.0.1:{self.ports['intake']}",
                "DISPATCH_URL": f"http://127.0.0.1:{self.ports['dispatch']}",
                "FILES_URL": (self.folder / "files").as_uri(),
                "SIMULATION": "0",
                "LOG_FORMAT": "text",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "",
                **{name: file for name, file in self.key_files.items() if may_read(service, name)},
                **self.extra,
            }
        )

    # Start and stop

    def start(self) -> None:
        """All parts, each when what it needs is there. Raises CannotStartError after stopping what did start."""
        try:
            self.hold()
            self.prepare()
            self.start_stores()
            self.make_ready()
            self.start_services()
            self.supervisor.watch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Services first, so that they can still write down where they are; PostgreSQL last."""
        self.supervisor.rest()
        with ThreadPoolExecutor() as pool:
            for ended in [pool.submit(self.parts[name].stop) for name in self.services if name in self.parts]:
                ended.result()
        for name in ("caddy", "kafka", "postgres"):
            if name in self.parts:
                self.parts[name].stop()
        if self._lock is not None:
            (self.folder / "running.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def start_part(self, name: str) -> None:
        with self.supervisor.hands_off(name):
            self.parts[name].start()

    def stop_part(self, name: str) -> None:
        """Stopped on purpose: it stays down until `start_part`."""
        self.supervisor.leave_down(name)
        self.parts[name].stop()

    def kill(self, name: str) -> None:
        """SIGKILL. It stays down until `start_part`."""
        self.supervisor.leave_down(name)
        self.parts[name].process.kill()

    def pid(self, name: str) -> int | None:
        return self.parts[name].process.pid

    def forget(self) -> None:
        """Delete all data of a stopped stack; keys, logs and downloads too if they are in its folder."""
        Postgres(self.folder, 0).remove()
        for name in ("data", "files", "keys", "logs", "pids", "caddy"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ("ports.json", "postgres-id", "seeded"):
            (self.folder / name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_ended: object) -> None:
        self.stop()

    # The steps of a start

    def hold(self) -> None:
        """One start at a time per folder, and none over the processes of an earlier one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise CannotStartError(
                f"Yike runs already with the data in {self.folder}; `make status` shows where, `make stop` stops it"
            ) from error
        self._lock = lock
        for part in PARTS:
            process = leftover(self.folder / "pids" / f"{part}.json")
            if process is not None:
                raise CannotStartError(
                    f"{part} of an earlier start (process {process.pid}) still holds the data in {self.folder}; "
                    "`make stop` ends it"
                )
        free = shutil.disk_usage(self.folder).free
        if free < FREE_BYTES_MIN:
            raise CannotStartError(
                f"only {free // 1_000_000} MB are free where {self.folder} is; make room ({FREE_BYTES_MIN // 1_000_000}"
                " MB at least) and start again"
            )

    def prepare(self) -> None:
        if self.wanted_port is not None and not is_free(self.wanted_port):
            raise CannotStartError(
                f"port {self.wanted_port} is taken{holder(self.wanted_port)}; stop that program or choose another "
                f"port: `make up PORT={self.wanted_port + 1}`"
            )
        inner = ("postgres", "kafka", "kafka_controller", *SERVICES)
        names = inner if self.wanted_port is not None else (*inner, "origin")
        self.ports = remembered(self.folder / "ports.json", names)
        self.describe(self.wanted_port or self.ports["origin"])
        running = {"pid": os.getpid(), "url": self.url, "since": time.time(), "ports": self.ports}
        (self.folder / "running.json").write_text(json.dumps(running))

    def describe(self, origin: int) -> None:
        """What the services are told rests on this: the origin's port, the stores, the key files."""
        self.port = origin
        self.key_files = keys.make(self.folder / "keys", demo=self.mode != "production")
        (self.folder / "files").mkdir(exist_ok=True)
        self.postgres = Postgres(self.folder, self.ports["postgres"])
        self.kafka = Kafka(
            self.folder, self.ports["kafka"], self.ports["kafka_controller"], full_speed=self.full_speed
        )
        self.parts.update(postgres=self.postgres, kafka=self.kafka)

    def start_stores(self) -> None:
        """PostgreSQL and Kafka side by side: neither needs the other."""

        def start_postgres() -> None:
            if not self.postgres.data.exists():
                self.say(f"PostgreSQL: making its data in {self.postgres.home}")
            self.postgres.install()
            self.postgres.start()
            self.postgres.create_databases([database_of(name) for name in self.services])

        def start_kafka() -> None:
            if not jars.is_complete():
                self.say("Kafka: downloading 46 jars (45 MB), once")
            self.kafka.install()
            self.kafka.start()

        self.side_by_side({"PostgreSQL": start_postgres, "Kafka": start_kafka})

    def make_ready(self) -> None:
        """Databases, topics, people. Later starts only look them over, beside the services, which find them there."""
        urls = {f"DATABASE_URL_{name.upper()}": self.database_url(name) for name in self.services}
        environment = self.environment_of("registry")
        self.side_by_side(
            {
                "databases at their newest version": lambda: self.run(
                    ["deploy.local.migrate", *self.services], {**environment, **urls}, "migrations"
                ),
                "topics": lambda: self.run(["shared.topics"], environment, "topics"),
            }
        )
        if self.has_community and not self.seeded.exists():
            self.side_by_side({"demo community": self.seed})

    @property
    def has_community(self) -> bool:
        return self.mode == "demo" and "registry" in self.services

    @property
    def seeded(self) -> Path:
        """There once a seed has come to its end."""
        return self.folder / "seeded"

    def seed(self) -> None:
        said = self.run(["services.registry.demo"], self.environment_of("registry"), "seed")
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        known = Account.__dataclass_fields__
        self.seeded.touch()
        self.accounts = [
            Account(**{key: line[key] for key in known if key in line}) for line in lines if "account" in line
        ]

    def start_services(self) -> None:
        services = [
            Service(name, self.folder, self.ports[name], self.environment_of(name)) for name in self.services
        ]
        caddy = Caddy(self.folder, self.port, {name: self.ports[name] for name in SERVICES})
        self.parts.update(caddy=caddy, **{service.name: service for service in services})
        for service in services:
            service.launch()
        steps: dict[str, Callable[[], object]] = {service.name: service.wait for service in services}
        if self.has_community and not self.accounts:
            steps["demo community"] = self.seed
        self.side_by_side({"Caddy": caddy.start, **steps})
        if "registry" in self.services:
            told = self.registry_revision()
            for service in services:
                service.wait(told)

    def registry_revision(self) -> int:
        """What is seeded before registry runs is published when it does; nobody may ask for it before it is heard."""
        subject = f"SELECT published FROM heads WHERE subject_id = '{REGISTRY_SUBJECT}'"
        return int(self.postgres.sql(subject, database=database_of("registry")) or 0)

    def side_by_side(self, steps: Mapping[str, Callable[[], object]]) -> None:
        began = time.monotonic()

        def timed(name: str, step: Callable[[], object]) -> None:
            step()
            self.say(f"{name}: ready after {time.monotonic() - began:.1f} s")

        with ThreadPoolExecutor(len(steps)) as pool:
            running: list[Future[None]] = [pool.submit(timed, name, step) for name, step in steps.items()]
            for step in running:
                step.result()

    def run(self, module: Sequence[str], environment: Mapping[str, str], name: str) -> str:
        """One of our own programs to its end; what it prints, and its log in the stack's folder."""
        log = self.folder / "logs" / f"{name}.log"
        with log.open("w") as err:
            done = subprocess.run(
                [sys.executable, "-m", *module],
                cwd=PROJECT,
                env=dict(environment),
                stdout=subprocess.PIPE,
                stderr=err,
                stdin=subprocess.DEVNULL,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            said = tail(log)
            if disk_is_full(said):
                raise CannotStartError(f"{name}: the disk is full; make room and run the same command again")
            raise CannotStartError(f"{name} failed (exit {done.returncode}); {log} ends with:\n{said}")
        return done.stdout


def may_read(service: str, key: str) -> bool:
    """Only registry signs who people are, only notify pushes to their phones."""
    return service == {"SIGNING_KEY_FILE": "registry", "VAPID_KEY_FILE": "notify"}.get(key, service)


def end_leftovers(folder: Path) -> list[str]:
    """Stop what an earlier start left running: services, Caddy, Kafka, PostgreSQL, in this order."""
    ended: list[str] = []
    for part in (*SERVICES, "caddy", "kafka", "postgres"):
        record = folder / "pids" / f"{part}.json"
        process = leftover(record)
        if process is None:
            continue
        if part == "postgres":
            process.send_signal(signal.SIGINT)
        else:
            process.terminate()
        try:
            process.wait(30)
        except psutil.TimeoutExpired:
            process.kill()
        record.unlink(missing_ok=True)
        ended.append(part)
    return ended
