"""Passwords: argon2 in threads of their own, because one check takes 64 MiB and longer than a loop may stand still."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.registry import metrics
from shared.problems import busy

T = TypeVar("T")

HASHER = PasswordHasher()

DEMO_HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Anybody can compute a demo password, so a slow hash would guard nothing and make the first start slow."""


class Passwords:
    """Hashes and checks, with a bound on how many run at once and how many may wait for their turn."""

    def __init__(self, at_once: int, waiting_max: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
        self._room = at_once + waiting_max
        _nobody()  # made now, so that the first unknown account does not take twice as long

    async def hash(self, password: str) -> str:
        return await self._in_turn(lambda: HASHER.hash(password))

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether the password fits; an account that does not exist (`None`) takes as long as a wrong password."""
        return await self._in_turn(lambda: _fits(stored or _nobody(), password)) and stored is not None

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._room <= 0:
            metrics.SIGN_INS.labels(outcome="busy").inc()
            raise busy()
        self._room -= 1
        try:
            with metrics.HASH_SECONDS.time():
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._room += 1


@cache
def _nobody() -> str:
    """A hash no password fits, of the same cost as a real one."""
    return HASHER.hash(secrets.token_urlsafe())


def _fits(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
