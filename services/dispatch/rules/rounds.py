"""A grid's round: what is due, who walks it, what is entered, and what may still be corrected. Facts in, events out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.dispatch.rules.passing import Words
from services.dispatch.rules.periods import due_between, next_due
from services.dispatch.rules.refusals import NOT_YOUR_ENTRY, Refused, correction_too_late
from services.dispatch.rules.round_story import (
    Entry,
    Stop,
    StopChanged,
    StopCorrected,
    StopDone,
    StopEnded,
    StopNotDone,
    StopPlan,
)
from services.dispatch.rules.work import Doer
from shared.fieldwork import NotDoneReason
from shared.going import ArrivalMethod
from shared.vocabulary import Post

WALKING = (Post.WORKER, Post.A, Post.B, Post.LEADER)
"""Whose stops there can be."""
ONE_DAY = timedelta(days=1)

ENDED = Refused(
    "stop-ended",
    "这一站已停用 / This stop has ended",
    "请刷新“今日”页；仍需走访请联系网格长重新添加"
    " / Refresh today's list; if it is still needed, ask the grid leader to add it again",
)

NO_PHOTOS = Refused(
    "no-photos-of-stops",
    "例行任务不以照片时间为证 / A stop of the round is not proven by a photo",
    "请用定位、扫码，或写明原因自报到场 / Arrive by position, by QR code, or with a stated reason",
)


def done_already(by: str | None) -> Refused:
    return Refused(
        "done-already",
        "这一站今天已经完成 / This stop was done today already",
        f"由 {by} 完成，无需再去；如记错请由其更正"
        f" / {by} did it and you need not go; if that is wrong, they correct it",
        {"done_by": by},
    )


# ── who walks ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a post in the grid."""

    person_id: str
    post: Post
    on_duty: bool


def walkers(holders: Sequence[Holder], own: str | None = None) -> frozenset[str]:
    """Whose list a stop is on now. Its own person if on duty; else the workers and A holders on duty, and B stands in
    where they are away; then the leader. With nobody on duty it stays on the list of those it belongs to."""
    there = [holder for holder in holders if holder.on_duty]
    if own is not None and any(holder.person_id == own for holder in there):
        return frozenset({own})
    usual = (Post.WORKER, Post.A) if own is None else (Post.WORKER, Post.A, Post.B)
    for posts in (usual, (Post.B,), (Post.LEADER,)):
        if found := frozenset(holder.person_id for holder in there if holder.post in posts):
            return found
    if own is not None:
        return frozenset({own})
    return frozenset(holder.person_id for holder in holders if holder.post in usual)


# ── what is owed ──────────────────────────────────────────────────────────────────────────────────────────────────


def overdue_days(stop: Stop, today: date) -> int:
    """Since when it is owed; a stop of today is not overdue."""
    return max(0, (today - stop.due_on).days) if stop.ended_at is None else 0


def owed(stop: Stop, until: date) -> list[date]:
    """Every day up to `until` that is neither done nor passed over, the oldest first."""
    if stop.ended_at is not None or stop.due_on > until:
        return []
    plan = stop.plan
    return [stop.due_on, *due_between(plan.every, plan.since, stop.due_on + ONE_DAY, until)]


# ── the plan ──────────────────────────────────────────────────────────────────────────────────────────────────────


def change(
    stop: Stop,
    plan: StopPlan,
    digest: str | None,
    doer: Doer,
    now: datetime,
    today: date,
    words: Words,
    *,
    settled_to: date | None,
) -> StopChanged:
    """A new plan counts from today on. What was owed before stays owed once, since when it is; days between are
    passed over and stay in the figures. What was done ahead of time, up to `settled_to`, is not owed again."""
    late = owed(stop, today - ONE_DAY)
    over = max(day for day in (settled_to, stop.done_on, plan.since - ONE_DAY) if day is not None)
    return StopChanged(
        **_common(stop, doer, now, words),
        plan=plan,
        digest=digest,
        due_on=late[0] if late else next_due(plan.every, plan.since, over),
        missed=tuple(late[1:]),
    )


def end(stop: Stop, doer: Doer, now: datetime, today: date, words: Words) -> StopEnded:
    """What was owed before today stays in the figures as missed."""
    return StopEnded(**_common(stop, doer, now, words), missed=tuple(owed(stop, today - ONE_DAY)))


# ── what is entered ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Proof:
    """How somebody shows to have been there, and how far from the place."""

    method: ArrivalMethod
    distance_m: int | None


def do(
    stop: Stop, entry_id: UUID, doer: Doer, now: datetime, today: date, proof: Proof, words: Words | None
) -> StopDone | Refused | None:
    """Done. It counts for the latest day owed, ahead of time for the next one; days owed before are passed over.
    Done twice by the same person on one day is done once, and again before the next day is due it settles no more."""
    if stop.done_on == today:
        return None if stop.done_by == doer.person_id else done_already(stop.done_by)
    open_days = owed(stop, today)
    counts_for = open_days[-1] if open_days else _ahead_of_time(stop, today)
    return StopDone(
        **_common(stop, doer, now, words),
        entry_id=entry_id,
        person_id=doer.person_id,
        day=today,
        method=proof.method,
        distance_m=proof.distance_m,
        due_on=stop.due_on,
        counts_for=counts_for,
        missed=tuple(open_days[:-1]),
        next_due_on=next_due(stop.plan.every, stop.plan.since, counts_for) if counts_for else stop.due_on,
        device_at=doer.device_at,
    )


def _ahead_of_time(stop: Stop, today: date) -> date | None:
    """The day by which it is due next, unless that is done."""
    upcoming = next_due(stop.plan.every, stop.plan.since, today - ONE_DAY)
    return stop.due_on if stop.due_on <= upcoming else None


def leave_undone(
    stop: Stop,
    entry_id: UUID,
    doer: Doer,
    now: datetime,
    today: date,
    reason: NotDoneReason,
    words: Words | None,
) -> StopNotDone | Refused:
    """Not done, with the reason: it stays owed, and comes up again tomorrow."""
    if stop.done_on == today:
        return done_already(stop.done_by)
    return StopNotDone(
        **_common(stop, doer, now, words),
        entry_id=entry_id,
        person_id=doer.person_id,
        reason=reason,
        due_on=stop.due_on,
        again_on=today + ONE_DAY,
        device_at=doer.device_at,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What is true of a stop without one of its entries: the last visit, and why it was not done since."""

    done_on: date | None = None
    done_by: str | None = None
    reason: NotDoneReason | None = None


def correct(
    stop: Stop, entry: Entry, without: Standing, doer: Doer, now: datetime, words: Words, *, within_hours: int
) -> StopCorrected | Refused | None:
    """更正: the entry stays with the words beside it. While it is the latest of the plan, the stop is owed as before;
    where a later entry or another plan goes on from it, the day it counted for is not done."""
    if entry.person_id != doer.person_id:
        return NOT_YOUR_ENTRY
    if now - entry.at > timedelta(hours=within_hours):
        return correction_too_late(within_hours)
    if entry.undone_at is not None:
        return None
    latest = stop.entry_id == entry.id
    counted = (entry.counts_for,) if entry.counts_for is not None else ()
    return StopCorrected(
        **_common(stop, doer, now, words),
        entry_id=entry.id,
        person_id=doer.person_id,
        undone=latest,
        due_on=entry.due_on if latest else stop.due_on,
        reopened=(*entry.missed, *counted) if latest else counted,
        done_on=without.done_on,
        done_by=without.done_by,
        reason=without.reason,
    )


def _common(stop: Stop, doer: Doer, now: datetime, words: Words | None) -> dict[str, Any]:
    said = {"words_id": words.id, "words_digest": words.digest} if words is not None else {}
    return {"stop_id": stop.id, "at": now, "actor": doer.actor, "channel": doer.channel, **said}
