"""The micro-batcher: registrations that arrive while one transaction runs are written together by the next.

An idle service writes each at once; a busy one writes up to `batch_max` with one COMMIT. A caller is answered after
the COMMIT of its own registration, whoever shared the batch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass

from asyncpg import IntegrityConstraintViolationError

from services.intake import metrics
from services.intake.handlers.registration import Became, Order, register_cases
from shared.database import Database
from shared.problems import busy
from shared.retry import is_transient

log = logging.getLogger(__name__)

NUMBERS_DRAWN_MAX = 5
TRANSIENT_TRIES_MAX = 3
TRANSIENT_WAIT_SECONDS = 0.1


@dataclass(frozen=True)
class Waiting:
    """An order, who waits for it, and the trace it came with."""

    order: Order
    answer: asyncio.Future[Became]
    trace: Context


class Registrar:
    """One per process: at most one batch is being written at a time."""

    def __init__(self, database: Database, *, batch_max: int, waiting_max: int) -> None:
        self._database = database
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def register(self, order: Order) -> Became:
        """Have the order written; returns after COMMIT. The case is made even if whoever asked is gone by then."""
        if len(self._waiting) >= self._waiting_max:
            raise busy()
        answer: asyncio.Future[Became] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(order, answer, copy_context()))
        metrics.REGISTRATIONS_WAITING.set(len(self._waiting))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="registrations", context=Context())
        return await answer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch = self._next_batch()
                metrics.REGISTRATIONS_WAITING.set(len(self._waiting))
                metrics.REGISTRATION_BATCH.observe(len(batch))
                await self._write(batch)
        finally:
            self._writing = None

    def _next_batch(self) -> list[Waiting]:
        """The oldest that wait, each key once: a repetition waits for the next batch and finds its answer there."""
        batch: dict[tuple[str, str], Waiting] = {}
        later: list[Waiting] = []
        for waiting in self._waiting:
            if waiting.order.id in batch or len(batch) >= self._batch_max:
                later.append(waiting)
            else:
                batch[waiting.order.id] = waiting
        self._waiting = later
        return list(batch.values())

    async def _write(self, batch: Sequence[Waiting]) -> None:
        try:
            outcomes = await self._commit([waiting.order for waiting in batch], _trace_of(batch))
        except Exception as wrong:
            # A bad row spoils the batch, and a connection lost in COMMIT leaves it unknown: the keys make both safe.
            log.warning("a batch of %d registrations failed: %s", len(batch), type(wrong).__name__)
            metrics.BATCHES_BROKEN.inc()
            await self._write_singly(batch)
            return
        for waiting in batch:
            _tell(waiting, outcomes[waiting.order.id])

    async def _write_singly(self, batch: Sequence[Waiting]) -> None:
        away: Exception | None = None
        for waiting in batch:
            if away is not None:
                _tell(waiting, away)
                continue
            try:
                _tell(waiting, await self._one(waiting))
            except Exception as wrong:
                _tell(waiting, wrong)
                away = wrong if is_transient(wrong) else None

    async def _one(self, waiting: Waiting) -> Became:
        """One order by itself; with another number if its own is taken, again if the database was away."""
        order, numbers, tries = waiting.order, 1, 1
        while True:
            try:
                return (await self._commit([order], waiting.trace))[order.id]
            except IntegrityConstraintViolationError as wrong:
                if "cases_number" not in str(wrong) or numbers >= NUMBERS_DRAWN_MAX:
                    raise
                numbers, order = numbers + 1, order.with_new_number()
            except Exception as wrong:
                if not is_transient(wrong) or tries >= TRANSIENT_TRIES_MAX:
                    raise
                await asyncio.sleep(TRANSIENT_WAIT_SECONDS * tries)
                tries += 1

    async def _commit(self, orders: Sequence[Order], trace: Context) -> Mapping[tuple[str, str], Became]:
        async def in_one_transaction() -> Mapping[tuple[str, str], Became]:
            async with self._database.transaction() as tx:
                return await register_cases(tx, orders)

        return await asyncio.create_task(in_one_transaction(), context=trace)


def _trace_of(batch: Sequence[Waiting]) -> Context:
    """A case written alone continues its caller's trace; a batch belongs to no single one."""
    return batch[0].trace if len(batch) == 1 else Context()


def _tell(waiting: Waiting, outcome: Became | Exception) -> None:
    if waiting.answer.done():  # whoever asked has gone
        return
    if isinstance(outcome, Exception):
        waiting.answer.set_exception(outcome)
    else:
        waiting.answer.set_result(outcome)
