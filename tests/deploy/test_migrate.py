"""The quick look at a database's version, and alembic behind it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from deploy.local import migrate
from deploy.local.names import PROJECT, SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_the_newest_version_read_from_the_files_is_what_alembic_says(service: str) -> None:
    script = ScriptDirectory.from_config(Config(PROJECT / "alembic.ini", ini_section=service))
    assert migrate.heads(service) == set(script.get_heads()) != set()


def test_a_version_that_another_follows_is_not_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = tmp_path / "services" / "intake" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001_first.py").write_text('revision = "0001"\ndown_revision = None\n')
    (versions / "0002_more.py").write_text('revision: str = "0002"\ndown_revision: str | None = "0001"\n')
    monkeypatch.setattr(migrate, "PROJECT", tmp_path)
    assert migrate.heads("intake") == {"0002"}


async def test_only_databases_that_are_behind_are_migrated(
    monkeypatch: pytest.MonkeyPatch, fresh_database: Callable[[str], str], empty_database: Callable[[], str]
) -> None:
    monkeypatch.setenv("DATABASE_URL_INTAKE", fresh_database("intake"))
    monkeypatch.setenv("DATABASE_URL_DISPATCH", empty_database())
    assert await migrate.those_behind(["intake", "dispatch"]) == ["dispatch"]
