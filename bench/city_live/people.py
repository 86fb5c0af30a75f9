"""Those who go: the city's own people, who know of a case only what their feed says and act only through the API.

What they do and how long it takes is services/dispatch/city's World, asked in the same order as its own simulator asks
it; here every act is a request. `now` is business time in seconds from the start of the day.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bench.city_live.cast import Call
from bench.city_live.compare import Ask
from bench.city_live.live import Live
from deploy.demo.api import Refused
from deploy.demo.workers import a_photo
from services.dispatch.city import ground
from services.dispatch.city.run import ON_TIME_SECONDS
from services.dispatch.city.simulate import BUSY_WITH_OFFER_SECONDS
from services.dispatch.city.world import Doing, Trip
from shared.going import ReassignReason

STAYS_LONGER_SECONDS = 7200.0
ON_SITE = (
    {"note": "account", "text": "已到现场查看，情况属实。"},
    {"note": "measure", "text": "已设围挡并通知维修。", "measure": "cordon"},
)
BEFORE_THE_END_SECONDS = 0.001
"""Routine work is put down before the shift ends: the service would hand it over to somebody else."""


class Worker:
    """One person with a phone. `asked` are the offers open to them, by id; `call` and `part` are the emergency they
    are on, `way` the part whose way their phone tells of, `round_part` that of the routine work."""

    def __init__(self, live: Live, number: int) -> None:
        self.number = number
        self._live, self._world = live, live.world
        self.id = live.cast.person_id(number)
        self.api = live.api(self.id)
        self._asked: set[str] = set()
        self._call: int | None = None
        self._part: str | None = None
        self._way: str | None = None
        self._round_part: str | None = None
        self._load = 0
        self._sent: tuple[float, float, float] | None = None

    # ── the feed ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def follow_feed(self) -> None:
        """Read the feed for ever; deciding takes no time, doing goes on the agenda."""
        async for item in self.api.feed():
            self.hear(item)
            self._live.heard += 1

    def hear(self, item: dict[str, Any]) -> None:
        kind, offer_id = item.get("kind"), str(item.get("offer_id"))
        if kind == "offer_ended":
            self._asked.discard(offer_id)
        if kind == "reassigned" and item.get("handed_over") == ReassignReason.TAKEN_OVER:
            self._later(self._live.seconds, partial(self._turn_round, str(item["part_id"])))
        if kind != "offer":
            return
        case_id = str(item["case_id"])
        if case_id in self._live.cases:
            self._consider(self._live.cases[case_id], item)
        elif case_id in self._live.rounds:
            self._later(self._live.seconds, partial(self._take_up_round, item))
        else:
            self._live.early.setdefault(case_id, []).append(partial(self.hear, item))

    def _consider(self, call: Call, offer: dict[str, Any]) -> None:
        now, offer_id = self._live.seconds, str(offer["offer_id"])
        self._live.asked.setdefault(call.number, []).append(Ask(now, self.number))
        self._asked.add(offer_id)
        reply = self._world.reply(call.number, self.number, now, self._load)
        if reply.after >= self._live.cast.scenario.offer_seconds:
            return
        answer = self._accept if reply.accepted else self._decline
        self._later(now + reply.after, partial(answer, call, offer))

    # ── an emergency ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _decline(self, call: Call, offer: dict[str, Any], _now: float) -> None:
        if str(offer["offer_id"]) in self._asked:
            self._asked.discard(str(offer["offer_id"]))
            await self._ask("decline", f"offers/{offer['offer_id']}/decline", {"reason": "busy"})

    async def _accept(self, call: Call, offer: dict[str, Any], now: float) -> None:
        if str(offer["offer_id"]) not in self._asked:
            return
        if not self._world.may_set_out(self.number, now):
            await self._decline(call, offer, now)
            return
        self._asked.discard(str(offer["offer_id"]))
        body = {"position": self._place(now)}
        if not await self._ask("accept", f"offers/{offer['offer_id']}/accept", body):
            return
        self._load += 1
        self._live.swaps += self._call is not None
        self._call = call.number
        self._part = self._way = str(offer["part_id"])
        trip = self._world.set_out(call.number, self.number, now)
        await self._put_round_down()
        self._later(trip.arrives, partial(self._arrive, call, trip, self._part))
        if trip.pressed_early is not None:
            self._later(trip.pressed_early, partial(self._press_arrived, trip, self._part))

    def fix_until(self, until: float) -> tuple[float, float, float] | None:
        """What the phone sends last on the way by `until`, and when; None if that is nothing new."""
        fix = self._world.fix(self.number, until) if self._way is not None else None
        if fix is None or fix[2] <= self._live.seconds or fix == self._sent:
            return None
        return fix

    async def send_position(self, fix: tuple[float, float, float]) -> None:
        self._sent = fix
        await self._ask("position", f"parts/{self._way}/position", {"position": _degrees(*fix[:2])})

    async def _turn_round(self, part_id: str, now: float) -> None:
        """Somebody nearer goes in their place."""
        if self._part != part_id:
            return
        self._live.takeovers += 1
        self._world.turn_round(self.number, now)
        await self._is_idle(0.0, now)

    async def _press_arrived(self, trip: Trip, part_id: str, now: float) -> None:
        """Wrongly, and dispatch believes it."""
        if self._world.on_trip(self.number, trip.number):
            await self._say_arrived(part_id, now)

    async def _arrive(self, call: Call, trip: Trip, part_id: str, now: float) -> None:
        if not self._world.on_trip(self.number, trip.number):
            return
        self._live.arrived[call.number] = now
        ends = self._world.arrive(call.number, self.number, now)
        if trip.pressed_early is None:
            await self._say_arrived(part_id, now)
        photo = {"file": ("photo.jpg", a_photo(call.number * 1009 + self.number), "image/jpeg")}
        await self.api.post(f"/api/dispatch/parts/{part_id}/evidence", files=photo)
        for note in ON_SITE:
            await self._ask("note", f"parts/{part_id}/notes", note)
        self._later(ends, partial(self._handle, call, now, part_id))

    async def _say_arrived(self, part_id: str, now: float) -> None:
        self._way = None
        body = {"method": "position", "position": self._place(now)}
        await self._ask("arrive", f"parts/{part_id}/arrive", body)

    async def _handle(self, call: Call, arrived: float, part_id: str, now: float) -> None:
        late = {"late_cause": "distance"} if arrived - call.seconds > ON_TIME_SECONDS else {}
        await self._ask("handle", f"parts/{part_id}/handle", {"outcome": "solved", **late})
        await self._is_idle(self._world.finish(self.number), now)

    async def _is_idle(self, stays: float, now: float) -> None:
        """Where an emergency was, or on the way to one; after `stays` seconds they go back to their base."""
        self._call = self._part = self._way = self._sent = None
        if not self._world.at_work(self.number, now):
            self._world.end_shift(self.number)
            await self._live.duty(self.api, "off-duty", {})
            return
        self._when(now + stays, self._drift)

    # ── the rest of the day ───────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """The whole of the shift goes on the agenda, as in the city's own simulator."""
        roster = self._live.cast.roster
        starts, ends = float(roster.starts[self.number]), float(roster.ends[self.number])
        rest = float(roster.break_from[self.number])
        self._later(max(0.0, starts), self._on_duty)
        self._later(ends - BEFORE_THE_END_SECONDS, self._shift_ends)
        if 0.0 <= rest < np.inf:
            self._later(rest, self._break_begins)

    async def _on_duty(self, now: float) -> None:
        if self._world.begin_shift(self.number, now):
            await self._round_begins(now)
        else:
            self._plan_round(now)

    async def _shift_ends(self, now: float) -> None:
        """Whoever is on an emergency stays until it is done, and says so: else the service would look for another."""
        if self._world.doing[self.number] is Doing.EMERGENCY:
            await self._on_duty_until(now + STAYS_LONGER_SECONDS)
            return
        self._world.end_shift(self.number)
        await self._put_round_down()

    async def _drift(self, now: float) -> None:
        self._plan_round(self._world.drift(self.number, now))

    def _plan_round(self, at_base: float) -> None:
        begins = at_base + self._world.next_round(self.number)
        if begins < np.inf:
            self._when(begins, self._round_begins)

    async def _round_begins(self, now: float) -> None:
        if self._asked:
            self._when(now + BUSY_WITH_OFFER_SECONDS, self._round_begins)
            return
        there, ends = self._world.begin_round(self.number, now)
        self._when(there, self._visit)
        self._when(ends, self._round_ends)

    async def _visit(self, _now: float) -> None:
        await self._live.open_round(self.number)

    async def _take_up_round(self, offer: dict[str, Any], now: float) -> None:
        """At it from the same moment, so that dispatch knows them to be on routine work."""
        if self._world.doing[self.number] is not Doing.ROUND:
            return
        if not await self._ask("routine", f"offers/{offer['offer_id']}/accept", {}):
            return
        self._round_part = str(offer["part_id"])
        body = {"method": "position", "position": self._place(now)}
        await self._ask("routine", f"parts/{self._round_part}/arrive", body)

    async def _round_ends(self, now: float) -> None:
        self._world.end_round(self.number, now)
        await self._put_round_down()
        self._plan_round(now)

    async def _put_round_down(self) -> None:
        part, self._round_part = self._round_part, None
        if part is not None:
            await self._ask("routine", f"parts/{part}/handle", {"outcome": "solved"})

    async def _break_begins(self, now: float) -> None:
        """Later, if an emergency or an offer is in the way."""
        doing = self._world.doing[self.number]
        if not self._world.at_work(self.number, now) or doing is Doing.OFF:
            return
        if doing is Doing.EMERGENCY or self._asked:
            self._later(now + BUSY_WITH_OFFER_SECONDS, self._break_begins)
            return
        ends = self._world.begin_break(self.number, now)
        await self._put_round_down()
        await self._live.duty(self.api, "off-duty", {})
        self._when(ends, self._break_ends)

    async def _break_ends(self, now: float) -> None:
        self._world.end_break(self.number)
        await self._on_duty_until(float(self._live.cast.roster.ends[self.number]))
        self._plan_round(now)

    async def _on_duty_until(self, seconds: float) -> None:
        until = self._live.cast.moment(seconds)
        await self._live.duty(self.api, "on-duty", {"until": until.isoformat()})

    # ── hands ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _later(self, at: float, deed: Any) -> None:
        self._live.at(at, self.id, partial(deed, at))

    def _when(self, at: float, deed: Any) -> None:
        """Unless they begin something else before."""
        era = self._world.era[self.number]

        async def unless(now: float) -> None:
            if self._world.era[self.number] == era:
                await deed(now)

        self._later(at, unless)

    def _place(self, now: float) -> dict[str, float]:
        return _degrees(*self._world.position(self.number, now))

    async def _ask(self, what: str, path: str, body: dict[str, Any]) -> bool:
        answer = await self.api.post(f"/api/dispatch/{path}", body)
        if isinstance(answer, Refused):
            self._live.refused[f"{what}: {answer.kind}"] += 1
            return False
        return True


def _degrees(x: float, y: float) -> dict[str, float]:
    there = ground.places(np.array([x]), np.array([y]))
    return {"lon": float(there.lon[0]), "lat": float(there.lat[0])}
