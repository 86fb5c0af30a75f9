"""Notify's keys move under another master key: numbers and devices are read before, amid and after, and a browser stays
one device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.notify import rotate_keys
from services.notify.commands import ChoosePreferences, Subscribe
from services.notify.handlers import preferences
from services.notify.handlers.office import Office, number_context
from services.notify.handlers.sending import opened
from services.notify.queries import people
from services.notify.settings import Settings
from shared import rotation
from shared.database import Database
from shared.identity import SignedIn
from shared.keys import Secret, new_secret, new_signing_keys
from shared.sealing import CannotUnsealError, Sealer
from tests.notify.browser import Browser

OLD, NEW, OLDEST = Secret("key-old", b"o" * 32), Secret("key-new", b"n" * 32), Secret("key-a", b"a" * 32)
BOTH = Sealer([NEW, OLD])
ENDPOINT = "https://push.example/{}"


@pytest.fixture
def settings(set_up: Callable[..., Settings], tmp_path: Path) -> Settings:
    (tmp_path / "vapid").write_text(new_signing_keys(demo=True))
    return set_up(
        VAPID_KEY_FILE=tmp_path / "vapid", WEBPUSH_HOSTS="push.example", SMS_GATEWAY_URL="http://127.0.0.1:1"
    )


@pytest.fixture
def at_desk(settings: Settings) -> Callable[[Sealer], Office]:
    """A process of notify that was started with these keys."""

    def started(sealer: Sealer) -> Office:
        office = Office(settings)
        office.sealer = sealer
        return office

    return started


def number_of(person_id: str) -> str:
    return f"1380000{ord(person_id[0]):04d}"


async def gives_number(database: Database, office: Office, person_id: str) -> None:
    chosen = ChoosePreferences(channels=("feed", "sms"), sms_number=number_of(person_id))
    async with database.transaction() as tx:
        await preferences.choose(office, tx, SignedIn(person_id), chosen, None)


async def subscribes(database: Database, office: Office, person_id: str, name: str) -> None:
    browser = Browser().subscription(ENDPOINT.format(name), name)
    async with database.transaction() as tx:
        await preferences.subscribe(office, tx, SignedIn(person_id), Subscribe.model_validate(browser))


async def everybody(database: Database, sealer: Sealer, who: Sequence[str]) -> dict[str, Any]:
    """Number and devices of each, read by a process with these keys."""
    async with database.transaction() as tx:
        rows = [await people.person(tx, one) for one in who]
        devices = await people.devices(tx, who)
    shown: dict[str, Any] = {}
    for row in rows:
        assert row is not None
        key = sealer.unwrap(row.wrapped_key)
        own = [opened(sealer, device).endpoint for device in devices if device.person_id == row.person_id]
        assert row.devices == len(own), "the count in the person's row"
        number = None
        if row.sealed_number is not None:
            number = sealer.unseal(key, row.sealed_number, number_context(row.person_id))
        shown[row.person_id] = (number, sorted(one.rpartition("/")[2] for one in own))
    return shown


async def indexes(database: Database) -> set[bytes]:
    async with database.transaction() as tx:
        return {row["endpoint_index"] for row in await tx.rows("SELECT endpoint_index FROM devices")}


async def test_numbers_and_devices_stay_readable_throughout(
    database: Database, at_desk: Callable[[Sealer], Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = at_desk(Sealer([OLD]))
    for person_id in ("a", "b", "lead"):
        await gives_number(database, before, person_id)
        await subscribes(database, before, person_id, f"phone-{person_id}")
        await subscribes(database, before, person_id, f"desk-{person_id}")
    expected = {one: (number_of(one), [f"desk-{one}", f"phone-{one}"]) for one in ("a", "b", "lead")}
    real, seen = rotate_keys._index, 0

    def tired(sealer: Sealer, device: people.Device) -> bytes:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise KeyboardInterrupt
        return real(sealer, device)

    monkeypatch.setattr(rotation, "KEYS_PER_TURN_MAX", 1)
    monkeypatch.setattr(rotate_keys, "DEVICES_PER_TURN_MAX", 1)
    monkeypatch.setattr(rotate_keys, "_index", tired)
    with pytest.raises(KeyboardInterrupt):
        await rotate_keys.rotate(database, BOTH)
    assert await everybody(database, BOTH, list(expected)) == expected
    with pytest.raises(CannotUnsealError):
        await everybody(database, Sealer([NEW]), list(expected))

    monkeypatch.setattr(rotate_keys, "_index", real)
    assert await rotate_keys.rotate(database, BOTH) == 2, "one was moved before it was broken off"
    assert await rotate_keys.rotate(database, BOTH) == 0
    assert await everybody(database, Sealer([NEW]), list(expected)) == expected
    names = [name for _, devices in expected.values() for name in devices]
    assert await indexes(database) == {Sealer([NEW]).blind_index(ENDPOINT.format(name)) for name in names}
    with pytest.raises(CannotUnsealError):
        await everybody(database, Sealer([OLD]), list(expected))


@pytest.mark.parametrize("to", ["a", "b"], ids=["the same person", "somebody else"])
async def test_a_browser_stays_one_device_while_both_keys_are_in_the_file(
    to: str, database: Database, at_desk: Callable[[Sealer], Office]
) -> None:
    """A push must reach whoever is signed in on it now, and nobody else."""
    await subscribes(database, at_desk(Sealer([OLD])), "a", "shared")
    await subscribes(database, at_desk(BOTH), "b", "own")
    await subscribes(database, at_desk(BOTH), to, "shared")
    shown = await everybody(database, BOTH, ["a", "b"])
    assert [name for _, names in shown.values() for name in names].count("shared") == 1
    assert "shared" in shown[to][1]
    assert await rotate_keys.rotate(database, BOTH) == 1
    assert await everybody(database, Sealer([NEW]), ["a", "b"]) == shown


async def test_what_a_process_without_the_new_key_took_in_twice_becomes_one(
    database: Database, at_desk: Callable[[Sealer], Office]
) -> None:
    await subscribes(database, at_desk(Sealer([OLDEST])), "a", "tablet")
    await subscribes(database, at_desk(BOTH), "b", "desk")
    await subscribes(database, at_desk(Sealer([OLD])), "lead", "desk")
    await subscribes(database, at_desk(Sealer([OLD])), "op1", "tablet")
    everything = Sealer([NEW, OLD, OLDEST])
    assert await rotate_keys.rotate(database, everything) == 3
    shown = await everybody(database, Sealer([NEW]), ["a", "b", "lead", "op1"])
    assert shown == {"a": (None, ["tablet"]), "b": (None, ["desk"]), "lead": (None, []), "op1": (None, [])}
    assert len(await indexes(database)) == 2


async def test_the_command_says_what_it_did(
    database: Database, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await gives_number(database, Office(settings), "a")
    file = tmp_path / "secret"
    file.write_text(new_secret(demo=True) + file.read_text())
    await rotate_keys.main(Settings())
    said = capsys.readouterr().out
    assert said.startswith("1 keys were put under ")
    assert said.endswith("; notify needs no other line of the file any more.\n")
