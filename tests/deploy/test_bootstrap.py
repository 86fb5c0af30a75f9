"""What make does before everything else, on machines where something is missing."""

import builtins
import shutil
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from deploy import bootstrap


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "STATE", tmp_path / ".yike")
    return tmp_path / ".yike"


def test_a_missing_venv_module_names_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def without_ensurepip(name: str, *rest: Any, **named: Any) -> Any:
        if name == "ensurepip":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without_ensurepip)
    assert bootstrap.main() == 1
    assert f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in capsys.readouterr().err


def test_an_old_python_is_told_which_one_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert bootstrap.main() == 1
    assert "Python 3.11 or newer is needed, this is 3.9" in capsys.readouterr().err


def test_a_disk_without_room_is_said_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10, 9, 1_000_000))
    assert bootstrap.main() == 1
    assert "only 1 MB free" in capsys.readouterr().err


def test_a_failed_download_says_what_to_look_at_and_a_full_disk_is_told_apart() -> None:
    with pytest.raises(bootstrap.CannotInstallError, match="PIP_INDEX_URL"):
        bootstrap.run(["/bin/sh", "-c", "echo no route to host >&2; exit 1"], {}, "uv")
    with pytest.raises(bootstrap.CannotInstallError, match="the disk is full"):
        bootstrap.run(["/bin/sh", "-c", "echo No space left on device >&2; exit 1"], {}, "uv")


def test_what_pip_is_told_holds_for_uv_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CERT", "/etc/ssl/ours.pem")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("HOME", "")
    environment = bootstrap.uv_environment()
    assert environment["SSL_CERT_FILE"] == "/etc/ssl/ours.pem"
    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert environment["UV_CACHE_DIR"].startswith(str(bootstrap.STATE))


def test_nothing_is_installed_twice(elsewhere: Path) -> None:
    (elsewhere / "venv" / "bin").mkdir(parents=True)
    (elsewhere / "venv" / "bin" / "python").touch()
    assert not bootstrap.up_to_date()
    (elsewhere / "venv" / "yike.stamp").write_text(bootstrap.wanted())
    assert bootstrap.up_to_date()
    assert bootstrap.main() == 0
