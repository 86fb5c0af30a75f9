"""Whatever happens in whatever order, a swap leaves nobody on two ways: the promises of `test_machine`, with swaps."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from services.dispatch.rules import passing, swaps
from services.dispatch.rules.facts import Offer, OfferState, PartState
from services.dispatch.rules.offers import Decision, about
from services.dispatch.rules.refusals import Refused
from shared.events.dispatch import CaseOffered
from shared.ids import uuid7
from shared.vocabulary import Channel
from tests.dispatch.test_machine import Life, asks_to_swap
from tests.dispatch.world import doer


class LifeWithSwaps(Life):
    """Emergencies that wait are also put to people on the way to another."""

    def _leaves_way(self, offer: Offer, person: str, decision: Decision) -> bool:
        """Accepting a swap frees whoever accepts of the first way, in the same transaction, or is refused."""
        if isinstance(decision, Refused) or not decision:
            return False
        for case, state in self.states.items():
            for trip in state.offers:
                if trip.id == offer.swap_of:
                    actor = doer(person).actor
                    left = swaps.leave_way(state, trip, actor, self.now, channel=Channel.MOBILE)
                    self._decided(case, left)
                    return not isinstance(left, Refused)
        return True

    @precondition(lambda self: len(self.states) > 1)
    @rule(data=st.data())
    def offer_swap(self, data: st.DataObject) -> None:
        """An emergency that waits is put to somebody on the way to another: once per trip."""
        every = [(case, offer) for case, state in self.states.items() for offer in state.offers]
        used = {offer.swap_of for _, offer in every} | {
            offer.id for _, offer in every if offer.swap_of is not None
        }
        trips = [
            (case, offer)
            for case, offer in every
            if offer.state is OfferState.ACCEPTED and offer.emergency and offer.goes and offer.id not in used
        ]
        waiting = [
            (case, part)
            for case, state in self.states.items()
            for part in state.parts
            if part.state is PartState.WAITING and part.goes and state.case.urgent
        ]
        pairs = [
            (trip, case, part)
            for of_trip, trip in trips
            for case, part in waiting
            if case != of_trip
            and trip.person_id not in passing.on_case(self.states[case]) | passing.unfit(self.states[case])
            and not any(
                one.state is OfferState.OFFERED and one.person_id == trip.person_id for _, one in every
            )
        ]
        if not pairs:
            return
        trip, case, part = data.draw(st.sampled_from(pairs))
        swap = CaseOffered(
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
        self._tell(case, [swap])

    @rule()
    def take_back_swaps_that_are_over(self) -> None:
        """As the search does when somebody has arrived."""
        arrived = {
            one.id
            for state in self.states.values()
            for one in state.offers
            if one.state is OfferState.ARRIVED
        }
        for case, state in self.states.items():
            for offer in state.offers:
                if offer.swap_of in arrived:
                    self._tell(case, swaps.take_back(state, offer, self.now))

    @invariant()
    def one_swap_asked_of_a_person_and_one_per_trip(self) -> None:
        swaps_of = [o for state in self.states.values() for o in state.offers if o.swap_of is not None]
        assert all(n == 1 for n in Counter(o.person_id for o in swaps_of if asks_to_swap(o)).values())
        assert all(n == 1 for n in Counter(o.swap_of for o in swaps_of).values())


TestLifeWithSwaps = LifeWithSwaps.TestCase
TestLifeWithSwaps.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
