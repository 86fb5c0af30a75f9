"""Those who go and those who hold: bots that know only their feed and the worker API.

A worker accepts, declines or lets an offer lapse, travels, proves arrival, photographs, writes, takes a measure and
handles; sometimes without signal, through the phone's queue, and sometimes without being able to solve it. Officers
hold a case at their level, and cannot always solve it either.
"""

from __future__ import annotations

import asyncio
import io
import random
from typing import Any

from PIL import Image

from deploy.demo.api import Api, Refused
from deploy.demo.city import City, Known, trip_seconds
from shared.ids import uuid7

MINUTE = 60.0
HOUR = 3600.0
TRIES_MAX = 60
LATE_CAUSES = ("traffic", "distance", "another_case", "offered_late")


class Worker:
    """One person with a phone. `base` and the place of the last case are where trips start."""

    def __init__(self, city: City, person: dict[str, Any], account: str) -> None:
        self.id = person["id"]
        self._city = city
        self._api: Api = city.api(account)
        self._mode = person["mode"]
        base = person.get("base") or {"lon": city.area[0], "lat": city.area[1]}
        self._at = (base["lon"], base["lat"])
        self._offers: dict[str, int] = {}

    async def sign_in(self) -> None:
        await self._api.sign_in()

    async def follow_feed(self) -> None:
        """Read the feed for ever; deciding takes no time, doing goes on the agenda."""
        async for item in self._api.feed():
            self.hear(item)
            self._city.heard += 1

    def hear(self, item: dict[str, Any]) -> None:
        case = self._city.cases.get(item.get("case_id", ""))
        if item.get("kind") != "offer" or case is None:
            return
        turn = self._offers.get(case.case_id, 0)
        self._offers[case.case_id] = turn + 1
        draw = self._city.draw(self.id, case.call.index, turn)
        Trip(self, self._city, self._api, case, item, draw).consider()

    @property
    def mode(self) -> str:
        return str(self._mode)

    @property
    def at(self) -> tuple[float, float]:
        return self._at

    def move(self, place: tuple[float, float]) -> None:
        self._at = place


class Trip:
    """One offer and what comes of it."""

    def __init__(
        self, worker: Worker, city: City, api: Api, case: Known, offer: dict[str, Any], draw: random.Random
    ) -> None:
        self.worker, self.city, self.api, self.case, self.draw = worker, city, api, case, draw
        self.offer_id, self.part_id = offer["offer_id"], offer["part_id"]
        self.goes = offer.get("goes", True)
        self.place = (case.lon, case.lat)
        self.offline: list[dict[str, Any]] | None = None
        self.late = False
        self.tries = 0

    # ── deciding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def consider(self) -> None:
        habits, draw = self.city.habits, self.draw
        asleep = habits.lapses_at_night if self.city.is_night() else habits.lapses
        chance = draw.random()
        if self.goes and chance < habits.declines:
            self.then(draw.uniform(3, 30), self.decline)
        elif self.goes and chance < habits.declines + asleep:
            self.city.done["ignored"] += 1
        else:
            self.then(draw.uniform(4, 45), self.accept)

    def then(self, seconds: float, deed: Any) -> None:
        self.city.later(seconds, self.worker.id, deed)

    async def decline(self) -> None:
        reason = self.draw.choice(["busy", "too_far", "unfit"])
        await self.ask("decline", f"/api/dispatch/offers/{self.offer_id}/decline", {"reason": reason})

    async def accept(self) -> None:
        lon, lat = self.worker.at
        body = {"position": {"lon": lon, "lat": lat}} if self.goes else {}
        if await self.ask("accept", f"/api/dispatch/offers/{self.offer_id}/accept", body) is None:
            return
        if self.goes:
            self.then(trip_seconds(self.worker.at, self.place, self.worker.mode, self.draw), self.arrive)
        elif self.draw.random() < self.city.habits.officer_cannot_solve and await self.can_be_raised():
            self.leave_unsolved()
        else:
            self.then(self.draw.uniform(20 * MINUTE, 2 * HOUR), self.handle)

    async def can_be_raised(self) -> bool:
        held = await self.api.get(f"/api/escalation/cases/{self.case.case_id}")
        return not isinstance(held, Refused) and held["level"] != "civil_affairs"

    # ── at the place ──────────────────────────────────────────────────────────────────────────────────────────────

    async def arrive(self) -> None:
        self.worker.move(self.place)
        if self.draw.random() < self.city.habits.loses_signal:
            self.offline = []
            self.city.done["lost signal"] += 1
        lon, lat = (axis + self.draw.uniform(-2e-4, 2e-4) for axis in self.place)
        position = {"lon": round(lon, 6), "lat": round(lat, 6), "accuracy_m": 15}
        if await self.do("arrive", {"method": "position", "position": position}) is None:
            return
        self.late = (self.city.now - self.case.call.at).total_seconds() > 15 * MINUTE
        self.then(self.draw.uniform(1 * MINUTE, 4 * MINUTE), self.photograph)

    async def photograph(self) -> None:
        if self.offline is None:
            await self.upload()
        await self.do("note", {"note": "account", "text": "已到现场查看，情况属实。"})
        self.then(self.draw.uniform(3 * MINUTE, 20 * MINUTE), self.take_measure)

    async def upload(self) -> None:
        photo = await asyncio.to_thread(a_photo, self.draw.randrange(1 << 24))
        sent = await self.api.post(
            f"/api/dispatch/parts/{self.part_id}/evidence", files={"file": ("photo.jpg", photo, "image/jpeg")}
        )
        self.city.done["evidence"] += not isinstance(sent, Refused)

    async def take_measure(self) -> None:
        await self.do("note", {"note": "measure", "text": "已设围挡并通知维修。", "measure": "cordon"})
        if self.offline is not None:
            self.then(self.draw.uniform(5 * MINUTE, 40 * MINUTE), self.find_signal)
        if self.draw.random() < self.city.habits.cannot_solve:
            self.leave_unsolved()
        else:
            self.then(self.draw.uniform(10 * MINUTE, 90 * MINUTE), self.handle)

    async def find_signal(self) -> None:
        """Photos first, then the queue in the order it was filled."""
        queue, self.offline = self.offline or [], None
        arrived = [command for command in queue if command["type"] == "arrive"]
        others = [command for command in queue if command["type"] != "arrive"]
        for commands in (arrived, others):
            if commands is others:
                await self.upload()
            if commands:
                await self.ask("sync", "/api/dispatch/sync", {"commands": commands})

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def leave_unsolved(self) -> None:
        if self.draw.random() < self.city.habits.raises_by_hand:
            self.then(self.draw.uniform(10 * MINUTE, 60 * MINUTE), self.raise_by_hand)
        else:
            self.city.done["left to the clock"] += 1

    async def raise_by_hand(self) -> None:
        path = f"/api/escalation/cases/{self.case.case_id}/escalate"
        await self.ask("raise", path, {"reason": "needs_another_department"})

    async def handle(self) -> None:
        """Say it is done. What is not possible yet (a must is missing, the signal is gone) is tried again later."""
        if self.offline is not None:
            self.then(20 * MINUTE, self.handle)
            return
        body: dict[str, Any] = {"outcome": "solved", "text": "已处置完毕，现场恢复正常。"}
        if self.late:
            body["late_cause"] = self.draw.choice(LATE_CAUSES)
        answer = await self.api.post(f"/api/dispatch/parts/{self.part_id}/handle", body)
        if not isinstance(answer, Refused):
            self.city.done["handle"] += 1
            return
        self.city.refused[f"handle: {answer.kind}"] += 1
        self.late = self.late or answer.kind == "late-cause-needed"
        self.tries += 1
        waiting = {"musts-missing": 15 * MINUTE, "late-cause-needed": MINUTE}
        if answer.kind in waiting and self.tries < TRIES_MAX:
            self.then(waiting[answer.kind], self.handle)

    # ── the phone ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def do(self, command: str, body: dict[str, Any]) -> Any | None:
        """Now, or into the phone's queue while there is no signal."""
        if self.offline is None:
            path = {"arrive": "arrive", "note": "notes"}[command]
            return await self.ask(command, f"/api/dispatch/parts/{self.part_id}/{path}", body)
        queued = {
            "id": str(uuid7()),
            "type": command,
            "at": self.city.now.isoformat(),
            "part_id": self.part_id,
        }
        self.offline.append(queued | {"body": body})
        return queued

    async def ask(self, what: str, path: str, body: dict[str, Any]) -> Any | None:
        answer = await self.api.post(path, body)
        if isinstance(answer, Refused):
            self.city.refused[f"{what}: {answer.kind}"] += 1
            return None
        self.city.done[what] += 1
        return answer if answer is not None else {}


def a_photo(colour: int) -> bytes:
    """A small JPEG that no other trip has."""
    picture = Image.new("RGB", (64, 48), ((colour >> 16) & 255, (colour >> 8) & 255, colour & 255))
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()
