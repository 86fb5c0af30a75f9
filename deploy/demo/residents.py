"""Those who call and those who are asked afterwards: the hotline's desk, residents' phones, follow-up callers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from deploy.demo.api import Api, Refused
from deploy.demo.calls import Call
from deploy.demo.city import ZONE, City, Known

HOUR = 3600.0
CALLING_HOURS = range(9, 20)
ROUND_SECONDS = 2 * HOUR


class Desk:
    """The hotline operators, who take calls in turn."""

    def __init__(self, city: City, accounts: Sequence[str]) -> None:
        self._city = city
        self._desks = [city.api(account) for account in accounts]

    async def register(self, call: Call) -> None:
        lon, lat = self._city.place(call)
        body = {
            "channel": "hotline",
            "category_code": call.category_code,
            "description": "来电反映，请尽快派人查看。",
            "place": {"lon": lon, "lat": lat, "label": call.label},
            "requester": {"name": "演示", "phone": phone_of(call)},
        }
        desk = self._desks[call.index % len(self._desks)]
        answer = await desk.post("/api/intake/cases", body)
        if isinstance(answer, Refused):
            self._city.refused[f"register: {answer.kind}"] += 1
            return
        known = Known(call, answer["case_id"], answer["number"], lon, lat)
        self._city.cases[known.case_id] = known
        self._city.done["register"] += 1


def phone_of(call: Call) -> str:
    """A number that no network gives out, one per call."""
    return f"100{call.index:08d}"


def answers(city: City, draw: random.Random) -> dict[str, Any]:
    """The three questions, answered."""
    unhappy = draw.random() < city.habits.dissatisfied
    if unhappy:
        solved = draw.random() < 0.5
        return {
            "contacted": draw.random() < 0.8,
            "solved": solved,
            "satisfaction": "dissatisfied" if solved or draw.random() < 0.5 else "very_dissatisfied",
        }
    satisfaction = draw.choices(
        ["very_satisfied", "satisfied", "basically_satisfied", "no_opinion"], [5, 4, 2, 1]
    )[0]
    return {"contacted": True, "solved": True, "satisfaction": satisfaction}


class Residents:
    """Residents' phones: they get what the gateway hands on, and some of them answer."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._public = Api(city.client)
        self._asked: Counter[int] = Counter()

    def hear(self, message: dict[str, Any]) -> None:
        self._city.done[f"message: {message['type']}"] += 1
        url = (message.get("data") or {}).get("answer_url")
        if message["type"] != "please_answer" or not url:
            return
        token = urlsplit(url).path.rsplit("/", 1)[-1]
        number = str((message.get("data") or {}).get("number", ""))
        index = next((case.call.index for case in self._city.cases.values() if case.number == number), 0)
        self._asked[index] += 1
        draw = self._city.draw("resident", index, self._asked[index])
        if draw.random() < self._city.habits.answers_link:
            self._city.later(
                draw.uniform(600, 20 * HOUR), f"resident {index}", lambda: self.answer(token, draw)
            )

    async def answer(self, token: str, draw: random.Random) -> None:
        answer = await self._public.post(f"/api/intake/follow-up-links/{token}", answers(self._city, draw))
        if isinstance(answer, Refused):
            self._city.refused[f"answer: {answer.kind}"] += 1
        else:
            self._city.done["answer by link"] += 1


class Callers:
    """Follow-up callers: every two hours by day they ring up who is due."""

    def __init__(self, city: City, accounts: Sequence[str]) -> None:
        self._city = city
        self._desks = [city.api(account) for account in accounts]
        self._rounds = 0

    def begin(self) -> None:
        self._city.later(ROUND_SECONDS, "callers", self.make_calls)

    async def make_calls(self) -> None:
        self._city.later(ROUND_SECONDS, "callers", self.make_calls)
        if self._city.now.astimezone(ZONE).hour not in CALLING_HOURS:
            return
        self._rounds += 1
        desk = self._desks[self._rounds % len(self._desks)]
        cursor = None
        due: list[dict[str, Any]] = []
        while True:
            page = await desk.get("/api/intake/follow-ups", state="due", cursor=cursor)
            if isinstance(page, Refused):
                self._city.refused[f"call list: {page.kind}"] += 1
                return
            due += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        for follow_up in due:
            await self._call(desk, follow_up)

    async def _call(self, desk: Api, follow_up: dict[str, Any]) -> None:
        case = self._city.cases.get(follow_up["case_id"])
        index = case.call.index if case else -1
        draw = self._city.draw("call", index, follow_up["round"], follow_up["attempts"])
        body: dict[str, Any] = {
            "channel": "phone",
            "reached": draw.random() < self._city.habits.answers_phone,
        }
        if body["reached"]:
            body |= answers(self._city, draw)
        answer = await desk.post(f"/api/intake/follow-ups/{follow_up['follow_up_id']}/attempts", body)
        if isinstance(answer, Refused):
            self._city.refused[f"call: {answer.kind}"] += 1
        else:
            self._city.done["call reached" if body["reached"] else "call not reached"] += 1
