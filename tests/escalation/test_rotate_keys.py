"""Escalation's keys move under another master key: what people wrote is read before, amid and after."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from services.escalation import rotate_keys
from services.escalation.handlers.writing import Pen, texts_of
from services.escalation.settings import Settings
from shared import rotation
from shared.database import Database
from shared.ids import uuid7
from shared.keys import Secret, new_secret
from shared.sealing import CannotUnsealError, Sealer
from tests.escalation.conftest import hear
from tests.escalation.story import Story


async def written(database: Database, sealer: Sealer, text: str) -> UUID:
    """A case somebody wrote something in."""
    story = Story()
    await hear(database, story.registered)
    await write(database, sealer, story.case_id, text)
    return story.case_id


async def write(database: Database, sealer: Sealer, case_id: UUID, text: str) -> None:
    async with database.transaction() as tx:
        await tx.lock(case_id)
        await Pen(tx, sealer, case_id).keep(uuid7(), "raise", text)


async def read(database: Database, sealer: Sealer, case_id: UUID) -> list[str]:
    async with database.transaction() as tx:
        return list((await texts_of(tx, sealer, case_id)).values())


async def test_what_was_written_stays_readable_throughout(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = Secret("key-new", b"n" * 32), Secret("key-old", b"o" * 32)
    both = Sealer([new, old])
    cases = {await written(database, Sealer([old]), text): text for text in ("一", "二", "三")}
    real, seen = Sealer.rewrap, 0

    def tired(sealer: Sealer, wrapped: bytes) -> bytes:
        nonlocal seen
        seen += 1
        if seen == 2:
            raise KeyboardInterrupt
        return real(sealer, wrapped)

    monkeypatch.setattr(rotation, "KEYS_PER_TURN_MAX", 1)
    monkeypatch.setattr(Sealer, "rewrap", tired)
    with pytest.raises(KeyboardInterrupt):
        await rotate_keys.rotate(database, both)
    for case_id, text in cases.items():
        assert await read(database, both, case_id) == [text]
        await write(database, both, case_id, "又写")
    monkeypatch.setattr(Sealer, "rewrap", real)
    assert await rotate_keys.rotate(database, both) == 2
    assert await rotate_keys.rotate(database, both) == 0
    for case_id, text in cases.items():
        assert sorted(await read(database, Sealer([new]), case_id)) == sorted([text, "又写"])
        with pytest.raises(CannotUnsealError):
            await read(database, Sealer([old]), case_id)


async def test_the_command_says_what_it_did(
    database: Database, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await written(database, Sealer(settings.master_keys), "一")
    file = tmp_path / "master.key"
    file.write_text(new_secret() + file.read_text())
    await rotate_keys.main(Settings.model_validate(settings.model_dump()))
    said = capsys.readouterr().out
    assert said.startswith("1 keys were put under key-")
    assert said.endswith("; escalation needs no other line of the file any more.\n")
