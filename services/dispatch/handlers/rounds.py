"""The grid's round kept and walked: stops added, changed and ended, done or not done, and corrected. The phone's queue
calls the same functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TypeVar
from uuid import UUID

import orjson

from services.dispatch import metrics
from services.dispatch.commands import (
    AddStop,
    ChangeStop,
    CorrectStop,
    DoStop,
    EndStop,
    LeaveUndone,
    PlanStop,
    RevealStop,
    Visited,
)
from services.dispatch.handlers import round_days
from services.dispatch.handlers.local_days import today_in
from services.dispatch.handlers.proof import must_be_proven
from services.dispatch.handlers.records import refuse
from services.dispatch.queries import rounds as rows
from services.dispatch.rules import round_story, rounds
from services.dispatch.rules.passing import Words
from services.dispatch.rules.periods import Period
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.round_story import (
    Stop,
    StopAdded,
    StopCorrected,
    StopPlan,
    StopRevealed,
    Worded,
)
from services.dispatch.rules.rounds import WALKING, Proof, Standing
from services.dispatch.rules.work import Doer
from services.dispatch.travel.straight import distance_m
from shared.database import Transaction
from shared.directory import Directory
from shared.event import Event
from shared.fieldwork import StopKind
from shared.going import ArrivalMethod
from shared.identity import not_allowed
from shared.ids import uuid7
from shared.problems import Problem, not_found
from shared.sealing import Sealer
from shared.things import Point
from shared.vocabulary import Role

WALKERS = (Role.GRID_WORKER, Role.GRID_LEADER, Role.UNIT_OFFICER)
"""Who may enter something at the stops of their unit and below it, besides those with a post in the grid."""

STAY_MINUTES = {StopKind.PATROL_POINT: 5, StopKind.VISIT: 20}
"""How long a stop takes where nobody says otherwise."""
REVEALED_FOR = timedelta(hours=1)
"""How long somebody may read what was said at a visit, once they said what for."""

Decided = TypeVar("Decided")


async def add_stop(tx: Transaction, command: AddStop, doer: Doer, sealer: Sealer) -> Stop:
    """Due for the first time on `since`, or today."""
    stop_id = uuid7()
    now = await tx.lock(stop_id)
    _must_be_possible(command, tx.directory, command.grid_id)
    key, wrapped = sealer.new_case_key()
    details = _details(command.person)
    event = StopAdded(
        stop_id=stop_id,
        at=now,
        actor=doer.actor,
        channel=doer.channel,
        kind=command.kind,
        grid_id=command.grid_id,
        plan=_plan(command, command.kind, today_in(tx.directory, command.grid_id, now)),
        digest=sealer.digest(key, details) if details else None,
    )
    stop = round_story.apply(None, event)
    assert stop is not None
    await rows.add(tx, stop, wrapped, _sealed(stop_id, details, key, sealer))
    tx.note(event)
    await round_days.follow(tx, None, stop, event)
    return stop


async def change_stop(
    tx: Transaction, stop_id: UUID, command: ChangeStop, doer: Doer, sealer: Sealer
) -> Stop:
    """The plan as it is from today on; a visit stays a visit."""
    now = await tx.lock(stop_id)
    stop = await known_stop(tx, stop_id)
    _must_be_possible(command, tx.directory, stop.grid_id)
    if (command.person is not None) != (stop.kind is StopKind.VISIT):
        raise Problem(
            422,
            "other-kind",
            "巡查点与走访不能互换 / A patrol point cannot become a visit, nor the other way round",
            detail="请停用这一站，另加一站 / End this stop and add another",
        )
    key = await _key(tx, stop, sealer)
    details, words = _details(command.person), _worded(command.why, key, sealer)
    today = today_in(tx.directory, stop.grid_id, now)
    plan = _plan(command, stop.kind, today)
    digest = sealer.digest(key, details) if details else None
    settled_to = await rows.settled_to(tx, stop_id)
    event = rounds.change(stop, plan, digest, doer, now, today, words, settled_to=settled_to)
    stop = await _record(tx, stop, event)
    await rows.keep_details(tx, stop_id, _sealed(stop_id, details, key, sealer))
    await rows.keep_words(tx, stop_id, words.id, key, command.why, sealer)
    return stop


async def end_stop(tx: Transaction, stop_id: UUID, command: EndStop, doer: Doer, sealer: Sealer) -> Stop:
    now = await tx.lock(stop_id)
    stop = await known_stop(tx, stop_id)
    if stop.ended_at is not None:
        return stop
    key = await _key(tx, stop, sealer)
    words = _worded(command.why, key, sealer)
    today = today_in(tx.directory, stop.grid_id, now)
    stop = await _record(tx, stop, rounds.end(stop, doer, now, today, words))
    await rows.keep_words(tx, stop_id, words.id, key, command.why, sealer)
    return stop


async def reveal_stop(tx: Transaction, stop_id: UUID, command: RevealStop, doer: Doer) -> Stop:
    """Who saw whom a visit is for, and why, stays in the story."""
    now = await tx.lock(stop_id)
    stop = await known_stop(tx, stop_id)
    event = StopRevealed(
        stop_id=stop_id,
        at=now,
        actor=doer.actor,
        channel=doer.channel,
        person_id=doer.person_id,
        purpose=command.purpose,
    )
    return await _record(tx, stop, event)


async def do_stop(tx: Transaction, stop_id: UUID, command: DoStop, doer: Doer, sealer: Sealer) -> Stop:
    """Done, proven as an arrival is; twice on one day is once."""
    now = await tx.lock(stop_id)
    stop = await _walked_by(tx, stop_id, doer)
    if command.method is ArrivalMethod.PHOTO_TIME:
        refuse(rounds.NO_PHOTOS)
    must_be_proven(command, stop.grid_id, tx.directory, sealer, said_at=now, since=now)
    said = orjson.dumps({"note": command.note, "reason": command.reason}).decode()
    spoken = command.note is not None or command.reason is not None
    key = await _key(tx, stop, sealer)
    words = _worded(said, key, sealer) if spoken else None
    proof = Proof(command.method, await _distance(tx, stop, command, sealer))
    today = today_in(tx.directory, stop.grid_id, now)
    event = _agreed(rounds.do(stop, uuid7(), doer, now, today, proof, words))
    if event is None:
        return stop
    stop = await _record(tx, stop, event)
    if words is not None:
        await rows.keep_words(tx, stop_id, words.id, key, said, sealer)
    metrics.ROUND_ENTRIES.labels("done").inc()
    return stop


async def leave_stop(
    tx: Transaction, stop_id: UUID, command: LeaveUndone, doer: Doer, sealer: Sealer
) -> Stop:
    """Not done, and why; it comes up again tomorrow."""
    now = await tx.lock(stop_id)
    stop = await _walked_by(tx, stop_id, doer)
    key = await _key(tx, stop, sealer)
    words = _worded(command.note, key, sealer) if command.note is not None else None
    today = today_in(tx.directory, stop.grid_id, now)
    event = _agreed(rounds.leave_undone(stop, uuid7(), doer, now, today, command.reason, words))
    stop = await _record(tx, stop, event)
    if words is not None and command.note is not None:
        await rows.keep_words(tx, stop_id, words.id, key, command.note, sealer)
    metrics.ROUND_ENTRIES.labels("not_done").inc()
    return stop


async def correct_stop(
    tx: Transaction, stop_id: UUID, command: CorrectStop, doer: Doer, sealer: Sealer, *, within_hours: int
) -> Stop:
    """更正 of one's own entry, within the hours that the city grants for every other."""
    now = await tx.lock(stop_id)
    stop = await _walked_by(tx, stop_id, doer)
    entry = await rows.entry(tx, stop_id, command.entry_id)
    if entry is None:
        raise not_found("没有这条记录 / No such entry")
    key = await _key(tx, stop, sealer)
    words = _worded(command.text, key, sealer)
    without = await _without(tx, stop, entry.id)
    event = _agreed(rounds.correct(stop, entry, without, doer, now, words, within_hours=within_hours))
    if event is None:
        return stop
    stop = await _record(tx, stop, event)
    await rows.keep_words(tx, stop_id, words.id, key, command.text, sealer)
    metrics.ROUND_ENTRIES.labels("corrected").inc()
    return stop


async def words_at(
    tx: Transaction, stop: Stop, events: Iterable[Event], reader: str, sealer: Sealer
) -> dict[UUID, str]:
    """By the event, what was said at it; at a visit only to who said what they have to see it for."""
    since = await tx.now() - REVEALED_FOR
    if stop.kind is StopKind.VISIT and not await rows.revealed_to(tx, stop.id, reader, since):
        return {}
    by_words = {event.words_id: event.id for event in events if isinstance(event, Worded) and event.words_id}
    found = await rows.words_of(tx, stop.id, by_words, sealer)
    return {by_words[words_id]: text for words_id, text in found.items()}


async def _without(tx: Transaction, stop: Stop, entry_id: UUID) -> Standing:
    """What is true of the stop without this entry."""
    visit = await rows.latest_beside(tx, stop.id, entry_id, visits=True)
    last = await rows.latest_beside(tx, stop.id, entry_id)
    return Standing(
        done_on=today_in(tx.directory, stop.grid_id, visit.at) if visit is not None else None,
        done_by=visit.person_id if visit is not None else None,
        reason=last.reason if last is not None else None,
    )


async def known_stop(tx: Transaction, stop_id: UUID) -> Stop:
    stop = await rows.find(tx, stop_id)
    if stop is None:
        raise not_found("没有这一站 / No such stop")
    return stop


async def _walked_by(tx: Transaction, stop_id: UUID, doer: Doer) -> Stop:
    """The stop, for whoever belongs to its grid; 403 for others."""
    stop = await known_stop(tx, stop_id)
    if not belongs(tx.directory, doer.person_id, stop.grid_id):
        raise not_allowed(WALKERS)
    return stop


def belongs(directory: Directory, person_id: str, unit_id: str) -> bool:
    """Whether somebody has a post in the unit, or works in all of what is above it."""
    person = directory.people.get(person_id)
    if person is None or person.retired_at is not None:
        return False
    above = [grant.unit_id for grant in person.grants if grant.role in WALKERS]
    there = any(post.unit_id == unit_id for post in person.posts)
    return there or any(directory.covers(wide, unit_id) for wide in above)


async def _record(tx: Transaction, before: Stop, event: Event) -> Stop:
    """Save what the event changes, and keep it in the journal."""
    stop = round_story.apply(before, event)
    assert stop is not None
    await rows.save(tx, stop)
    if (entry := round_story.entry_of(event)) is not None:
        await rows.add_entry(tx, stop.id, entry)
    if isinstance(event, StopCorrected):
        await rows.undo(tx, stop.id, event.entry_id, event.at, event.reopened)
    await rows.settle(tx, stop, round_story.settled_by(before, event))
    tx.note(event)
    await round_days.follow(tx, before, stop, event)
    return stop


def _agreed(decision: Decided | Refused) -> Decided:
    """The event of a decision; a refusal becomes the 409 that says what to do."""
    if isinstance(decision, Refused):
        refuse(decision)
    return decision


async def _key(tx: Transaction, stop: Stop, sealer: Sealer) -> bytes:
    """A stop that ended long ago has no key any more: nothing can be written beside it."""
    if stop.ended_at is not None:
        refuse(rounds.ENDED)
    return await rows.key_of(tx, stop.id, sealer)


async def _distance(tx: Transaction, stop: Stop, command: DoStop, sealer: Sealer) -> int | None:
    place = stop.plan.place
    if stop.kind is StopKind.VISIT:
        place = place_in((await rows.details_of(tx, [stop.id], sealer)).get(stop.id))
    if command.position is None or place is None:
        return None
    return round(distance_m(Point(lon=command.position.lon, lat=command.position.lat), place))


def place_in(details: dict[str, object] | None) -> Point | None:
    """Where somebody lives, out of what is sealed of a visit."""
    place = (details or {}).get("place")
    return Point.model_validate(place) if place is not None else None


def _details(person: Visited | None) -> str | None:
    return orjson.dumps(person.model_dump(mode="json")).decode() if person is not None else None


def _sealed(stop_id: UUID, details: str | None, key: bytes, sealer: Sealer) -> bytes | None:
    return sealer.seal(key, details, rows.details_context(stop_id)) if details is not None else None


def _worded(text: str, key: bytes, sealer: Sealer) -> Words:
    return Words(uuid7(), sealer.digest(key, text))


def _plan(command: PlanStop, kind: StopKind, today: date) -> StopPlan:
    """A schedule never counts from a day that is over: nothing would be owed for days nobody knew of."""
    return StopPlan(
        period=command.period,
        amount=command.amount,
        since=max(command.since or today, today),
        preferred_at=command.preferred_at,
        stay_minutes=command.stay_minutes or STAY_MINUTES[kind],
        person_id=command.person_id,
        label=command.label,
        place=Point(lon=command.place.lon, lat=command.place.lat) if command.place is not None else None,
    )


def _must_be_possible(command: PlanStop, directory: Directory, grid_id: str) -> None:
    must_be_live(directory, grid_id)
    if command.person_id is not None and not any(
        person.id == command.person_id for post in WALKING for person in directory.holders(grid_id, post)
    ):
        raise Problem(
            422,
            "not-of-this-grid",
            "此人不在这个网格走访 / They have no post in this grid",
            detail="请指定本网格的人员，或不指定 / Name somebody with a post in the grid, or nobody",
            person_id=command.person_id,
        )
    if not Period(command.period, command.amount).possible:
        raise Problem(
            422,
            "period-impossible",
            "周期过密 / That often is not possible",
            detail="每周最多 7 次，每月最多 28 次 / 7 times a week or 28 times a month at most",
        )


def must_be_live(directory: Directory, unit_id: str) -> None:
    """Of a unit that is known."""
    if directory.units[unit_id].retired_at is not None:
        raise Problem(
            422,
            "unit-ended",
            "这个单位已停用 / This unit has ended",
            detail="请改选现有单位 / Choose a unit that there still is",
            unit_id=unit_id,
        )
