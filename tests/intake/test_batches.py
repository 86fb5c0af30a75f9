"""The micro-batcher: one COMMIT for many, one case per key, whatever breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.commands.places import PlaceGiven
from services.intake.commands.registration import RegisterCase
from services.intake.handlers import registration
from services.intake.handlers.registration import Order, Taken, TakenBefore, draw_up
from services.intake.registration.batches import Registrar
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Database, Transaction
from shared.directory import Directory
from shared.event import SYSTEM
from shared.idempotency import RequestKey
from shared.sealing import Sealer
from shared.service import Service
from tests.intake.world import OPERATOR, a_call, count, headers

Draw = Callable[..., Order]


@pytest.fixture
def draw(service: Service, directory: Directory) -> Draw:
    def order(key: str, label: str = "", sha256: bytes = b"") -> Order:
        # Past pydantic's checks, so that a row can be one the database refuses.
        place = PlaceGiven.model_construct(lon=None, lat=None, label=label)
        command = RegisterCase.model_validate(a_call()).model_copy(update={"place": place})
        drawn = draw_up(command, SYSTEM, RequestKey("test", key, sha256), directory, service.sealer)
        assert isinstance(drawn, Order)
        return drawn

    return order


@pytest.fixture
def registrar(service: Service) -> Registrar:
    registrar: Registrar = service.app.state.registrar
    return registrar


async def test_the_same_key_twenty_times_at_once_is_one_case(
    client: httpx.AsyncClient, database: Database
) -> None:
    asking = headers(*OPERATOR) | {"Idempotency-Key": "call-1"}
    answers = await asyncio.gather(*(client.post("/cases", json=a_call(), headers=asking) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 19
    assert await count(database, "cases") == await count(database, "outbox") == 1


async def test_the_same_key_in_two_processes_is_one_case(
    service: Service, database: Database, draw: Draw
) -> None:
    other = Registrar(database, batch_max=200, waiting_max=100)
    registrar: Registrar = service.app.state.registrar
    orders = [draw(f"key-{number:02}") for number in range(50)]
    twice = await asyncio.gather(
        *(registrar.register(order) for order in orders),
        *(other.register(order) for order in reversed(orders)),
    )
    assert sum(isinstance(outcome, Taken) for outcome in twice) == 50
    assert sum(isinstance(outcome, TakenBefore) for outcome in twice) == 50
    assert await count(database, "cases") == 50


async def test_the_same_key_with_another_body_is_refused(
    client: httpx.AsyncClient, database: Database
) -> None:
    asking = headers(*OPERATOR) | {"Idempotency-Key": "call-1"}
    assert (await client.post("/cases", json=a_call(), headers=asking)).status_code == 201
    again = await client.post("/cases", json=a_call(description="另一件事"), headers=asking)
    assert (again.status_code, again.json()["code"]) == (422, "idempotency-key-reused")
    assert await count(database, "cases") == 1


async def test_a_key_belongs_to_who_sent_it(client: httpx.AsyncClient, database: Database) -> None:
    for number in (1, 2):
        person = (f"p-operator-{number}", *OPERATOR[1:])
        asking = headers(*person) | {"Idempotency-Key": "call-1"}
        assert (await client.post("/cases", json=a_call(), headers=asking)).status_code == 201
    assert await count(database, "cases") == 2


async def test_what_arrives_while_one_is_written_goes_into_the_next_batch(
    registrar: Registrar, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    commit = registrar._commit

    async def counted(orders: Any, trace: Any) -> Any:
        sizes.append(len(orders))
        return await commit(orders, trace)

    monkeypatch.setattr(registrar, "_commit", counted)
    registrar._batch_max = 20
    first = asyncio.create_task(registrar.register(draw("first")))
    while not sizes:
        await asyncio.sleep(0)
    await asyncio.gather(first, *(registrar.register(draw(f"key-{number}")) for number in range(30)))
    assert sizes == [1, 20, 10]


async def test_one_bad_row_leaves_the_others(registrar: Registrar, database: Database, draw: Draw) -> None:
    orders = [draw("first"), *(draw(f"key-{number}") for number in range(10)), draw("bad", label="a\x00b")]
    outcomes = await asyncio.gather(*map(registrar.register, orders), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[:-1]] == [Taken] * 11
    assert isinstance(outcomes[-1], Exception)
    assert await count(database, "cases") == 11


async def test_a_number_drawn_twice_is_drawn_again(
    registrar: Registrar, draw: Draw, database: Database
) -> None:
    one, other = draw("one"), draw("other")
    other = replace(other, event=other.event.model_copy(update={"number": one.event.number}))
    taken = [await registrar.register(order) for order in (one, other)]
    assert len({outcome.case.number for outcome in taken if isinstance(outcome, Taken)}) == 2


@pytest.mark.parametrize("after_commit", [False, True], ids=["before COMMIT", "after COMMIT"])
async def test_a_connection_killed_around_commit_loses_and_doubles_nothing(
    registrar: Registrar, database: Database, draw: Draw, monkeypatch: pytest.MonkeyPatch, after_commit: bool
) -> None:
    killed = False
    write = Transaction.write

    async def killing(tx: Transaction) -> None:
        nonlocal killed
        await write(tx)
        if not killed:
            killed = True
            if after_commit:
                await tx.rows("COMMIT")
            await _kill(tx, database)

    monkeypatch.setattr(Transaction, "write", killing)
    outcomes = await asyncio.gather(*(registrar.register(draw(f"key-{number}")) for number in range(5)))
    assert killed
    assert all(isinstance(outcome, Taken | TakenBefore) for outcome in outcomes)
    assert await count(database, "cases") == await count(database, "outbox") == 5


async def _kill(tx: Transaction, database: Database) -> None:
    [row] = await tx.rows("SELECT pg_backend_pid() AS pid")
    async with database.connection() as other:
        await other.execute(f"SELECT pg_terminate_backend({row['pid']}, 1000)")


async def test_the_answer_leaves_after_the_commit(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the 201 is there, another connection finds the case; and while COMMIT lasts there is no 201."""
    may_commit = asyncio.Event()
    reached = asyncio.Event()
    write = Transaction.write

    async def waiting(tx: Transaction) -> None:
        await write(tx)
        reached.set()
        await may_commit.wait()

    monkeypatch.setattr(Transaction, "write", waiting)
    asked = asyncio.create_task(client.post("/cases", json=a_call(), headers=headers(*OPERATOR)))
    await reached.wait()
    done, _ = await asyncio.wait([asked], timeout=0.2)
    assert not done
    may_commit.set()
    answer = await asked
    async with database.connection() as other:
        found = await other.fetchval("SELECT case_id FROM cases")
    assert found == UUID(answer.json()["case_id"])


async def test_a_refusal_of_the_database_reaches_the_caller_as_busy(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(tx: Transaction, orders: Any) -> Any:
        raise ConnectionRefusedError

    monkeypatch.setattr("services.intake.registration.batches.register_cases", away)
    answer = await client.post("/cases", json=a_call(), headers=headers(*OPERATOR))
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")


async def test_too_many_waiting_are_told_so(service: Service, draw: Draw) -> None:
    registrar = Registrar(service.database, batch_max=1, waiting_max=0)
    with pytest.raises(Exception, match="busy"):
        await registrar.register(draw("one"))


def test_another_body_under_the_key_is_a_mistake() -> None:
    key = RequestKey("test", "key", b"one")
    outcome = registration._outcome_of(key, {("test", "key"): (b"other", UUID(int=1))})
    assert outcome == Refused(RefusedBecause.KEY_REUSED)


def test_sealing_is_bound_to_the_case(service: Service, draw: Draw) -> None:
    sealer: Sealer = service.sealer
    one, other = draw("one").requester, draw("other").requester
    assert one.phone_index == other.phone_index
    assert one.phone_sealed != other.phone_sealed
    assert sealer.unwrap(one.wrapped_key) != sealer.unwrap(other.wrapped_key)
