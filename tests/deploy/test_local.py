"""The embedded default on this machine: PostgreSQL, Kafka and Caddy without the services."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import httpx
import psutil
import pytest

from deploy.local import jars
from deploy.local.caddy import Caddy
from deploy.local.ports import LOWEST, free_port, is_free, remembered
from deploy.local.postgres import Postgres
from deploy.local.problems import CannotStartError
from deploy.local.process import Process, leftover
from deploy.local.service import python_environment
from deploy.local.stack import Stack, end_leftovers
from tests.stack import TestStack


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    Stack(tmp_path, services=()).forget()


@pytest.mark.stack
def test_what_was_written_is_there_after_a_stop_a_kill_and_a_new_start(folder: Path) -> None:
    with Stack(folder, services=(), mode="test") as stack:
        stack.postgres.create_databases(["yike_intake"])
        stack.postgres.sql("CREATE TABLE cases AS SELECT 1 AS id", "yike_intake")
        url = stack.database_url("intake")
        for part in ("postgres", "kafka"):
            stack.kill(part)
            assert stack.pid(part) is None
            stack.start_part(part)
        assert stack.postgres.sql("SELECT count(*) FROM cases", "yike_intake") == "1"
    assert not list((folder / "pids").glob("*.json")), "a clean stop leaves no process behind"

    with Stack(folder, services=(), mode="test") as again:
        assert again.database_url("intake") == url
        assert again.postgres.sql("SELECT count(*) FROM cases", "yike_intake") == "1"


@pytest.mark.stack
def test_a_part_that_ends_by_itself_is_started_again_and_a_second_start_is_refused(folder: Path) -> None:
    said: list[str] = []
    with Stack(folder, services=(), mode="test", say=said.append) as stack:
        with pytest.raises(CannotStartError, match="runs already"):
            Stack(folder, services=()).start()
        first = stack.pid("caddy")
        assert first is not None
        psutil.Process(first).kill()
        while stack.pid("caddy") in (None, first):
            psutil.wait_procs([], timeout=0.1)
        assert any(line.startswith("caddy ended by itself") for line in said)


def test_only_its_owner_may_connect_to_a_service_database(stack: TestStack) -> None:
    postgres, names = stack.postgres, ("yike_one", "yike_other")
    try:
        postgres.create_databases(names)
        postgres.create_databases(names)
        assert postgres.sql("SELECT has_database_privilege('yike_other', 'yike_one', 'CONNECT')") == "f"
        assert postgres.sql("SELECT has_database_privilege('yike_one', 'yike_one', 'CONNECT')") == "t"
    finally:
        for name in names:
            postgres.sql(f"DROP DATABASE IF EXISTS {name}")
            postgres.sql(f"DROP ROLE IF EXISTS {name}")


def test_what_services_ask_each_other_does_not_pass_caddy(folder: Path) -> None:
    port = free_port()
    caddy = Caddy(folder, port, {"intake": free_port([port])})
    caddy.start()
    try:
        assert status_of(f"http://127.0.0.1:{port}/api/intake/internal/contacts/1?purpose=registered") == 404
        assert status_of(f"http://127.0.0.1:{port}/api/intake/cases/1") == 502
    finally:
        caddy.stop()


@pytest.mark.parametrize(
    "asked",
    [
        "/c/2603-0017-4?code=SECRET",
        "/api/intake/track/2603-0017-4?lang=en&code=SECRET",
        "/api/intake/follow-up-links/SECRET",
        "/api/intake/follow-up-links/SECRET?lang=en",
    ],
)
def test_what_caddy_logs_of_a_failure_lets_nobody_in(folder: Path, asked: str) -> None:
    """A service that dies while it answers is what Caddy logs the request of; one that is away gets our own page."""
    headers = {
        "Referer": "http://yike/c/1?code=SECRET",
        "Authorization": "Bearer SECRET",
        "Cookie": "s=SECRET",
    }
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        port, its_port = free_port(), upstream.getsockname()[1]
        Thread(target=_begin_to_answer, args=[upstream], daemon=True).start()
        caddy = Caddy(folder, port, {"intake": its_port})
        caddy.start()
        try:
            with suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{port}{asked}", headers=headers, timeout=10, trust_env=False)
        finally:
            caddy.stop()
    log = caddy.process.log.read_text()
    assert '"request"' in log
    assert f'"{asked.partition("?")[0].replace("SECRET", "*")}"' in log, "which route failed is still said"
    assert "SECRET" not in log


def _begin_to_answer(upstream: socket.socket) -> None:
    connection, _ = upstream.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def status_of(url: str) -> int:
    return httpx.get(url, timeout=10, trust_env=False).status_code


def test_our_own_processes_keep_what_they_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in python_environment({})


@pytest.mark.stack
def test_leftovers_of_a_killed_start_are_named_and_can_be_ended(folder: Path) -> None:
    postgres = Postgres(folder, remembered(folder / "ports.json", ["postgres"])["postgres"])
    postgres.install()
    postgres.start()
    with pytest.raises(CannotStartError, match=r"postgres of an earlier start \(process \d+\) still holds"):
        Stack(folder, services=()).start()
    assert end_leftovers(folder) == ["postgres"]
    assert end_leftovers(folder) == []
    assert postgres.process.exit_code == 0


def test_a_taken_port_is_named_with_another_to_try(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotStartError, match=f"port {port} is taken.*PORT={port + 1}"):
            Stack(tmp_path, port=port, services=()).start()


def test_ports_stay_the_same_until_somebody_else_takes_one(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = remembered(file, ["postgres", "kafka"])
    assert remembered(file, ["postgres", "kafka"]) == first
    with socket.create_server(("127.0.0.1", first["kafka"])):
        assert not is_free(first["kafka"])
        moved = remembered(file, ["postgres", "kafka"])
    assert moved["postgres"] == first["postgres"]
    assert moved["kafka"] != first["kafka"]
    assert moved["kafka"] >= LOWEST


def test_an_id_used_again_by_another_program_is_not_taken_for_ours(tmp_path: Path) -> None:
    record = tmp_path / "kafka.json"
    me = psutil.Process()
    record.write_text(json.dumps({"pid": me.pid, "born": me.create_time()}))
    assert leftover(record) == me
    record.write_text(json.dumps({"pid": me.pid, "born": me.create_time() - 100}))
    assert leftover(record) is None


def test_a_process_that_ends_at_once_is_explained_by_its_last_words(tmp_path: Path) -> None:
    process = Process("notify", tmp_path / "notify.log", tmp_path / "notify.json")
    process.start(["/bin/sh", "-c", "echo KAFKA_BOOTSTRAP is missing; exit 3"], {})
    assert process.child is not None
    process.child.wait()
    assert "KAFKA_BOOTSTRAP is missing" in str(process.explain_end())
    assert "exit 3" in str(process.explain_end())


def test_a_process_that_does_not_hear_is_killed(tmp_path: Path) -> None:
    process = Process("notify", tmp_path / "notify.log", tmp_path / "notify.json")
    process.start(
        ["/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"], {"PATH": "/usr/bin:/bin"}
    )
    while "deaf" not in (tmp_path / "notify.log").read_text():
        psutil.wait_procs([], timeout=0.1)
    process.stop(within_seconds=0.3)
    assert process.exit_code == -signal.SIGKILL
    assert not (tmp_path / "notify.json").exists()


def test_a_jar_that_is_not_the_locked_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = jars.Jar("org/example/a/1/a-1.jar", "0" * 64)
    published = tmp_path / "maven" / jar.path
    published.parent.mkdir(parents=True)
    published.write_bytes(b"something else")
    monkeypatch.setenv("YIKE_MAVEN_URL", (tmp_path / "maven").as_uri())
    with pytest.raises(CannotStartError, match="not the file that was locked"):
        jars.download(jar, tmp_path)
    assert not (tmp_path / "a-1.jar").exists()


def test_a_download_that_fails_says_how_to_name_a_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIKE_MAVEN_URL", (tmp_path / "nowhere").as_uri())
    with pytest.raises(CannotStartError, match="YIKE_MAVEN_URL"):
        jars.download(jars.Jar("org/example/a/1/a-1.jar", "0" * 64), tmp_path)


def test_every_locked_jar_has_a_hash_and_one_version_of_kafka_throughout() -> None:
    version, locked = jars.locked()
    assert all(len(jar.sha256) == 64 for jar in locked)
    assert len({jar.name for jar in locked}) == len(locked)
    kafka = {jar.path.split("/")[-2] for jar in locked if jar.path.startswith("org/apache/kafka/")}
    assert kafka == {version}
