"""The six services put together as their main.py does it, and not started."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from shared.keys import new_secret, new_signing_keys
from shared.service import Service
from tests.architecture.source import SERVICES


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    """The environment is put back at once: kept for the session, it would reach the tests that come after."""
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in _environment(folder).items():
            environment.setenv(name, value)
        return {name: _assembled(name) for name in SERVICES}


def _environment(folder: Path) -> dict[str, str]:
    secret, signing = folder / "secret", folder / "signing"
    secret.write_text(new_secret(demo=True))
    signing.write_text(new_signing_keys(demo=True))
    return {
        "YIKE_ENV": "test",
        "DATABASE_URL": "postgresql+asyncpg://nobody@127.0.0.1:1/nothing",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "FILES_URL": "memory://",
        "MASTER_KEY_FILE": str(secret),
        "INTERNAL_TOKEN_FILE": str(secret),
        "WEBHOOK_SECRET_FILE": str(secret),
        "SIGNING_KEY_FILE": str(signing),
    }


def _assembled(name: str) -> Service:
    main = importlib.import_module(f"services.{name}.main")
    service: Service = main.assemble(main.Settings())
    return service
