"""Trying again: what is worth it, how long to wait, and how a loop outlives its surroundings."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

import asyncpg

from shared.health import Beat

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

# SQLSTATE classes: 08 connection, 53 out of resources, 57 operator or crash, 58 system.
TRANSIENT_CLASSES = ("08", "53", "57", "58")
# Serialization, deadlock, lock timeout, and a server that has become a standby.
TRANSIENT_STATES = frozenset({"40001", "40P01", "55P03", "25006"})
# These too are OSErrors, but the same try will fail for ever.
LASTING = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)


def is_transient(error: BaseException) -> bool:
    """Whether the surroundings are at fault (database, broker or network away), not the work itself."""
    match error:
        case BaseExceptionGroup():
            return all(is_transient(inner) for inner in error.exceptions)
        case asyncpg.InterfaceError():
            # The connection went away; its other complaints are about our own calls.
            return "closed" in str(error)
        case asyncpg.InternalClientError():
            # A server killed in the middle of a query leaves the driver's protocol between two states: seen as
            # "cannot switch to state 15; another operation (2) is in progress".
            return True
        case OSError():
            return not isinstance(error, LASTING)
    state = str(getattr(error, "sqlstate", None) or "")
    return state.startswith(TRANSIENT_CLASSES) or state in TRANSIENT_STATES


def backoff_seconds(failures: int) -> float:
    """What to wait after so many failures in a row: doubles from 0.1 s to 5 s, with up to half of it random, so that
    replicas do not come back all at once."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(max(failures, 1) - 1, 16))
    return longest * random.uniform(0.5, 1.0)


async def outlive(work: Callable[[], Awaitable[None]], beat: Beat) -> None:
    """Run `work` until it returns. After a transient failure it is begun again, the loop being alive but not ready
    meanwhile; any other exception passes, and ends the process."""
    failures = 0
    while True:
        turns = beat.turns
        try:
            return await work()
        except Exception as wrong:
            if not is_transient(wrong):
                raise
            failures = 1 if beat.turns > turns else failures + 1
            beat(good=False)
            said = next(iter(str(wrong).splitlines()), "")
            log.warning("%s waits for its surroundings: %s: %s", beat.name, type(wrong).__name__, said)
            await _rest(backoff_seconds(failures), beat)


async def forever(turn: Callable[[], Awaitable[None]], beat: Beat) -> None:
    """Take one turn after the other, with a beat after each. Transient failures are outlived here, so that the loop
    keeps what it holds between turns; a loop that has to begin anew after one leaves that to whoever runs it."""

    async def turns() -> None:
        while True:
            await turn()
            beat()

    await outlive(turns, beat)


async def _rest(seconds: float, beat: Beat) -> None:
    await asyncio.sleep(seconds)
    beat(good=False)
