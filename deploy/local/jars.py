"""Kafka's jars: downloaded once, each checked against the hash that kafka.lock.toml keeps.

`python -m deploy.local.jars` writes the lock anew (with jgo, which resolves Maven's dependencies).
"""

import hashlib
import os
import ssl
import tomllib
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.names import STATE
from deploy.local.problems import CannotStartError, disk_is_full

LOCK = Path(__file__).parent / "kafka.lock.toml"
# log4j as binding would silently pull an older kafka-clients; Kafka wants an SLF4J 1.7 binding.
ENDPOINT: Final = "org.apache.kafka:kafka_2.13:{version}+org.slf4j:slf4j-simple:1.7.36"
REPOSITORY = "https://repo1.maven.org/maven2"
DOWNLOADS_AT_ONCE = 8


@dataclass(frozen=True)
class Jar:
    path: str
    sha256: str

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[1]


def locked() -> tuple[str, list[Jar]]:
    lock = tomllib.loads(LOCK.read_text())
    return lock["kafka"], [Jar(jar["path"], jar["sha256"]) for jar in lock["jar"]]


def class_path(folder: Path | None = None) -> str:
    """Where java finds Kafka. Downloads what is missing; a file is there only once its hash was right."""
    version, jars = locked()
    folder = folder or STATE / "kafka" / version
    missing = [jar for jar in jars if not (folder / jar.name).exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            for _ in pool.map(lambda jar: download(jar, folder), missing):
                pass
    return os.pathsep.join(str(folder / jar.name) for jar in jars)


def is_complete() -> bool:
    version, jars = locked()
    return all((STATE / "kafka" / version / jar.name).exists() for jar in jars)


def download(jar: Jar, folder: Path) -> None:
    repository = os.environ.get("YIKE_MAVEN_URL", REPOSITORY).rstrip("/")
    part = folder / f"{jar.name}.{os.getpid()}.part"
    try:
        body = fetch(f"{repository}/{jar.path}")
        found = hashlib.sha256(body).hexdigest()
        if found != jar.sha256:
            raise CannotStartError(
                f"{jar.name} from {repository} is not the file that was locked (SHA-256 {found}); nothing was "
                "kept. Try again, or name a repository you trust: YIKE_MAVEN_URL=https://…"
            )
        part.write_bytes(body)
        part.rename(folder / jar.name)
    except OSError as error:
        part.unlink(missing_ok=True)
        if disk_is_full(str(error)):
            raise CannotStartError(f"the disk is full; make room for {folder} and start again") from error
        raise CannotStartError(
            f"could not download {jar.name}: {error}. Check the network (HTTPS_PROXY and SSL_CERT_FILE are "
            f"respected), or name a mirror of {REPOSITORY}: YIKE_MAVEN_URL=https://…; what is there is kept."
        ) from error


def fetch(url: str, attempts: int = 3) -> bytes:
    certificates = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT")
    context = ssl.create_default_context(cafile=certificates)
    for attempt in range(attempts):
        try:
            with urllib.request.urlopen(url, timeout=30, context=context) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            if attempt == attempts - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def write_lock(version: str) -> None:
    from jgo.env import EnvironmentBuilder
    from jgo.maven import MavenContext

    cache = STATE / "cache" / "jgo"
    builder = EnvironmentBuilder(MavenContext(repo_cache=cache / "m2"), cache_dir=cache / "envs")
    environment = builder.from_endpoint(ENDPOINT.format(version=version), update=True)
    resolved = tomllib.loads(environment.lock_path.read_text())["dependencies"]
    comment = [line for line in LOCK.read_text().splitlines() if line.startswith("#")]
    lines = [*comment, "", f'kafka = "{version}"', ""]
    for jar in sorted(resolved, key=lambda jar: (jar["groupId"], jar["artifactId"])):
        artifact, of = jar["artifactId"], jar["version"]
        suffix = f"-{jar['classifier']}" if jar.get("classifier") else ""
        path = f"{jar['groupId'].replace('.', '/')}/{artifact}/{of}/{artifact}-{of}{suffix}.jar"
        lines += ["[[jar]]", f'path = "{path}"', f'sha256 = "{jar["sha256"]}"', ""]
    LOCK.write_text("\n".join(lines))


if __name__ == "__main__":
    import sys

    write_lock(sys.argv[1] if len(sys.argv) > 1 else locked()[0])
