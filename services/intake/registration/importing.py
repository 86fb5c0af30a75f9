"""Many cases at once: every line goes the way of a single registration, and is reported."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson
from pydantic import ValidationError

from services.intake.commands.imports import ImportReport, LineFlaw, LineReport, LineState
from services.intake.commands.registration import RegisterCase
from services.intake.handlers.permissions import MAY_CHANGE
from services.intake.handlers.refusals import problem_of
from services.intake.handlers.registration import Became, Order, Taken, TakenBefore
from services.intake.queries import cases, imports
from services.intake.queries.imports import Imported
from services.intake.registration.desk import Desk
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.idempotency import RequestKey
from shared.identity import SignedIn
from shared.problems import WORDS, Problem
from shared.reading import Line
from shared.vocabulary import Channel

LINES_AT_ONCE = 200


class Importing:
    """One file of one source. A line is known by its `key`, or by what it says where it has none."""

    def __init__(
        self, desk: Desk, who: SignedIn, source: str, digest_secret: bytes, *, dry_run: bool
    ) -> None:
        self._desk, self._who, self._source = desk, who, source
        self._secret, self._dry_run = digest_secret, dry_run

    async def take(self, lines: Sequence[Line]) -> ImportReport:
        items: list[LineReport] = []
        for start in range(0, len(lines), LINES_AT_ONCE):
            items += await self._take_some(lines[start : start + LINES_AT_ONCE])
        return self._report(items)

    async def _take_some(self, lines: Sequence[Line]) -> list[LineReport]:
        async with self._desk.database.transaction() as tx:
            known = await imports.known(tx, self._source, [self._key(line) for line in lines])
        items = await asyncio.gather(*(self._take_one(line, known) for line in lines))
        done = {
            self._key(line): (self._said(line), item.case_id)
            for line, item in zip(lines, items, strict=True)
            if item.case_id is not None
        }
        if done and not self._dry_run:
            # Should this break off, the next run finds the cases by their idempotency keys and writes it then.
            async with self._desk.database.transaction() as tx:
                await imports.keep(tx, self._source, done, self._who.person_id, await tx.now())
        return list(items)

    async def _take_one(self, line: Line, known: Mapping[str, Imported]) -> LineReport:
        key = line.given.get("key")
        told = LineReport(line=line.place, key=None if key is None else str(key), state=LineState.REFUSED)
        if (before := known.get(self._key(line))) is not None:
            if before.said != self._said(line):
                reused = problem_of(Refused(RefusedBecause.KEY_REUSED))
                flaw = LineFlaw(field="key", code=reused.code, text=_words(reused))
                return told.model_copy(update={"number": before.number, "flaws": (flaw,)})
            found = {"state": LineState.TAKEN_BEFORE, "case_id": before.case_id, "number": before.number}
            return told.model_copy(update=found)
        try:
            fields = {name: value for name, value in line.given.items() if name != "key"}
            command = RegisterCase.model_validate({"channel": Channel.SURVEY} | fields)
            return told.model_copy(update=await self._decide(command, self._request_key(line)))
        except ValidationError as wrong:
            flaws = tuple(_flaw(error) for error in wrong.errors())
        except Problem as refused:
            flaws = (LineFlaw(field="", code=refused.code, text=_words(refused)),)
        return told.model_copy(update={"flaws": flaws})

    async def _decide(self, command: RegisterCase, key: RequestKey) -> dict[str, Any]:
        """The order is drawn first even where it is registered: whether the place is theirs to import for can only
        be told when it is known."""
        order = await self._desk.draw(command, self._who.actor(), key, self._who)
        if isinstance(order, Refused):
            raise problem_of(order)
        self._who.must(MAY_CHANGE, order.event.unit_path[-1], self._desk.directory)
        if self._dry_run:
            return _drawn(order)
        return await self._told(await self._desk.register(command, self._who.actor(), key, self._who))

    async def _told(self, became: Became) -> dict[str, Any]:
        match became:
            case Refused():
                raise problem_of(became)
            case Taken(case):
                state, found = LineState.TAKEN, case
            case TakenBefore(case_id):
                async with self._desk.database.transaction() as tx:
                    loaded = await cases.load(tx, case_id)
                assert loaded is not None
                state, found = LineState.TAKEN_BEFORE, loaded
        return {
            "state": state,
            "case_id": found.case_id,
            "number": found.number,
            "unit_id": found.unit_id,
            "urgency": found.urgency,
        }

    def _key(self, line: Line) -> str:
        """A digest, keyed because a line names people: what is kept of it tells nothing."""
        given = line.given.get("key")
        said = f"key {given}" if given is not None else "line " + _written(line.given)
        return hmac.new(self._secret, said.encode(), sha256).hexdigest()

    def _request_key(self, line: Line) -> RequestKey:
        """Another text under the same key is a mistake of whoever made the list, and is reported as one."""
        return RequestKey(f"import {self._source}", self._key(line), self._said(line))

    def _said(self, line: Line) -> bytes:
        return hmac.new(self._secret, _written(line.given).encode(), sha256).digest()

    def _report(self, items: Sequence[LineReport]) -> ImportReport:
        def count(*states: LineState) -> int:
            return sum(item.state in states for item in items)

        return ImportReport(
            source=self._source,
            dry_run=self._dry_run,
            lines=len(items),
            taken=count(LineState.TAKEN, LineState.WOULD_BE_TAKEN),
            taken_before=count(LineState.TAKEN_BEFORE),
            refused=count(LineState.REFUSED),
            items=tuple(items),
        )


def _drawn(order: Order) -> dict[str, Any]:
    event = order.event
    return {"state": LineState.WOULD_BE_TAKEN, "unit_id": event.unit_path[-1], "urgency": event.urgency}


def _written(given: Mapping[str, Any]) -> str:
    return orjson.dumps(given, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def _flaw(error: Any) -> LineFlaw:
    """Where and what, never the value: it may be somebody's phone number."""
    where = ".".join(str(step) for step in error["loc"])
    return LineFlaw(field=where, code=error["type"], text=WORDS.get(error["type"], error["msg"]))


def _words(refused: Problem) -> str:
    """The title is `中文 / English` as everywhere."""
    return refused.title
