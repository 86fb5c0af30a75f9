"""What a migration does with what is already there: it goes on, and never back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def alembic(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alembic", "-n", "escalation", *words],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_migrations_only_go_forward(empty_database: Callable[[], str]) -> None:
    url = empty_database()
    assert alembic(url, "upgrade", "head").returncode == 0
    head = alembic(url, "current").stdout

    back = alembic(url, "downgrade", "-1")

    assert back.returncode != 0
    assert "Migrations only go forward: restore the backup" in back.stderr
    assert alembic(url, "current").stdout == head != ""
