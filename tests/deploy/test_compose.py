"""docker-compose.yml cannot be run where this is built. So every path, port, command, variable and dependency in it
is checked against the tree, and PostgreSQL's init script is run on a real server."""

import os
import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.local.names import PROJECT, SERVICES, database_of
from deploy.local.postgres import identity_of_server
from deploy.local.stack import Stack
from tests.stack import TestStack

KEYS = {
    "image", "build", "command", "environment", "volumes", "depends_on", "healthcheck", "ports", "restart",
}  # fmt: skip
WITH_HEALTH_CHECK_IN_THE_IMAGE = set(SERVICES)


@cache
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    return loaded


def parts() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


def environment_of(part: str) -> dict[str, str]:
    """With the defaults put in, as `docker compose config` would."""
    declared = parts()[part].get("environment", {})
    return {key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for key, value in declared.items()}


def test_it_has_every_part_and_only_known_keys() -> None:
    assert set(parts()) == {*SERVICES, "postgres", "kafka", "prepare", "caddy", "prometheus", "grafana"}
    for name, part in parts().items():
        assert set(part) <= KEYS, name
        assert all(isinstance(value, str) for value in part.get("environment", {}).values()), name
    for name, image in ((name, part["image"]) for name, part in parts().items()):
        assert re.fullmatch(r"[a-z/]+:v?\d[\w.]*", image), f"{name} has no pinned image"


def test_every_path_on_the_left_of_a_volume_exists_or_is_a_declared_volume() -> None:
    for name, part in parts().items():
        for volume in part.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (PROJECT / source).exists(), f"{name}: {source}"
            else:
                assert source in compose()["volumes"], f"{name}: {source}"
    used = {volume.split(":")[0] for part in parts().values() for volume in part.get("volumes", [])}
    assert set(compose()["volumes"]) <= used


@pytest.mark.parametrize("service", [*SERVICES, "prepare"])
def test_its_command_is_a_module_that_exists(service: str) -> None:
    python, dash_m, module = parts()[service]["command"]
    assert (python, dash_m) == ("python", "-m")
    assert find_spec(module) is not None
    if service in SERVICES:
        assert module == f"services.{service}.main"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_the_same_names_as_on_one_machine(service: str, tmp_path: Path) -> None:
    stack = Stack(tmp_path, port=1, services=())
    stack.ports = dict.fromkeys((*SERVICES, "postgres", "kafka", "kafka_controller"), 1)
    stack.describe(origin=1)
    (tmp_path / "keys" / "postgres.password").write_text("known")
    local = set(stack.environment_of(service)) - set(os.environ) - {"PYTHONPATH", "PYTHONUNBUFFERED"}
    assert set(environment_of(service)) - set(os.environ) == local
    url = urlsplit(environment_of(service)["DATABASE_URL"])
    assert (url.scheme, url.hostname, url.port) == ("postgresql+asyncpg", "postgres", 5432)
    assert url.username == url.path.strip("/") == database_of(service)
    assert (
        environment_of("prepare")[f"DATABASE_URL_{service.upper()}"]
        == environment_of(service)["DATABASE_URL"]
    )


def test_every_address_names_a_part_and_the_port_it_listens_on() -> None:
    listens = {**dict.fromkeys(SERVICES, 8000), "postgres": 5432, "kafka": 9092}
    for name in (*SERVICES, "prepare"):
        for variable, value in environment_of(name).items():
            if variable in ("PUBLIC_URL", "OIDC_ISSUER") or variable.startswith("OTEL"):
                continue
            for host, port in re.findall(r"(?:@|//)([a-z]+):(\d+)", value):
                assert listens[host] == int(port), f"{name}: {variable}"
        assert environment_of(name)["KAFKA_BOOTSTRAP"] == "kafka:9092"
        assert environment_of(name)["PORT"] == "8000"
    assert "PLAINTEXT://kafka:9092" in environment_of("kafka")["KAFKA_ADVERTISED_LISTENERS"]
    prometheus = yaml.safe_load((PROJECT / "deploy/prometheus/prometheus.yml").read_text())
    targets = prometheus["scrape_configs"][0]["static_configs"][0]["targets"]
    assert targets == [f"{service}:8000" for service in SERVICES]
    datasource = yaml.safe_load((PROJECT / "deploy/grafana/provisioning/datasources/yike.yml").read_text())
    assert datasource["datasources"][0]["url"] == "http://prometheus:9090"


def test_key_files_are_where_a_volume_is_mounted_and_prepare_makes_them() -> None:
    for name in SERVICES:
        mounted = {volume.split(":")[1] for volume in parts()[name]["volumes"]}
        for variable, value in environment_of(name).items():
            if variable.endswith("_FILE"):
                assert str(Path(value).parent) in mounted, f"{name}: {variable}"
                assert environment_of("prepare")[variable] == value
    assert [name for name in SERVICES if "SIGNING_KEY_FILE" in environment_of(name)] == ["registry"]
    assert [name for name in SERVICES if "VAPID_KEY_FILE" in environment_of(name)] == ["notify"]


def test_health_checks_order_the_start() -> None:
    for name, part in parts().items():
        after = part.get("depends_on", {})
        for other, how in after.items() if isinstance(after, dict) else ():
            if how["condition"] == "service_healthy":
                has_check = "test" in parts()[other].get("healthcheck", {})
                assert has_check or other in WITH_HEALTH_CHECK_IN_THE_IMAGE, f"{name} waits for {other}"
    assert set(parts()["prepare"]["depends_on"]) == {"postgres", "kafka"}
    assert all(set(parts()[name]["depends_on"]) == {"prepare"} for name in SERVICES)
    assert set(parts()["caddy"]["depends_on"]) == set(SERVICES)
    assert "HEALTHCHECK" in (PROJECT / "deploy/Dockerfile").read_text()


def test_the_image_is_built_from_files_that_exist_and_are_not_ignored() -> None:
    dockerfile = (PROJECT / "deploy/Dockerfile").read_text()
    kept = (PROJECT / "deploy/Dockerfile.dockerignore").read_text().split()
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (PROJECT / source).exists(), source
            assert f"!{source}" in kept, source
    for module in re.findall(r'"-m", "([\w.]+)"', dockerfile):
        assert find_spec(module) is not None, module
    pinned = re.search(r"uv==([\d.]+)", dockerfile)
    bootstrap = (PROJECT / "deploy/bootstrap.py").read_text()
    assert pinned is not None
    assert f'UV_VERSION = "{pinned[1]}"' in bootstrap


def test_caddy_sends_each_service_its_own_routes_and_shows_no_metrics() -> None:
    caddyfile = (PROJECT / "deploy/caddy/Caddyfile").read_text()
    for service in SERVICES:
        route = (
            f"handle /api/{service}/* {{\n\t\timport service {{${service.upper()}_UPSTREAM:{service}:8000}}"
        )
        assert route in caddyfile
    assert "flush_interval -1" in caddyfile
    assert not re.search(r"^\s*handle\S* /(metrics|health)", caddyfile, re.MULTILINE)


def test_every_rule_file_of_prometheus_is_mounted() -> None:
    prometheus = yaml.safe_load((PROJECT / "deploy/prometheus/prometheus.yml").read_text())
    mounted = {volume.split(":")[1] for volume in parts()["prometheus"]["volumes"]}
    assert set(prometheus["rule_files"]) <= mounted


def test_the_init_script_makes_a_database_per_service_that_only_its_owner_may_enter(stack: TestStack) -> None:
    postgres = stack.postgres
    binaries = identity_of_server().binaries
    environment = {
        "PATH": f"{binaries}:/usr/bin:/bin",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(stack.postgres_port),
        "PGPASSWORD": postgres.password,
        "POSTGRES_USER": "yike",
        "SERVICES_PASSWORD": "it's a secret",
    }
    try:
        subprocess.run(["/bin/sh", str(PROJECT / "deploy/postgres/init.sh")], env=environment, check=True)
        for service in SERVICES:
            name = database_of(service)
            owner = f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{name}'"
            assert postgres.sql(owner) == name
        others = "SELECT has_database_privilege('yike_notify', 'yike_intake', 'CONNECT')"
        assert postgres.sql(others) == "f"
    finally:
        for service in SERVICES:
            postgres.sql(f"DROP DATABASE IF EXISTS {database_of(service)}")
            postgres.sql(f"DROP ROLE IF EXISTS {database_of(service)}")
