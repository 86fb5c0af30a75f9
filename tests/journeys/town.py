"""The whole system with the clock in our hand, in the words of the field.

Nothing here looks inside: people act through the public API of their service, what they are told they read from
their feed or their text messages, and what happened is read from insight. The clock stands while anything is in
flight and then jumps to the next thing that is due.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from PIL import Image
from shapely.geometry import Polygon

from deploy.demo.agenda import Agenda
from deploy.demo.api import Api, Refused
from deploy.demo.city import ZONE, City
from deploy.demo.clock import SimulatedClock
from deploy.demo.settle import Settling
from deploy.local.stack import Stack
from shared.ids import uuid7

SATISFIED = {"contacted": True, "solved": True, "satisfaction": "satisfied"}
NOT_SOLVED = {"contacted": True, "solved": False, "satisfaction": "dissatisfied"}


@dataclass(frozen=True)
class Case:
    id: str
    number: str
    pickup_code: str
    phone: str
    registered_at: datetime


class Somebody:
    """One person at work."""

    def __init__(self, town: Town, account: str, api: Api) -> None:
        self.id, self.town, self.api = f"p-{account}", town, api

    async def on_hand(self, case: Case) -> dict[str, Any]:
        """This person's live offer and part of the case: {"offer": …, "part": …}, without what there is not."""
        mine = await self.api.get("/api/dispatch/me")
        offers = [one["offer"] for one in mine["offers"] if one["case"]["case_id"] == case.id]
        parts = [part for part in mine["parts"] if part["case"]["case_id"] == case.id]
        return {"offer": next(iter(offers), None), "part": next(iter(parts), None)}

    async def accept(self, case: Case) -> Any:
        offer = (await self.on_hand(case))["offer"]
        assert offer is not None, f"{self.id} has no offer of {case.number}"
        return await self.act(f"/api/dispatch/offers/{offer['offer_id']}/accept")

    async def decline(self, case: Case, reason: str = "busy") -> Any:
        offer = (await self.on_hand(case))["offer"]
        return await self.act(f"/api/dispatch/offers/{offer['offer_id']}/decline", {"reason": reason})

    async def arrive(self, case: Case) -> Any:
        return await self.on_part(case, "arrive", {"method": "self_declared", "reason": "定位不可用"})

    async def photograph(self, case: Case, part: str | None = None) -> Any:
        part = part or await self.part(case)
        files = {"file": ("photo.jpg", a_photo(case.number), "image/jpeg")}
        return await self.api.post(f"/api/dispatch/parts/{part}/evidence", files=files)

    async def write_account(self, case: Case) -> Any:
        return await self.on_part(case, "notes", {"note": "account", "text": "井盖不见了，已围挡。"})

    async def take_measure(self, case: Case) -> Any:
        return await self.on_part(
            case, "notes", {"note": "measure", "text": "换上新井盖。", "measure": "replace"}
        )

    async def handle(self, case: Case, **more: Any) -> Any:
        return await self.on_part(case, "handle", {"outcome": "solved", **more})

    async def do_the_musts(self, case: Case) -> None:
        """Photograph, account and measure, after the arrival."""
        for step in (self.photograph, self.write_account, self.take_measure):
            done = await step(case)
            assert not isinstance(done, Refused), done

    async def raise_by_hand(self, case: Case) -> Any:
        return await self.act(f"/api/escalation/cases/{case.id}/escalate", {"reason": "beyond_our_powers"})

    async def return_(self, case: Case, to: str) -> Any:
        """Not theirs, by the duty list."""
        body = {"basis": "duty_list", "rightful_unit_id": to, "text": "不属于社区职责，应由主管部门处理。"}
        return await self.on_part(case, "return", body)

    async def sync(self, *commands: dict[str, Any]) -> list[dict[str, Any]]:
        """The phone finds its signal and sends its queue; each command a result."""
        results = await self.queued(*commands)
        await self.town.settle()
        return results

    async def queued(self, *commands: dict[str, Any]) -> list[dict[str, Any]]:
        """The same, without waiting for anybody to hear of it."""
        queue = [{"id": str(uuid7()), **command} for command in commands]
        answer = await self.api.post("/api/dispatch/sync", {"commands": queue})
        assert not isinstance(answer, Refused), answer
        return list(answer["results"])

    async def part(self, case: Case) -> str:
        part = (await self.on_hand(case))["part"]
        assert part is not None, f"{self.id} holds no part of {case.number}"
        return str(part["part_id"])

    async def on_part(self, case: Case, verb: str, body: dict[str, Any]) -> Any:
        return await self.act(f"/api/dispatch/parts/{await self.part(case)}/{verb}", body)

    async def act(self, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = await self.api.post(path, body)
        await self.town.settle()
        return answer

    async def told(self, case: Case) -> list[str]:
        """The kinds of notice this person got about the case, oldest first."""
        return [item["kind"] for item in await self.notices(case)]

    async def notices(self, case: Case) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = 0
        while True:
            page = await self.api.get("/api/notify/feed/items", after=after, limit=200)
            found += [item for item in page["items"] if item.get("case_id") == case.id]
            if page["next"] is None:
                return found
            after = page["next"]


class Town:
    """`messages` is what residents' phones received, in order."""

    def __init__(
        self, system: Stack, clock: SimulatedClock, client: httpx.AsyncClient, messages: list[Any]
    ) -> None:
        self.system, self.clock, self.messages = system, clock, messages
        passwords = {account.account: account.password for account in system.accounts}
        self._city = City(client, clock, Agenda(), 0, (0, 0, 0, 0), passwords=passwords)
        self._settling = Settling(system, self._city, [])
        self._people: dict[str, Somebody] = {}
        self._places: dict[str, tuple[float, float]] = {}
        self._public = Api(client)

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def now(self) -> datetime:
        return self.clock.now

    async def settle(self) -> None:
        await self._settling.rest()

    async def until(self, moment: datetime) -> None:
        """Let everything happen that is due by then, each thing at its own time."""
        while True:
            due = (await self._settling.rest()).next_due_at
            if due is None or due > moment:
                break
            await self.clock.jump(max(due, self.now))
        if moment > self.now:
            await self.clock.jump(moment)
        await self.settle()

    async def pass_(self, **time: float) -> None:
        await self.until(self.now + timedelta(**time))

    async def wait_for(self, clock: str) -> None:
        """The next time the wall clock says so, e.g. "02:10"."""
        local = self.now.astimezone(ZONE)
        hour, minute = map(int, clock.split(":"))
        moment = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        await self.until(moment if moment > local else moment + timedelta(days=1))

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def somebody(self, account: str) -> Somebody:
        if account not in self._people:
            self._people[account] = Somebody(self, account, self._city.api(account))
            await self._people[account].api.sign_in()
        return self._people[account]

    async def call(self, category: str, grid: str, phone: str) -> Case:
        """A resident rings the hotline; the operator registers it and reads out the number."""
        case = await self.register(category, grid, phone)
        await self.settle()
        return case

    async def register(self, category: str, grid: str, phone: str) -> Case:
        """The same, without waiting for anybody to hear of it."""
        operator = await self.somebody("operator-1")
        lon, lat = await self._within(grid)
        answer = await operator.api.post(
            "/api/intake/cases",
            {
                "channel": "hotline",
                "category_code": category,
                "description": "请快来人看看。",
                "place": {"lon": lon, "lat": lat, "label": "小区西门口"},
                "requester": {"name": "演示", "phone": phone},
            },
        )
        assert not isinstance(answer, Refused), answer
        assert answer["grid_id"] == grid
        at = datetime.fromisoformat(answer["registered_at"])
        return Case(answer["case_id"], answer["number"], answer["pickup_code"], phone, at)

    async def _within(self, grid: str) -> tuple[float, float]:
        if grid not in self._places:
            administrator = await self.somebody("administrator-1")
            unit = await administrator.api.get(f"/api/registry/units/{grid}")
            corners = [(corner["lon"], corner["lat"]) for corner in unit["polygon"]]
            point = Polygon(corners).representative_point()
            self._places[grid] = (round(point.x, 6), round(point.y, 6))
        return self._places[grid]

    async def answer(self, case: Case, answers: dict[str, Any]) -> Any:
        """The resident opens the newest link on their phone and answers the three questions."""
        answer = await self.tap(case, answers)
        await self.settle()
        return answer

    async def tap(self, case: Case, answers: dict[str, Any]) -> Any:
        """The same, without waiting for anybody to hear of it."""
        links = [url for message in self.texts(case) if (url := message["data"].get("answer_url"))]
        token = urlsplit(links[-1]).path.rsplit("/", 1)[-1]
        return await self._public.post(f"/api/intake/follow-up-links/{token}", answers)

    def texts(self, case: Case) -> list[dict[str, Any]]:
        """What the resident's phone received about the case."""
        return [message for message in self.messages if message["data"].get("number") == case.number]

    # ── what is known ─────────────────────────────────────────────────────────────────────────────────────────────

    async def row(self, case: Case) -> dict[str, Any]:
        supervisor = await self.somebody("civil-affairs-s1")
        return dict(await supervisor.api.get(f"/api/insight/cases/{case.id}"))

    async def happened(self, case: Case, *kinds: str) -> list[dict[str, Any]]:
        """The lines of the timeline of these types, each with `after`: the time since registration."""
        supervisor = await self.somebody("civil-affairs-s1")
        timeline = await supervisor.api.get(f"/api/insight/cases/{case.id}/timeline")
        lines = [line for line in timeline["lines"] if line["type"].removeprefix("yike.") in kinds]
        return [line | {"after": datetime.fromisoformat(line["at"]) - case.registered_at} for line in lines]

    async def holder(self, case: Case) -> str | None:
        """Who has a live offer of the case that goes to the place, or who is on it."""
        supervisor = await self.somebody("civil-affairs-s1")
        page = await supervisor.api.get(f"/api/dispatch/cases/{case.id}")
        live = [offer for offer in page["offers"] if offer["state"] in ("offered", "accepted", "arrived")]
        return next((offer["person_id"] for offer in live if offer["goes"]), None)

    async def clocks(self, case: Case) -> dict[str, datetime]:
        """When which clock of the case ends."""
        supervisor = await self.somebody("civil-affairs-s1")
        page = await supervisor.api.get(f"/api/escalation/cases/{case.id}")
        return {one["kind"]: datetime.fromisoformat(one["due_at"]) for one in page["deadlines"]}

    async def figure(self, name: str, unit: str, since: datetime) -> str:
        """A figure of a unit from `since` to an hour ahead, as n/d."""
        supervisor = await self.somebody("civil-affairs-s1")
        until = self.now + timedelta(hours=1)
        figure = await supervisor.api.get(
            f"/api/insight/figures/{name}", unit=unit, **{"from": since.isoformat(), "to": until.isoformat()}
        )
        return str(figure["printed"])

    async def close(self) -> None:
        await self._settling.close()
        await self.clock.close()


def a_photo(salt: str) -> bytes:
    out = io.BytesIO()
    red, green, blue = (hash(salt) >> shift & 255 for shift in (0, 8, 16))
    Image.new("RGB", (32, 24), (red, green, blue)).save(out, "JPEG")
    return out.getvalue()
