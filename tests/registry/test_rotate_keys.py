"""The second steps of accounts move under another master key: codes are good before, amid and after."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from services.registry import rotate_keys
from services.registry.handlers.proof import second_step
from services.registry.queries import accounts
from services.registry.rules.account_story import SecondStep
from services.registry.settings import Settings
from shared.database import Database
from shared.keys import Secret, new_secret
from shared.sealing import CannotUnsealError, Sealer
from tests.registry.test_own_account import ME, code, with_codes


async def test_whoever_has_a_second_step_notices_nothing(
    client: httpx.AsyncClient, demo: Database, settings: Settings
) -> None:
    app, _, _ = await with_codes(client)
    new, old = Secret("key-newer", b"n" * 32), settings.master_keys[0]

    async def proves(sealer: Sealer) -> SecondStep | None:
        async with demo.transaction() as tx:
            await tx.rows("UPDATE accounts SET codes_last_step = NULL")
            found = await accounts.locked(tx, ME)
            assert found is not None
            return await second_step(tx, found[0], sealer, code(app), None)

    assert await proves(Sealer([new, old])) is SecondStep.CODE
    assert await rotate_keys.rotate(demo, Sealer([new, old])) == 1
    assert await rotate_keys.rotate(demo, Sealer([new, old])) == 0
    assert await proves(Sealer([new])) is SecondStep.CODE
    with pytest.raises(CannotUnsealError):
        await proves(Sealer([old]))


async def test_the_command_says_what_it_did(
    client: httpx.AsyncClient, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await with_codes(client)
    file = settings.master_key_file
    assert isinstance(file, Path)
    file.write_text(new_secret() + file.read_text())

    await rotate_keys.main(Settings.model_validate(settings.model_dump()))
    said = capsys.readouterr().out
    assert said.startswith("1 keys were put under key-")
    assert said.endswith("; registry needs no other line of the file any more.\n")
