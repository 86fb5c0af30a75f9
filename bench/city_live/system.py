"""The ordinary system in simulation mode, with the city's units, people and shifts in place of the demo's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from deploy.demo.clock import SimulatedClock
from deploy.local.names import SERVICES
from deploy.local.stack import Account, Stack


class CitySystem(Stack):
    """Starts with the business clock standing at `begins_at`. `seed_words` tell bench.city_live.seed which city."""

    def __init__(
        self,
        folder: Path,
        *,
        begins_at: datetime,
        seed_words: tuple[str, ...],
        environment: dict[str, str],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(folder, environment={"SIMULATION": "1", **environment}, full_speed=True, say=say)
        self._begins_at = begins_at
        self._seed_words = seed_words

    @property
    def database_urls(self) -> list[str]:
        return [self.database_url(service) for service in SERVICES]

    def seed(self) -> None:
        asyncio.run(self._stand())
        said = self.run(["bench.city_live.seed", *self._seed_words], self.environment_of("registry"), "seed")
        self.accounts = [Account(**json.loads(line)) for line in said.splitlines() if line.startswith("{")]
        self.seeded.touch()

    async def _stand(self) -> None:
        clock = SimulatedClock(self.database_urls)
        await clock.jump(self._begins_at)
        await clock.close()
