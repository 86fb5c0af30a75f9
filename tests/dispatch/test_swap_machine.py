"""Whatever happens in whatever order, a swap or a takeover leaves nobody on two ways, and no part with two people: the
promises of `test_machine`, with swaps and takeovers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.rules import endings, passing, swaps, takeovers, work
from services.dispatch.rules.facts import CaseState, Offer, OfferState, Part, PartState
from services.dispatch.rules.offers import Decision, about, decline, lapse
from services.dispatch.rules.passing import Receiver
from services.dispatch.rules.refusals import Refused
from shared.events.dispatch import CaseOffered, CaseReassigned, OfferWithdrawn
from shared.going import ArrivalMethod, DeclineReason, ReassignReason
from shared.ids import uuid7
from shared.things import PostHeld
from shared.vocabulary import Channel, Post
from tests.dispatch.test_machine import GOING, Life, asks_to_swap
from tests.dispatch.world import a_merge, doer

CASES_MAX = 4


class LifeWithSwaps(Life):
    """Emergencies of one grid; those that wait are also put to people on the way to another, and ways to somebody
    else."""

    def offers(self, which: Callable[[Offer], bool]) -> list[tuple[UUID, Offer]]:
        return [
            (case, offer) for case, state in self.states.items() for offer in state.offers if which(offer)
        ]

    def _leaves_way(self, offer: Offer, person: str, decision: Decision) -> bool:
        """Accepting a swap frees whoever accepts of the first way, in the same transaction, or is refused."""
        if isinstance(decision, Refused) or not decision:
            return False
        for case, trip in self.offers(lambda one: one.id == offer.swap_of):
            actor = doer(person).actor
            left = swaps.leave_way(self.states[case], trip, actor, self.now, channel=Channel.MOBILE)
            self._decided(case, left)
            return not isinstance(left, Refused)
        return True

    # ── steps; `n` says of which of several ───────────────────────────────────────────────────────────────────────

    def register_one(self, n: int) -> None:
        if len(self.states) < CASES_MAX:
            self.register(emergency=True)

    def everybody_goes(self, n: int) -> None:
        self.search(off_duty=set())
        for case, offer in self.offers(lambda one: one.state is OfferState.OFFERED and one.swap_of is None):
            self._accepts(case, offer, offer.person_id)

    def swap(self, n: int) -> None:
        """At most one is asked of a person, and one per trip."""
        every = self.offers(lambda one: True)
        used = {one.swap_of for _, one in every} | {one.id for _, one in every if one.swap_of is not None}
        busy = {one.person_id for _, one in every if one.state is OfferState.OFFERED}
        pairs = [
            (trip, case, part)
            for of_trip, trip in self.offers(lambda one: one.state is OfferState.ACCEPTED and one.goes)
            for case, part in self._waiting()
            if case != of_trip and trip.id not in used and trip.person_id not in busy
            if trip.person_id not in passing.on_case(self.states[case]) | passing.unfit(self.states[case])
        ]
        if pairs:
            trip, case, part = pairs[n % len(pairs)]
            self._tell(case, [self._asked_to_swap(trip, case, part)])

    def _waiting(self) -> list[tuple[UUID, Part]]:
        return [
            (case, part)
            for case, state in self.states.items()
            for part in state.parts
            if part.state is PartState.WAITING and part.goes
        ]

    def _asked_to_swap(self, trip: Offer, case: UUID, part: Part) -> CaseOffered:
        return CaseOffered(
            **about(self.states[case], part.id, self.now),
            offer_id=uuid7(),
            person_id=trip.person_id,
            unit_id=trip.unit_id,
            post=trip.post,
            emergency=True,
            goes=True,
            expires_at=self.now + timedelta(seconds=60),
            chosen_because="swap",
            swap_of=trip.id,
        )

    def take_over(self, n: int) -> None:
        """A way is put to somebody who is free and not on that case."""
        pairs = [
            (case, trip, one)
            for case, trip in self.offers(lambda one: one.state is OfferState.ACCEPTED)
            if takeovers.may_be_taken_over(self.states[case], trip)
            for one in GOING
            if one.person_id not in self._busy() | passing.on_case(self.states[case])
            and one.person_id not in passing.unfit(self.states[case])
        ]
        if pairs:
            case, trip, one = pairs[n % len(pairs)]
            part = self.states[case].part(trip.part_id)
            whom = {"person_id": one.person_id, "unit_id": one.unit_id, "post": one.post}
            asked = self._asked_to_swap(trip, case, part)
            self._tell(case, [asked.model_copy(update={**whom, "swap_of": None, "takes_over": trip.id})])

    def answer(self, n: int) -> None:
        """Accepted, or declined."""
        asked = self.offers(lambda one: asks_to_swap(one) or one.asks_to_take_over)
        for case, offer in asked[n % len(asked) :][:1] if asked else []:
            if n % 3:
                self._accepts(case, offer, offer.person_id)
                continue
            actor, busy = doer(offer.person_id).actor, DeclineReason.BUSY
            state = self.states[case]
            self._decided(case, decline(state, offer, actor, self.now, reason=busy, channel=Channel.MOBILE))

    def arrive_there(self, n: int) -> None:
        held = self.offers(lambda one: one.state is OfferState.ACCEPTED)
        for case, offer in held[n % len(held) :][:1] if held else []:
            state = self.states[case]
            who, how = doer(offer.person_id), ArrivalMethod.QR_CODE
            part = state.part(offer.part_id)
            self._decided(case, work.arrive(state, part, who, self.now, method=how, distance_m=None))

    def give_away(self, n: int) -> None:
        held = self.offers(lambda one: one.live)
        for case, offer in held[n % len(held) :][:1] if held else []:
            given = passing.hand_over(
                self.states[case], offer, doer("leader"), self.now, reason=ReassignReason.LEAVE, to=None
            )
            self._decided(case, given)

    def end_one(self, n: int) -> None:
        still_open = [case for case, state in self.states.items() if state.case.state is CaseState.OPEN]
        for case in still_open[n % len(still_open) :][:1] if still_open else []:
            self._hear(case, a_merge(case, self.now))
            self._tell(case, endings.merge(self.states[case], self.now))

    def wait(self, n: int) -> None:
        self.now += timedelta(seconds=20 * n)
        for case, state in self.states.items():
            for part in state.parts:
                self._tell(case, lapse(self.states[case], part.id, self.now))

    def take_back(self, n: int) -> None:
        """As the search does when somebody has arrived."""
        arrived = {one.id for _, one in self.offers(lambda one: one.state is OfferState.ARRIVED)}
        for case, offer in self.offers(lambda one: one.swap_of in arrived):
            self._tell(case, swaps.take_back(self.states[case], offer, self.now))

    # ── what holds ────────────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        self.one_live_offer_per_part()
        self.one_live_emergency_per_person_who_goes()
        self.one_owner_and_a_search_that_never_ends_while_open()
        self.parts_and_offers_agree()
        self.nobody_has_two_parts_of_one_case()
        self.nothing_is_asked_once_it_is_over()
        self.the_state_is_the_fold_of_the_story()
        of_swaps = [offer for _, offer in self.offers(lambda one: one.swap_of is not None)]
        assert all(n == 1 for n in Counter(one.person_id for one in of_swaps if asks_to_swap(one)).values())
        assert all(n == 1 for n in Counter(one.swap_of for one in of_swaps).values())
        for case, asked in self.offers(lambda one: one.asks_to_take_over):
            trip = next(one for one in self.states[case].offers if one.id == asked.takes_over)
            assert (trip.state, trip.part_id) == (OfferState.ACCEPTED, asked.part_id)


STEPS = (
    LifeWithSwaps.register_one,
    LifeWithSwaps.everybody_goes,
    LifeWithSwaps.swap,
    LifeWithSwaps.answer,
    LifeWithSwaps.arrive_there,
    LifeWithSwaps.give_away,
    LifeWithSwaps.end_one,
    LifeWithSwaps.wait,
    LifeWithSwaps.take_back,
    LifeWithSwaps.take_over,
)
BEGINNING = [(0, 0), (1, 0), (0, 0), (2, 0)]
"""Somebody is on the way, a second case is heard of, and they are asked to take that one."""


@given(st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 5)), max_size=15))
@settings(max_examples=150, deadline=None)
def test_a_swap_leaves_nobody_on_two_ways(steps: list[tuple[int, int]]) -> None:
    life = LifeWithSwaps()
    for step, n in [*BEGINNING, *steps]:
        STEPS[step](life, n)
        life.check()


def test_the_beginning_is_a_swap_and_accepting_it_frees_the_first_way() -> None:
    life = LifeWithSwaps()
    for step, n in [*BEGINNING, (3, 1)]:
        STEPS[step](life, n)
    [(_, swapped)] = life.offers(lambda one: one.swap_of is not None)
    [(_, left)] = life.offers(lambda one: one.id == swapped.swap_of)
    assert (left.state, swapped.state) == (OfferState.ENDED, OfferState.ACCEPTED)
    assert left.passed_on == ReassignReason.SWAPPED


def test_accepting_a_takeover_ends_the_other_way_and_the_question_never_outlives_it() -> None:
    life = LifeWithSwaps()
    for step, n in [(0, 0), (1, 0), (9, 0)]:
        STEPS[step](life, n)
        life.check()
    [(case, asked)] = life.offers(lambda one: one.asks_to_take_over)
    STEPS[3](life, 1)
    life.check()
    state = life.states[case]
    [trip] = [one for one in state.offers if one.id == asked.takes_over]
    assert (trip.state, trip.passed_on) == (OfferState.ENDED, ReassignReason.TAKEN_OVER)
    assert state.taken_by(asked.part_id) == state.offer(asked.id)
    STEPS[9](life, 0)
    STEPS[4](life, 0)
    life.check()
    assert life.offers(lambda one: one.asks_to_take_over) == []


def test_whoever_is_named_instead_is_asked_once_nobody_is_asked_to_take_over() -> None:
    """In this order: the clock of an offer is the part's, and is stopped by the end of the one before."""
    life = LifeWithSwaps()
    for step, n in [(0, 0), (1, 0), (9, 0)]:
        STEPS[step](life, n)
    [(case, asked)] = life.offers(lambda one: one.asks_to_take_over)
    state = life.states[case]
    trip = state.offer(asked.takes_over) if asked.takes_over is not None else asked
    [other] = [one for one in GOING if one.post is Post.WORKER]
    to = Receiver(other.person_id, True, PostHeld(post=other.post, unit_id=other.unit_id))
    given = passing.hand_over(
        state, trip, doer("leader"), life.now, reason=ReassignReason.BY_SUPERVISOR, to=to
    )
    assert not isinstance(given, Refused)
    told = takeovers.completed(state, given)
    assert [type(event) for event in told] == [CaseReassigned, OfferWithdrawn, CaseOffered]
    life._tell(case, given)
    life.check()
