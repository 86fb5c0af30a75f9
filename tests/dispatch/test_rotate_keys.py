"""Dispatch's keys move under another master key: notes, positions and alarms are read before, amid and after."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from services.dispatch import rotate_keys
from services.dispatch.queries import alarms, mass_tasks, rounds
from services.dispatch.queries.reads import words
from services.dispatch.settings import Settings
from shared import rotation
from shared.keys import Secret, new_secret
from shared.sealing import CannotUnsealError, Sealer
from shared.service import Service
from shared.vocabulary import NoteKind
from tests.dispatch.phones import Phone
from tests.dispatch.test_mass_tasks import TASK, Desk, a_task, residents
from tests.dispatch.test_rounds import a_visit
from tests.dispatch.world import A, Scene

PLACE = {"lon": 102.7654, "lat": 25.1235}


async def worked_on(scene: Scene, grid: str = "grid-a1") -> UUID:
    """A case of the grid's A holder, with a note in it."""
    case_id = await scene.registered(grid)
    offer = await scene.offer(case_id)
    await scene.accept(offer)
    await scene.note(offer.part_id, offer.person_id, NoteKind.ACCOUNT, f"{grid} 的情况")
    return case_id


async def test_texts_and_places_stay_readable_throughout(
    service: Service, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = {await worked_on(scene, grid): f"{grid} 的情况" for grid in ("grid-a1", "grid-b1")}
    pressed = await Phone(service, A).post("/alarms", position=PLACE)
    alarm_id = UUID(pressed.json()["alarm_id"])
    new, old = Secret("key-new", b"n" * 32), service.settings.master_keys[0]
    both = Sealer([new, old])

    async def read(sealer: Sealer) -> None:
        async with scene.database.transaction() as tx:
            for case_id, text in cases.items():
                assert [one.text for one in (await words(tx, case_id, sealer)).values()] == [text]
            place = await alarms.place_of(tx, alarm_id, sealer)
            assert place is not None
            assert (round(place.lon, 4), round(place.lat, 4)) == (102.7654, 25.1235)

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
        await rotate_keys.rotate(scene.database, both)
    await read(both)
    monkeypatch.setattr(Sealer, "rewrap", real)
    assert await rotate_keys.rotate(scene.database, both) == 2
    assert await rotate_keys.rotate(scene.database, both) == 0
    await read(Sealer([new]))
    with pytest.raises(CannotUnsealError):
        await read(Sealer([old]))


async def test_whom_visits_and_mass_tasks_are_for_stays_readable(service: Service, scene: Scene) -> None:
    visit = await a_visit(service)
    task_id = UUID(await a_task(Desk(service), residents(2, ["grid-a1"])))
    stop_id = UUID(visit["stop_id"])
    new, old = Secret("key-new", b"n" * 32), service.settings.master_keys[0]

    async def read(sealer: Sealer) -> tuple[str, str | None, list[str]]:
        async with scene.database.transaction() as tx:
            details = await rounds.details_of(tx, [stop_id], sealer)
            key = await mass_tasks.key_of(tx, task_id, sealer)
            told = await mass_tasks.instructions(tx, task_id, key, sealer)
            assert key is not None
            sealed = await tx.rows("SELECT id, sealed_person FROM mass_task_people ORDER BY place")
            listed = [
                sealer.unseal(key, row["sealed_person"], mass_tasks.person_context(row["id"]))
                for row in sealed
            ]
            return details[stop_id]["name"], told, listed

    before = await read(Sealer([old]))
    assert (before[0], before[1], len(before[2])) == ("王小明（演示）", TASK["instructions"], 2)
    assert await rotate_keys.rotate(scene.database, Sealer([new, old])) == 2
    assert await read(Sealer([new])) == before
    with pytest.raises(CannotUnsealError):
        await read(Sealer([old]))


async def test_the_command_says_what_it_did(
    service: Service, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await worked_on(scene)
    file = tmp_path / "master.key"
    file.write_text(new_secret() + file.read_text())
    await rotate_keys.main(Settings.model_validate(service.settings.model_dump()))
    said = capsys.readouterr().out
    assert said.startswith("1 keys were put under key-")
    assert said.endswith("; dispatch needs no other line of the file any more.\n")
