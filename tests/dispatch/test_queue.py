"""One bad line never holds up what else a phone has queued: each is answered by itself."""

from __future__ import annotations

from typing import Any, get_args
from uuid import UUID

import asyncpg
import pytest

from services.dispatch.commands import COMMANDS, SYNC_COMMANDS_MAX, CommandType
from services.dispatch.handlers import work
from services.dispatch.handlers.sync import DEEDS
from shared.events.dispatch import ProgressNoted
from shared.ids import uuid7
from shared.service import Service
from tests.dispatch.phones import Phone, queued
from tests.dispatch.world import A, Scene

THE_CLOCK, THE_APP = "phone-clock-wrong", "unknown-command"


def test_every_command_has_its_shape_and_its_handler() -> None:
    assert set(DEEDS) == set(COMMANDS) == set(get_args(CommandType))


async def a_part(scene: Scene) -> tuple[UUID, UUID]:
    case = await scene.registered(category="road-damage")
    offer = await scene.offer(case)
    await scene.accept(offer)
    return case, offer.part_id


def a_note(part_id: UUID, text: str = "已处理", **more: Any) -> dict[str, Any]:
    return queued("note", 60, part_id, note="progress", text=text) | more


@pytest.mark.parametrize(
    ("bad", "status", "code"),
    [
        ({"at": "1970-01-01T00:00:03Z"}, 422, THE_CLOCK),
        ({"at": "2106-02-07T06:28:15Z"}, 422, THE_CLOCK),
        ({"at": "9999-12-31T23:59:59-23:59"}, 422, THE_CLOCK),
        ({"at": "2026-03-02T02:20:00"}, 422, THE_CLOCK),
        ({"at": None}, 422, THE_CLOCK),
        ({"type": "hover"}, 422, THE_APP),
        ({"type": None, "at": "yesterday"}, 422, THE_APP),
        ({"part_id": "x"}, 422, "invalid"),
        ({"part_id": None}, 422, "nothing-named"),
        ({"body": "text"}, 422, "invalid"),
        ({"body": {"note": "lyrics"}}, 422, "invalid"),
        ({"part_id": str(uuid7())}, 404, "not-found"),
    ],
)
async def test_a_bad_line_is_refused_alone(
    service: Service, scene: Scene, bad: dict[str, Any], status: int, code: str
) -> None:
    case, part = await a_part(scene)
    queue = [a_note(part), a_note(part) | bad, a_note(part)]
    answer = await Phone(service, A).post("/sync", commands=queue)
    assert answer.status_code == 200
    first, second, third = answer.json()["results"]
    assert [one["status"] for one in (first, second, third)] == ["done", "refused", "done"]
    assert (second["problem"]["status"], second["problem"]["code"]) == (status, code)
    for words in (second["problem"]["title"], second["problem"]["detail"]):
        assert " / " in words
    assert len(await scene.events(case, ProgressNoted)) == 2
    await scene.check_books(case)


async def test_a_fault_of_ours_fails_one_command_and_the_rest_is_done(
    service: Service, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, part = await a_part(scene)
    as_it_is = work.write_note

    async def breaks(*given: Any) -> Any:
        done = await as_it_is(*given)
        if given[2].text == "坏":
            raise RuntimeError("a fault that nobody foresaw")
        return done

    monkeypatch.setattr(work, "write_note", breaks)
    queue, phone = [a_note(part), a_note(part, "坏"), a_note(part)], Phone(service, A)
    results = (await phone.post("/sync", commands=queue)).json()["results"]
    assert [one["status"] for one in results] == ["done", "failed", "done"]
    assert results[1]["problem"]["reference"]
    assert results[1]["part_id"] == str(part)
    assert len(await scene.events(case, ProgressNoted)) == 2, "of the one that failed nothing stays"

    monkeypatch.setattr(work, "write_note", as_it_is)
    again = (await phone.post("/sync", commands=queue)).json()["results"]
    assert [one["status"] for one in again] == ["done"] * 3
    assert len(await scene.events(case, ProgressNoted)) == 3
    await scene.check_books(case)


async def test_while_the_database_is_away_nothing_is_answered_and_all_of_it_is_sent_again(
    service: Service, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, part = await a_part(scene)
    as_it_is = work.write_note

    async def away(*given: Any) -> Any:
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    queue, phone = [a_note(part), a_note(part)], Phone(service, A)
    monkeypatch.setattr(work, "write_note", away)
    busy = await phone.post("/sync", commands=queue)
    assert (busy.status_code, busy.json()["code"]) == (503, "busy")
    monkeypatch.setattr(work, "write_note", as_it_is)
    results = (await phone.post("/sync", commands=queue)).json()["results"]
    assert [one["status"] for one in results] == ["done", "done"]
    assert len(await scene.events(case, ProgressNoted)) == 2


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"commands": "many"},
        {"commands": [{"id": "x"}]},
        {"commands": [{"type": "contact"}]},
        {"commands": ["contact"]},
        {"commands": [{"id": str(uuid7())} for _ in range(SYNC_COMMANDS_MAX + 1)]},
    ],
)
async def test_only_the_envelope_may_refuse_all_of_it(service: Service, envelope: dict[str, Any]) -> None:
    assert (await Phone(service, A).post("/sync", headers=None, **envelope)).status_code == 422
