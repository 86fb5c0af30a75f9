"""The whole system behind one origin, as `make up` starts it."""

import http.client
import json
import subprocess
import sys
import time
from urllib.parse import urlsplit

import psutil
import pytest

from deploy.local.names import SERVICES
from deploy.local.ready import is_ready
from deploy.local.stack import Stack


def get(url: str) -> tuple[int, str]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=10)
    try:
        connection.request("GET", address.path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_reached_through_the_origin_under_its_own_name(cluster: Stack, service: str) -> None:
    status, described = get(f"{cluster.url}/api/{service}/openapi.json")
    assert status == 200
    assert json.loads(described)["info"]["title"] == f"Yike {service}"


def test_metrics_and_health_are_on_the_services_own_ports_only(cluster: Stack) -> None:
    for service in SERVICES:
        assert get(f"{cluster.service_url(service)}/metrics")[0] == 200
        assert get(f"{cluster.service_url(service)}/health/ready")[0] == 200
    for path in ("/metrics", "/health/ready", "/simulation", "/api/intake/../../metrics"):
        assert get(cluster.url + path)[0] in (400, 404)


def test_a_started_system_knows_the_whole_registry_in_every_service(cluster: Stack) -> None:
    seeded = cluster.registry_revision()
    assert seeded > 0
    for service in SERVICES:
        assert is_ready(cluster.ports[service], registry_revision=seeded)
        assert not is_ready(cluster.ports[service], registry_revision=seeded + 1_000_000)


def test_the_demo_people_are_told_with_their_passwords(cluster: Stack) -> None:
    assert cluster.accounts
    assert all(account.password and account.role_zh and account.unit_zh for account in cluster.accounts)


def test_a_killed_service_is_back_by_itself(cluster: Stack) -> None:
    first = cluster.pid("notify")
    assert first is not None
    psutil.Process(first).kill()
    limit = time.monotonic() + 60
    while cluster.pid("notify") in (None, first) or not is_ready(cluster.ports["notify"]):
        assert time.monotonic() < limit
        time.sleep(0.1)


def test_preparing_an_installation_again_changes_nothing(cluster: Stack) -> None:
    urls = {f"DATABASE_URL_{name.upper()}": cluster.database_url(name) for name in SERVICES}
    before = {file: file.read_bytes() for file in (cluster.folder / "keys").iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.prepare"],
        env={**cluster.environment_of("registry"), **urls},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    assert {file: file.read_bytes() for file in (cluster.folder / "keys").iterdir()} == before
