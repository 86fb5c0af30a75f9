"""What everybody in the live city shares: the clock, the agenda, the truth, and what came of each call."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import inf
from typing import Any

import httpx

from bench.city_live.cast import Call, Cast
from bench.city_live.compare import Ask, Fate, Played
from bench.city_live.ground import OPERATOR
from bench.city_live.system import CitySystem
from deploy.demo.agenda import Agenda, Deed
from deploy.demo.api import Api, Refused
from deploy.demo.clock import SimulatedClock
from deploy.local.names import SERVICES
from services.dispatch.city.world import World

ROUTINE_CATEGORY = "small-ads"
HEARD_WITHIN_SECONDS = 30.0


class Lost(Exception):
    """The live city cannot go on; the message says at what."""


@dataclass
class Live:
    """`arrived`: when somebody truly came; `rounds`: whose routine work a case is; `early`: what was heard of a case
    before its registration was answered."""

    cast: Cast
    world: World
    client: httpx.AsyncClient
    system: CitySystem
    clock: SimulatedClock
    agenda: Agenda = field(default_factory=Agenda)
    passwords: dict[str, str] = field(default_factory=dict)
    cases: dict[str, Call] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    asked: dict[int, list[Ask]] = field(default_factory=dict)
    arrived: dict[int, float] = field(default_factory=dict)
    early: dict[str, list[Callable[[], None]]] = field(default_factory=dict)
    swaps: int = 0
    takeovers: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    heard: int = 0

    @property
    def now(self) -> datetime:
        return self.clock.now

    @property
    def seconds(self) -> float:
        """Since the day began."""
        return (self.now - self.cast.begins_at).total_seconds()

    @property
    def everybody_was_reached(self) -> bool:
        return len(self.arrived) == len(self.cast.demand)

    def api(self, person_id: str) -> Api:
        account = person_id.removeprefix("p-")
        return Api(self.client, account, self.passwords[account])

    def at(self, seconds: float, who: str, deed: Deed) -> None:
        self.agenda.add(max(self.now, self.cast.moment(seconds)), who, deed)

    def played(self) -> Played:
        fates = (
            Fate(at, self.arrived.get(number, inf), tuple(self.asked.get(number, ())))
            for number, at in enumerate(self.cast.demand.registered.tolist())
        )
        return Played(tuple(fates), self.swaps, self.takeovers)

    # ── the hotline's desk ────────────────────────────────────────────────────────────────────────────────────────

    async def register(self, call: Call) -> None:
        place = {"lon": call.lon, "lat": call.lat, "label": f"模拟路{call.number + 1}号"}
        answer = await self._registered(call.category, place, None, call.number)
        self.cases[answer] = call
        self._catch_up(answer)

    async def open_round(self, person: int) -> None:
        """A routine case that only this person can be offered: what they walk their round for."""
        place = {"label": f"{self.cast.person_id(person)} 的日常巡查"}
        answer = await self._registered(
            ROUTINE_CATEGORY, place, self.cast.room_id(person), 10_000_000 + person
        )
        self.rounds[answer] = person
        self._catch_up(answer)

    def _catch_up(self, case_id: str) -> None:
        """An offer may reach its reader before the desk has its answer."""
        for hear in self.early.pop(case_id, ()):
            hear()

    async def _registered(self, category: str, place: dict[str, Any], grid_id: str | None, line: int) -> str:
        body = {
            "channel": "hotline",
            "category_code": category,
            "description": "来电反映，请尽快派人查看。",
            "place": place,
            "requester": {"name": "模拟", "phone": f"1{line:010d}"},
            **({"grid_id": grid_id} if grid_id else {}),
        }
        answer = await self.desk.post("/api/intake/cases", body)
        if isinstance(answer, Refused):
            raise Lost(f"a call was refused: {answer.problem}")
        return str(answer["case_id"])

    @cached_property
    def desk(self) -> Api:
        return self.api(OPERATOR)

    # ── the registry ──────────────────────────────────────────────────────────────────────────────────────────────

    async def duty(self, api: Api, which: str, body: dict[str, Any]) -> None:
        """Go on or off duty, and wait until every service has heard of it: the registry's topic has no end that
        settling asks for."""
        answer = await api.post(f"/api/registry/me/{which}", body)
        if isinstance(answer, Refused):
            self.refused[f"{which}: {answer.kind}"] += 1
            return
        told = await asyncio.to_thread(self.system.registry_revision)
        async with asyncio.timeout(HEARD_WITHIN_SECONDS):
            while not await self._all_heard(told):
                await asyncio.sleep(0.02)

    async def _all_heard(self, revision: int) -> bool:
        answers = await asyncio.gather(
            *(self.client.get(self.system.service_url(name) + "/simulation/idle") for name in SERVICES)
        )
        return all(answer.json()["directory_revision"] >= revision for answer in answers)
