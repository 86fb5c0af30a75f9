"""Routers asked over HTTP: OSRM and Valhalla, each by its own table of seconds.

Nobody waits for a router longer than the time box: what it did not say until then goes by the straight line. While it
is away it is asked again only after a pause that grows, so that an outage costs one decision, not every decision."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import httpx
import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.spatial import KDTree

from services.dispatch import metrics
from services.dispatch.travel.model import Codes, Indices, Places
from services.dispatch.travel.straight import on_the_sphere
from services.dispatch.travel.table import Block
from shared.retry import backoff_seconds

log = logging.getLogger(__name__)

NEAREST_PER_CASE = 25
"""So many of each mode are asked about for a case: the ones that matter are among the nearest by the straight line."""
CASES_PER_QUESTION = 10
QUESTIONS_AT_ONCE = 4
QUESTIONS_MAX = 100
"""Of one matching: no router answers more within a time box. Where hundreds wait, the later cases go by the straight
line."""
ANSWER_BYTES_MAX = 4_000_000


class Refused(Exception):
    """The router is there and will not answer this: too many places, none near a street."""


class Away(Exception):
    """It did not answer, or with something that no router says."""


@dataclass(frozen=True, slots=True)
class Question:
    mode: int
    starts: Places
    ends: Places


class Engine(Protocol):
    """One router's way of asking and of answering."""

    def request(self, client: httpx.AsyncClient, url: str, ask: Question) -> httpx.Request: ...

    def seconds(self, body: bytes) -> list[list[float | None]]: ...


# ── OSRM ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _OsrmTable(BaseModel):
    model_config = ConfigDict(extra="ignore")

    code: str
    durations: list[list[float | None]]


class Osrm:
    """`GET /table/v1/{profile}/{lon,lat;…}`. One osrm-routed serves one profile, so every mode has a URL of its own and
    the profile in the path is only a name."""

    PROFILES = ("foot", "bike", "driving")

    def request(self, client: httpx.AsyncClient, url: str, ask: Question) -> httpx.Request:
        places = [*_pairs(ask.starts), *_pairs(ask.ends)]
        path = ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in places)
        starts = len(ask.starts.lon)
        return client.build_request(
            "GET",
            f"{url}/table/v1/{self.PROFILES[ask.mode]}/{path}",
            params={
                "annotations": "duration",
                "generate_hints": "false",
                "sources": ";".join(map(str, range(starts))),
                "destinations": ";".join(map(str, range(starts, len(places)))),
            },
        )

    def seconds(self, body: bytes) -> list[list[float | None]]:
        return _OsrmTable.model_validate_json(body).durations


# ── Valhalla ──────────────────────────────────────────────────────────────────────────────────────────────────────


class _ValhallaDurations(BaseModel):
    model_config = ConfigDict(extra="ignore")

    durations: list[list[float | None]]


class _ValhallaMatrix(BaseModel):
    model_config = ConfigDict(extra="ignore")

    sources_to_targets: _ValhallaDurations


class Valhalla:
    """`POST /sources_to_targets` in its short form (`verbose: false`, since Valhalla 3.2)."""

    COSTINGS: tuple[dict[str, Any], ...] = (
        {"costing": "pedestrian"},
        {
            "costing": "bicycle",
            "costing_options": {"bicycle": {"bicycle_type": "hybrid", "cycling_speed": 22}},
        },
        {"costing": "auto"},
    )
    """An e-bike takes the ways of bicycles, faster and without minding a hill."""

    def request(self, client: httpx.AsyncClient, url: str, ask: Question) -> httpx.Request:
        body = {
            "sources": [{"lon": lon, "lat": lat} for lon, lat in _pairs(ask.starts)],
            "targets": [{"lon": lon, "lat": lat} for lon, lat in _pairs(ask.ends)],
            "verbose": False,
            **self.COSTINGS[ask.mode],
        }
        return client.build_request("POST", f"{url}/sources_to_targets", json=body)

    def seconds(self, body: bytes) -> list[list[float | None]]:
        return _ValhallaMatrix.model_validate_json(body).sources_to_targets.durations


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Router:
    """`urls` by mode; a mode without one goes by the straight line. `places_max`: of starts and ends together in one
    question, as both engines limit them (OSRM `--max-table-size` 100; Valhalla 2,500 pairs, which 50 × 50 are)."""

    engine: Engine
    urls: Mapping[int, str]
    box_seconds: float = 0.15
    places_max: int = 100
    client: httpx.AsyncClient = field(
        default_factory=lambda: httpx.AsyncClient(follow_redirects=False, trust_env=False)
    )
    failures: int = 0
    rests_until: float = 0.0

    async def close(self) -> None:
        await self.client.aclose()

    @property
    def away(self) -> bool:
        return self.failures > 0

    async def blocks(
        self, starts: Places, modes: Codes, ends: Places, *, box_seconds: float | None = None
    ) -> list[Block]:
        """What the router says of the pairs that matter, oldest cases first, within the time box. Never raises."""
        if time.monotonic() < self.rests_until:
            metrics.TRAVEL_QUESTIONS.labels("resting").inc()
            return []
        asked = questions_for(starts, modes, ends, self.urls.keys(), self.places_max)
        questions = list(islice(asked, QUESTIONS_MAX))
        if not questions:
            return []
        taken = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        tasks = [asyncio.create_task(self._asked(question, taken)) for question in questions]
        try:
            done, late = await asyncio.wait(tasks, timeout=box_seconds or self.box_seconds)
        finally:
            for task in tasks:
                task.cancel()
        answers = [task.result() for task in tasks if task in done]
        metrics.TRAVEL_QUESTIONS.labels("late").inc(len(late))
        self._remember(answers, late=len(late))
        return [answer for answer in answers if isinstance(answer, Block)]

    async def _asked(self, question: Question, taken: asyncio.Semaphore) -> Block | Refused | Away:
        async with taken:
            try:
                answer: Block | Refused | Away = await self._ask(question)
            except (Refused, Away) as wrong:
                answer = wrong
            except Exception as wrong:
                # Of one question; what was asked beside it still counts.
                log.exception("a question to the router failed")
                answer = Away(f"{type(wrong).__name__}: {wrong}")
        metrics.TRAVEL_QUESTIONS.labels(_RESULTS[type(answer)]).inc()
        return answer

    async def _ask(self, question: Question) -> Block:
        url = self.urls[question.mode].rstrip("/")
        try:
            request = self.engine.request(self.client, url, question)
            answer = await self.client.send(request)
        except (httpx.HTTPError, httpx.InvalidURL) as wrong:
            raise Away(f"{type(wrong).__name__}: {wrong}") from wrong
        if 400 <= answer.status_code < 500 and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            raise Refused(answer.text[:200])
        if not answer.is_success or len(answer.content) > ANSWER_BYTES_MAX:
            raise Away(f"HTTP {answer.status_code}, {len(answer.content)} bytes")
        return _block(question, self.engine, answer.content)

    def _remember(self, answers: Sequence[Block | Refused | Away], *, late: int) -> None:
        """Whoever answers anything is there. One line in the log says that it went, one that it is back."""
        faults = [answer for answer in answers if isinstance(answer, Away)]
        if len(faults) < len(answers):
            if self.failures:
                log.info("the router answers again")
            self.failures, self.rests_until = 0, 0.0
        else:
            self.failures += 1
            self.rests_until = time.monotonic() + backoff_seconds(self.failures)
            if self.failures == 1:
                why = faults[0] if faults else f"no answer within {self.box_seconds} s to {late} questions"
                log.warning("the router is away, ways go by the straight line meanwhile: %s", why)
        for answer in answers:
            if isinstance(answer, Refused):
                log.debug("the router refused a question: %s", answer)
        metrics.TRAVEL_STANDS_IN.set(self.away)


_RESULTS: dict[type, str] = {Block: "answered", Refused: "refused", Away: "failed"}


def _block(question: Question, engine: Engine, body: bytes) -> Block:
    """The answer as a matrix; anything of another shape is none."""
    try:
        seconds = np.array(engine.seconds(body), dtype=np.float64)
    except (ValidationError, ValueError) as wrong:
        raise Away(f"an answer that cannot be read: {type(wrong).__name__}") from wrong
    shape = (len(question.starts.lon), len(question.ends.lon))
    if seconds.shape != shape or (seconds < 0).any():
        raise Away(f"a table of {seconds.shape} where {shape} was asked for")
    return Block(question.mode, question.starts, question.ends, seconds)


def _pairs(places: Places) -> list[tuple[float, float]]:
    return list(zip(places.lon.tolist(), places.lat.tolist(), strict=True))


# ── what to ask ───────────────────────────────────────────────────────────────────────────────────────────────────


def questions_for(
    starts: Places, modes: Codes, ends: Places, asked_modes: Collection[int], places_max: int
) -> Iterator[Question]:
    """A few cases each, in their order, with the people nearest to them by each mode."""
    known = np.nonzero(np.isfinite(ends.lon) & np.isfinite(ends.lat))[0]
    for first in range(0, len(known), CASES_PER_QUESTION):
        cases = known[first : first + CASES_PER_QUESTION]
        for mode in sorted(asked_modes):
            people = _nearest(starts, np.nonzero(modes == mode)[0], _some(ends, cases))
            step = max(1, places_max - len(cases))
            for begin in range(0, len(people), step):
                some = _some(starts, people[begin : begin + step])
                yield Question(mode, some, _some(ends, cases))


def _nearest(starts: Places, people: Indices, ends: Places) -> Indices:
    """Rows of the people who are among the nearest to any of these cases."""
    people = people[np.isfinite(starts.lon[people]) & np.isfinite(starts.lat[people])]
    if len(people) <= NEAREST_PER_CASE:
        return people
    tree = KDTree(on_the_sphere(_some(starts, people)))
    _, rows = tree.query(on_the_sphere(ends), k=NEAREST_PER_CASE)
    found: Indices = people[np.unique(np.asarray(rows))]
    return found


def _some(places: Places, rows: Indices) -> Places:
    return Places(places.lon[rows], places.lat[rows])
