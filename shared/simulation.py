"""What the simulation's driver asks a service: is anything in flight, and when is something due next?

The driver lets the clock jump only when every service was idle twice with the same `moves`: then nothing moved
between the two questions either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter
from pydantic import BaseModel

from shared.clock import CLOCK_CHANNEL
from shared.database import Database, Transaction
from shared.health import Beat

if TYPE_CHECKING:
    from shared.service import Service


@dataclass(frozen=True)
class Pending:
    """What one loop still has to do now, and when (business time) it will have something to do again."""

    in_flight: int = 0
    next_due_at: datetime | None = None


AskPending = Callable[[Transaction], Awaitable[Pending]]


class InFlight(BaseModel):
    """`idle` is true when nothing is to do here; `moves` grows with everything done. `heard` is how many records of
    `yike.cases` were passed, None where nobody listens: who asks compares it with the end of the topic, because the
    listening connection would keep that question waiting behind its own fetch."""

    service: str
    now: datetime
    idle: bool
    moves: int
    requests: int
    outbox: int
    heard: int | None
    timers_due: int
    dead_letters: int
    directory_revision: int
    loops: dict[str, int]
    next_due_at: datetime | None


# What is read first is what feeds the next: a request that ends meanwhile is seen in the outbox or in `moves`.
READ = """
    SELECT business_now() AS now,
           (SELECT count(*) FROM outbox) AS outbox,
           (SELECT count(*) FROM timers WHERE due_at <= business_now()) AS timers_due,
           (SELECT min(due_at) FROM timers WHERE due_at > business_now()) AS next_due_at,
           (SELECT count(*) FROM dead_letters) AS dead_letters
"""

HEARD = "SELECT coalesce(sum(next_offset), 0) AS records FROM positions"


async def in_flight(service: Service) -> InFlight:
    requests, moves = service.requests_in_progress, service.requests_done + service.plumbing.events_moved
    async with service.database.transaction() as tx:
        row = (await tx.rows(READ))[0]
        pending = {loop.name: await loop.pending(tx) for loop in service.loops if loop.pending is not None}
        heard = await tx.rows(HEARD)
    inbox = service.plumbing.inbox
    loops = {name: waiting.in_flight for name, waiting in pending.items()}
    due = [row["next_due_at"], *(waiting.next_due_at for waiting in pending.values())]
    return InFlight(
        service=service.name,
        now=row["now"],
        idle=not (requests or row["outbox"] or row["timers_due"] or any(loops.values())),
        moves=moves,
        requests=requests,
        outbox=row["outbox"],
        heard=int(heard[0]["records"]) if inbox is not None else None,
        timers_due=row["timers_due"],
        dead_letters=row["dead_letters"],
        directory_revision=service.directory.revision,
        loops=loops,
        next_due_at=min((at for at in due if at is not None), default=None),
    )


async def follow_clock(database: Database, beat: Beat) -> None:
    """Wake every loop when the driver moved the clock; nobody sleeps through a jump."""

    def wake(*_: object) -> None:
        database.committed.set()
        database.due_soon.set()

    connection = await database.connect()
    try:
        await connection.add_listener(CLOCK_CHANNEL, wake)
        while True:
            await connection.execute("SELECT 1")
            beat()
            await asyncio.sleep(1)
    finally:
        connection.terminate()


def add_to(router: APIRouter, service: Service) -> None:
    """The question, on the service's own port; Caddy does not pass it on."""

    @router.get("/simulation/idle", include_in_schema=False)
    async def idle() -> InFlight:
        return await in_flight(service)
