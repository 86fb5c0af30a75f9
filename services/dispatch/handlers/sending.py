"""A batch becomes offers: each pair in its own transaction, and whoever nobody can go to is told of once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from services.dispatch import metrics
from services.dispatch.handlers.batches import Batch
from services.dispatch.handlers.moments import Seeking, leader_waits, swappable_trips
from services.dispatch.handlers.records import record
from services.dispatch.handlers.sought import count_first, search_in
from services.dispatch.matching.chain import RemovedBy, Responder, Search, eligible, removed_by
from services.dispatch.matching.explaining import Because, Explanation, Removed, explained
from services.dispatch.matching.situation import NOBODY, Assignment
from services.dispatch.matching.weights import Weights
from services.dispatch.queries.batches import trip_goes_on
from services.dispatch.queries.cases import load
from services.dispatch.queries.search import WaitingPart, burdens, lock_street
from services.dispatch.rules.facts import Part, PartState, State
from services.dispatch.rules.offers import about
from services.dispatch.rules.takeovers import may_be_taken_over
from shared.database import Transaction
from shared.events.dispatch import Candidate, CaseOffered, ShadowChoice
from shared.ids import uuid7
from shared.things import Person
from shared.vocabulary import Post


class Turn(Enum):
    """What came of looking at one part."""

    OFFERED = "offered"
    NOBODY = "nobody"
    CROSSED = "crossed"
    FAILED = "failed"
    NOTHING = "nothing"


MAY_BE_ASKED = frozenset({None, RemovedBy.ASKED_THIS_TURN})
"""A new turn of the search asks people again."""


@dataclass(frozen=True)
class Sending:
    """One pair as it was decided: whom to ask for which part, and why. `ends_by`: a leader waits for their step.
    `swap_of`, `takes_over`: the trip they would leave for it, or by which somebody else has the part."""

    street_id: str
    case_id: UUID
    part_id: UUID
    person: Person
    because: Because
    ends_by: datetime | None
    candidates: tuple[Candidate, ...]
    policy: str
    shadow: ShadowChoice | None
    swap_of: UUID | None
    takes_over: UUID | None

    @property
    def eta_seconds(self) -> int | None:
        return self.candidates[0].eta_seconds

    @property
    def what(self) -> WaitingPart:
        """The part, as the search speaks of one: also where it does not wait, because somebody is on the way."""
        return WaitingPart(self.part_id, self.case_id, self.street_id, starved=False, batched=True)


def sendings(batch: Batch, weights: Weights) -> list[Sending]:
    """The pairs of a batch, the oldest case first."""
    words = {pair: because.value for pair, because in batch.posed.removed.items() if because is not None}
    told = explained(batch.situation, batch.assignment, weights, words)
    swaps = {
        (case, person)
        for case, person, swap in zip(
            batch.assignment.case.tolist(),
            batch.assignment.person.tolist(),
            batch.assignment.swap.tolist(),
            strict=True,
        )
        if swap
    }
    return [
        _sending(batch, one, (one.case, one.person) in swaps)
        for one in sorted(told, key=lambda one: one.case)
    ]


def _sending(batch: Batch, why: Explanation, swap: bool) -> Sending:
    moment, ways = batch.moment, swappable_trips(batch.moment)
    held = ways[why.case - len(moment.seeking)].offer_id if why.case >= len(moment.seeking) else None
    one = moment.seeking[why.case] if held is None else moment.handing[held]
    person = moment.people[why.person]
    trips = {trip.person_id: trip.offer_id for trip in ways}
    return Sending(
        street_id=one.state.case.street_id,
        case_id=one.state.case.id,
        part_id=one.part.id,
        person=person,
        because=why.because,
        ends_by=_ends_by(batch, one, why.person) if held is None else None,
        candidates=_candidates(batch, one, why),
        policy=batch.policy,
        shadow=shadow_of(batch, why.case) if held is None else None,
        swap_of=trips[person.id] if swap else None,
        takes_over=held,
    )


def _ends_by(batch: Batch, one: Seeking, row: int) -> datetime | None:
    """The leader's step, if a leader waits for it who is asked for nothing now."""
    moment, unit = batch.moment, one.part.unit_id
    leader = moment.holders.get((Post.LEADER, unit), NOBODY)
    asked = row in moment.leads.get(unit, ()) or leader in batch.assignment.person
    return one.search.leader_at if leader_waits(moment, one) and not asked else None


def _candidates(batch: Batch, one: Seeking, why: Explanation) -> tuple[Candidate, ...]:
    """Who was weighed; behind them the grid's own holders who could not be, with what took them out."""
    people, answer = batch.moment.people, batch.situation.answer_seconds
    weighed = [
        Candidate(
            person_id=people[seen.person].id,
            post=_post_of(one, people[seen.person], batch.moment.units),
            eta_seconds=max(0, round(seen.eta_seconds - answer)),
            removed_by=seen.removed_by,
            p_late=round(seen.p_late, 4),
        )
        for seen in why.weighed
        if seen.removed_by != Removed.BARRED
    ]
    named = {candidate.person_id for candidate in weighed}
    absent = [
        Candidate(person_id=person.id, post=post, removed_by=because)
        for person, post in batch.moment.own.get(one.part.unit_id, ())
        if person.id not in named and (because := _kept_away(batch, why.case, person)) is not None
    ]
    return (*weighed, *absent)


def _kept_away(batch: Batch, case: int, person: Person) -> RemovedBy | None:
    """Why somebody was not even weighed."""
    moment, row = batch.moment, batch.moment.rows.get(person.id)
    on_hand = moment.on_hand.get(person.id)
    if on_hand is not None and (on_hand.engaged or on_hand.going):
        return RemovedBy.ON_EMERGENCY
    return RemovedBy.OFF_DUTY if row is None else batch.posed.removed.get((case, row))


def _post_of(one: Seeking, person: Person, units: Collection[str]) -> Post:
    """By which they go there already, else by which they would."""
    has = one.state.live_offer(one.part.id)
    if has is not None and has.person_id == person.id:
        return has.post
    return post_for(one.search, person, units)[0]


def post_for(search: Search, person: Person, units: Collection[str]) -> tuple[Post, str]:
    """By which post, and of which unit, somebody would go."""
    [(_, post, unit_id)] = eligible(search, [person], units)
    return post, unit_id


def shadow_of(batch: Batch, case: int) -> ShadowChoice | None:
    """Whom the other policy would have asked for this case."""
    if batch.shadow is None or batch.shadow_policy is None:
        return None
    at = _edge_of(batch.shadow, case)
    if at is None:
        return ShadowChoice(policy=batch.shadow_policy)
    edges = batch.shadow.edges
    return ShadowChoice(
        policy=batch.shadow_policy,
        person_id=batch.moment.people[int(edges.person[at])].id,
        eta_seconds=max(0, round(float(edges.eta[at]) - batch.situation.answer_seconds)),
        p_late=round(float(edges.p_late[at]), 4),
    )


def _edge_of(assignment: Assignment, case: int) -> int | None:
    chosen = assignment.edge[assignment.case == case]
    return int(chosen[0]) if len(chosen) else None


# ── written ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def send(tx: Transaction, sending: Sending, units: Collection[str]) -> Turn:
    """Load, decide, save, announce, for one pair: it counts only if the part still waits for such a person, or goes on
    to be on the way of somebody who is not nearer."""
    if not await lock_street(tx, sending.street_id):
        return Turn.CROSSED
    locked, now = await tx.try_lock([sending.case_id])
    state = await load(tx, sending.case_id) if locked else None
    if state is None or now is None:
        return Turn.CROSSED
    part = state.part(sending.part_id)
    if not _may_be_sent(state, part, sending):
        return Turn.NOTHING
    search = search_in(tx.directory, state, part)
    if not await _still_fits(tx, search, sending, now) or (sending.ends_by or now) < now:
        return Turn.CROSSED
    await record(tx, state, [_offered(state, part, search, sending, units, now)])
    count_first(state, part, now)
    if sending.shadow is not None:
        agrees = sending.shadow.person_id == sending.person.id
        metrics.SHADOW.labels(str(agrees).lower()).inc()
    return Turn.OFFERED


def _may_be_sent(state: State, part: Part, sending: Sending) -> bool:
    if sending.takes_over is None:
        return part.state is PartState.WAITING
    return may_be_taken_over(state, state.offer(sending.takes_over))


async def _still_fits(tx: Transaction, search: Search, sending: Sending, now: datetime) -> bool:
    """Whether what was read a moment ago still holds of the person chosen."""
    person = sending.person
    if sending.swap_of is not None and not await trip_goes_on(tx, sending.swap_of):
        return False
    burden = (await burdens(tx, [person.id])).get(person.id)
    asked = Responder(
        person_id=person.id,
        post=Post.WORKER,
        unit_id=search.unit_id,
        on_emergency=sending.swap_of is None and burden is not None and burden.on_emergency,
    )
    may = (
        MAY_BE_ASKED if sending.takes_over is None else (None,)
    )  # no turn begins anew while somebody is on the way
    return removed_by(search, asked, now) in may


def _offered(
    state: State, part: Part, search: Search, sending: Sending, units: Collection[str], now: datetime
) -> CaseOffered:
    post, unit_id = post_for(search, sending.person, units)
    by_policy = now + search.expires_after
    return CaseOffered(
        **about(state, part.id, now),
        offer_id=uuid7(),
        person_id=sending.person.id,
        unit_id=unit_id,
        post=post,
        emergency=True,
        goes=True,
        expires_at=min(by_policy, sending.ends_by or by_policy),
        eta_seconds=sending.eta_seconds,
        chosen_because=sending.because,
        candidates=sending.candidates,
        policy=sending.policy,
        shadow=sending.shadow,
        swap_of=sending.swap_of,
        takes_over=sending.takes_over,
    )
