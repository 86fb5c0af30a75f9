"""What a service is told, and how it says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from shared.keys import KeyFileError, new_secret, new_signing_keys, read_secrets, read_signing_keys
from shared.settings import ServiceSettings, SettingsRefused, Surroundings


class NeedsKeys(ServiceSettings):
    needs: ClassVar[frozenset[str]] = frozenset({"master_key_file", "files_url"})


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://yike:hush@127.0.0.1/yike_intake")
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:9092")
    monkeypatch.setenv("YIKE_ENV", "production")
    monkeypatch.setenv("FILES_URL", str(tmp_path))


def refused(settings: type[ServiceSettings]) -> str:
    with pytest.raises(SettingsRefused) as said:
        settings()
    return str(said.value)


def test_production_is_what_you_get_without_saying_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YIKE_ENV")

    assert ServiceSettings().yike_env is Surroundings.PRODUCTION


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")

    assert refused(ServiceSettings).startswith("DATABASE_URL is missing: set it (postgresql+asyncpg://")


def test_a_wrong_value_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "secret-typed-into-the-wrong-place")

    assert "PORT is refused" in refused(ServiceSettings)
    assert "secret-typed" not in refused(ServiceSettings)


def test_a_missing_key_says_how_to_make_one() -> None:
    assert refused(NeedsKeys).startswith(
        "MASTER_KEY_FILE is missing: Make one with `python -m shared.keys secret"
    )


@pytest.mark.parametrize("variable", ["MASTER_KEY_FILE", "INTERNAL_TOKEN_FILE", "SIGNING_KEY_FILE"])
def test_production_refuses_a_demo_key(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make = new_signing_keys if variable == "SIGNING_KEY_FILE" else new_secret
    file = tmp_path / "key"
    file.write_text(make(demo=True))
    monkeypatch.setenv(variable, str(file))

    assert f"{variable}: {file} holds a demo key, refused in production" in refused(ServiceSettings)
    monkeypatch.setenv("YIKE_ENV", "demo")
    assert ServiceSettings().demo_is_allowed


def test_a_demo_key_kept_for_old_data_is_refused_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(new_secret() + new_secret(demo=True))
    monkeypatch.setenv("MASTER_KEY_FILE", str(tmp_path / "key"))

    assert "holds a demo key" in refused(ServiceSettings)


def test_production_refuses_a_simulated_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATION", "1")

    assert refused(ServiceSettings).startswith("SIMULATION=1 is refused in production")


def test_every_fault_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATION", "1")
    monkeypatch.delenv("FILES_URL")

    assert len(refused(NeedsKeys).splitlines()) == 3


def test_keys_are_read_with_the_one_in_use_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, second = new_secret(), new_secret()
    (tmp_path / "key").write_text("# changed in spring\n" + first + second)
    monkeypatch.setenv("MASTER_KEY_FILE", str(tmp_path / "key"))

    keys = NeedsKeys().master_keys
    assert [key.id for key in keys] == [first.split()[0], second.split()[0]]
    assert "value" not in repr(keys[0])


@pytest.mark.parametrize("text", ["", "only-an-id\n", "id not*base64\n", "id c2hvcnQ=\n"])
def test_an_unusable_key_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(text)

    with pytest.raises(KeyFileError):
        read_secrets(tmp_path / "key")


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "EC"}]}'])
def test_an_unusable_signing_key_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(text)

    with pytest.raises(KeyFileError):
        read_signing_keys(tmp_path / "key")
