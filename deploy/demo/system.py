"""The system under the demo: the ordinary stack in simulation mode, on its own ports and data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from deploy.demo.clock import SimulatedClock
from deploy.local.names import SERVICES
from deploy.local.stack import Account, Stack

ROSTER_DAYS = 120


class SimulatedSystem(Stack):
    """Starts with the business clock standing at `begins_at`, before anybody is rostered."""

    def __init__(
        self, folder: Path, *, begins_at: datetime, resident_webhook_url: str, say: Callable[[str], None]
    ) -> None:
        super().__init__(
            folder,
            environment={"SIMULATION": "1", "RESIDENT_WEBHOOK_URL": resident_webhook_url},
            say=say,
        )
        self._begins_at = begins_at

    @property
    def database_urls(self) -> list[str]:
        return [self.database_url(service) for service in SERVICES]

    def seed(self) -> None:
        asyncio.run(self._stand())
        first: date = self._begins_at.date()
        module = ["services.registry.demo", "--all", "--from", first.isoformat(), "--days", str(ROSTER_DAYS)]
        said = self.run(module, self.environment_of("registry"), "seed")
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        self.accounts = [Account(**line) for line in lines]

    async def _stand(self) -> None:
        clock = SimulatedClock(self.database_urls)
        await clock.jump(self._begins_at)
        await clock.close()
