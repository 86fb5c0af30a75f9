"""The last two beats of every handler: save what the events change, announce them, keep their timers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn
from uuid import UUID

from services.dispatch import metrics
from services.dispatch.queries.cases import find_case_of, find_cases_of, load, save
from services.dispatch.rules import musts
from services.dispatch.rules.facts import State
from services.dispatch.rules.offers import Decision
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.story import follow
from services.dispatch.rules.takeovers import completed
from shared.database import Transaction
from shared.event import Event
from shared.events.dispatch import (
    CaseAccepted,
    CaseOffered,
    CaseReassigned,
    EntryFlagged,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    WorkerArrived,
)
from shared.problems import Problem, not_found

OFFER_EXPIRES = "offer_expires"
SEARCH_AGAIN = "search_again"

_RESULTS: dict[type[Event], str] = {
    CaseOffered: "offered",
    CaseAccepted: "accepted",
    OfferDeclined: "declined",
    OfferLapsed: "lapsed",
    OfferWithdrawn: "withdrawn",
}


async def known_case(tx: Transaction, case_id: UUID) -> State:
    """The locked case; 404 if dispatch has not heard of it."""
    state = await load(tx, case_id)
    if state is None:
        raise not_found("没有这张工单 / No such case")
    return state


async def case_of(tx: Transaction, *, offer_id: UUID | None = None, part_id: UUID | None = None) -> UUID:
    """Which case to lock for an offer or a part."""
    case_id = await find_case_of(tx, offer_id=offer_id, part_id=part_id)
    if case_id is None:
        raise not_found("没有这个派单 / No such offer or part")
    return case_id


async def cases_of(
    tx: Transaction, *, offer_id: UUID | None = None, part_id: UUID | None = None
) -> list[UUID]:
    """Which cases to lock, all in one call: an offer to swap is about two. The offer's or part's own is the first."""
    found = await find_cases_of(tx, offer_id=offer_id, part_id=part_id)
    if not found:
        raise not_found("没有这个派单 / No such offer or part")
    return found


def agreed(decision: Decision) -> list[Event]:
    """The events of a decision; a refusal becomes the 409 that says what to do."""
    if isinstance(decision, Refused):
        refuse(decision)
    return decision


def refuse(refused: Refused) -> NoReturn:
    raise Problem(409, refused.code, refused.title, detail=refused.detail, **refused.extra)


async def record(
    tx: Transaction, before: State, events: Sequence[Event], *, known: State | None = None
) -> State:
    """`known` is the state with what was heard already applied, where something was. An event without a topic is of
    our own story only. What somebody was asked to take over is taken back as soon as it is no way any more."""
    events = completed(known or before, events)
    after = follow(known or before, events)
    await save(tx, before, after)
    for event in events:
        (tx.announce if event.topic else tx.note)(event)
    _keep_timers(tx, events)
    _count(after, events)
    return after


def _keep_timers(tx: Transaction, events: Iterable[Event]) -> None:
    for event in events:
        if isinstance(event, CaseOffered):
            tx.disarm(event.case_id, SEARCH_AGAIN, event.part_id)
            tx.arm(event.case_id, OFFER_EXPIRES, event.expires_at, event.part_id)
        elif isinstance(event, CaseAccepted | OfferDeclined | OfferWithdrawn | OfferLapsed):
            tx.disarm(event.case_id, OFFER_EXPIRES, event.part_id)


def _count(state: State, events: Iterable[Event]) -> None:
    for event in events:
        if isinstance(event, CaseOffered | CaseAccepted | OfferDeclined | OfferLapsed | OfferWithdrawn):
            metrics.OFFERS.labels(_RESULTS[type(event)]).inc()
            offer = state.offer(event.offer_id)
            if offer.swap_of is not None:
                metrics.SWAPS.labels(_RESULTS[type(event)]).inc()
            if offer.takes_over is not None:
                metrics.TAKEOVERS.labels(_RESULTS[type(event)]).inc()
        if isinstance(event, EntryFlagged):
            for flag in event.flags:
                metrics.FLAGS.labels(flag).inc()
        if isinstance(event, CaseReassigned):
            metrics.HANDED_OVER.labels(event.reason).inc()
        if isinstance(event, WorkerArrived) and state.case.emergency:
            due = musts.arrive_by(state.case)
            metrics.ARRIVALS.labels(str(due is None or event.at <= due).lower()).inc()
