"""Trying again: how long to wait, and what is worth it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.health import Beat

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
# SQLSTATE classes: 08 connection, 40 rolled back, 53 out of resources, 55 not ready, 57 operator or crash, 58 system.
TRANSIENT_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})


def pause_seconds(attempt: int) -> float:
    """Doubles from 0.1 s to 5 s, with up to half of it random, so that replicas do not come back all at once."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, 16))
    return longest * random.uniform(0.5, 1.0)


def is_transient(wrong: BaseException) -> bool:
    """Whether the surroundings are at fault (database or network away), not the work itself."""
    match wrong:
        case DBAPIError():
            sqlstate = getattr(wrong.orig, "sqlstate", None) or ""
            return wrong.connection_invalidated or sqlstate[:2] in TRANSIENT_CLASSES or not sqlstate
        case PoolTimeoutError() | OSError() | TimeoutError():
            return True
    return False


async def forever(turn: Callable[[], Awaitable[None]], beat: Beat) -> None:
    """Take one turn after the other. Transient failures are waited out, with the loop seen alive but not ready;
    anything else ends the loop, and with it the process."""
    attempt = 0
    while True:
        try:
            await turn()
        except Exception as wrong:
            if not is_transient(wrong):
                raise
            beat(good=False)
            log.warning("%s: waiting for the surroundings (%s)", beat.name, wrong.__class__.__name__)
            await asyncio.sleep(pause_seconds(attempt))
            attempt += 1
        else:
            beat()
            attempt = 0
