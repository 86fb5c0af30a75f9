"""What goes wrong in one case stays in that case, and what may have been committed is not taken back."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from services.dispatch.evidence import original_path
from services.dispatch.handlers import evidence, search
from services.dispatch.handlers.evidence import Upload
from shared.database import Database, Transaction
from shared.files import Files
from shared.problems import Problem
from tests.dispatch.phones import a_photo
from tests.dispatch.world import SEALER, A, Scene, a_closing, a_registration, directory, doer

UNREADABLE = "UPDATE cases SET policy = '{}' WHERE id = :id"
READABLE = "UPDATE cases SET policy = CAST(:policy AS jsonb) WHERE id = :id"


async def _run(scene: Scene, sql: str, **given: object) -> None:
    async with scene.database.transaction() as tx:
        await tx.rows(sql, **given)


async def test_a_case_that_cannot_be_searched_for_does_not_stop_the_search_for_the_others(
    scene: Scene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search takes the oldest first: one case that fails would for ever stand before everybody else's."""
    monkeypatch.setattr(search, "FAULT_RESTS_SECONDS", 0.0)
    broken, sound = a_registration(), a_registration("grid-a2")
    await scene.hear(broken, sound)
    await _run(scene, UNREADABLE, id=broken.case_id)

    await scene.matching.turn(scene.database)

    assert (await scene.offer(sound.case_id)).person_id == "p-grid-a2-a"
    [said] = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert vars(said)["case_id"] == str(broken.case_id)

    await _run(scene, READABLE, id=broken.case_id, policy=broken.policy.model_dump_json())
    await scene.matching.turn(scene.database)
    assert (await scene.offer(broken.case_id)).person_id == A


async def test_a_broken_case_for_which_nobody_was_there_does_not_hide_that_somebody_came_on_duty(
    scene: Scene,
) -> None:
    scene.database.directory = directory(only=())
    broken, sound = a_registration(), a_registration("grid-a2")
    await scene.hear(broken, sound)
    await scene.settle()
    await _run(scene, UNREADABLE, id=broken.case_id)

    scene.database.directory = directory()
    await scene.matching.turn(scene.database)

    assert (await scene.offer(sound.case_id)).person_id == "p-grid-a2-a"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(str(tmp_path / "files"))


async def _held(scene: Scene) -> tuple[UUID, UUID]:
    case = await scene.registered()
    offer = await scene.offer(case)
    await scene.accept(offer)
    return case, offer.part_id


async def _photo() -> AsyncIterator[bytes]:
    yield a_photo(102.7, 25.04)


async def test_a_file_whose_row_may_have_been_committed_is_kept(
    scene: Scene, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection dies while COMMIT is answered: the evidence is there, so its file must be."""
    case, part_id = await _held(scene)
    sound, begun = Database.transaction, 0

    @asynccontextmanager
    async def torn_the_second_time(self: Database) -> AsyncIterator[Transaction]:
        nonlocal begun
        begun += 1
        async with sound(self) as tx:
            yield tx
        if begun == 2:
            raise ConnectionResetError("the server is gone")

    upload = Upload(part_id, _photo(), bytes_max=300_000)
    with monkeypatch.context() as torn_once, pytest.raises(ConnectionResetError):
        torn_once.setattr(Database, "transaction", torn_the_second_time)
        await evidence.add_evidence(scene.database, upload, doer(A), sealer=SEALER, files=files)

    [added] = (await scene.state(case)).evidence
    assert await files.get(original_path(case, added.id))


async def test_a_file_that_may_no_longer_be_added_is_not_kept(
    scene: Scene, files: Files, tmp_path: Path
) -> None:
    case, part_id = await _held(scene)

    async def closed_meanwhile() -> AsyncIterator[bytes]:
        yield a_photo(102.7, 25.04)
        await scene.hear(a_closing(case))

    upload = Upload(part_id, closed_meanwhile(), bytes_max=300_000)
    with pytest.raises(Problem):
        await evidence.add_evidence(scene.database, upload, doer(A), sealer=SEALER, files=files)

    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
