"""Whatever people and clocks do in whatever order, the promises of dispatch hold (product.md §2, rules 1, 5 and 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.dispatch.handlers.sought import search_for
from services.dispatch.matching.chain import Choice, Responder, choose, post_by_hand
from services.dispatch.rules import endings, heard, musts, offers, passing, story, takeovers, work
from services.dispatch.rules.facts import CaseState, Offer, OfferState, Part, PartState, State
from services.dispatch.rules.offers import Decision, about
from services.dispatch.rules.passing import Asked, Receiver, Words
from services.dispatch.rules.refusals import Refused
from shared.event import CaseEvent, Event
from shared.events.dispatch import CaseHandled, CaseOffered, NobodyAvailable
from shared.going import ArrivalMethod, DeclineReason, LateCause, ReassignReason
from shared.ids import uuid7
from shared.things import PostHeld
from shared.vocabulary import Channel, EscalationCause, NoteKind, Outcome, PartRole, Post, ReturnBasis, Ruling
from tests.dispatch.world import (
    LADDER,
    START,
    UNIT_AT,
    a_closing,
    a_merge,
    a_raise,
    a_registration,
    a_reopening,
    a_ruling,
    an_amendment,
    an_unmerge,
    doer,
)

GOING = [
    Responder("a", Post.A, "grid-a1"),
    Responder("b", Post.B, "grid-a1"),
    Responder("w", Post.WORKER, "grid-a2"),
    Responder("v", Post.VOLUNTEER, "grid-a1"),
    Responder("leader", Post.LEADER, "grid-a1"),
]
OFFICERS = {
    unit: [Responder(f"{unit}-{n}", Post.DUTY_OFFICER, unit) for n in (1, 2)]
    for level, unit in UNIT_AT.items()
    if level is not LADDER[0]
}


OFFICERS["water-works"] = [Responder(f"water-{n}", Post.DUTY_OFFICER, "water-works") for n in (1, 2)]
UNITS = ["grid-a1", "community-a", "water-works"]


class Life(RuleBasedStateMachine):
    """Cases of one grid, five people who go, two officers per level and of a department; the rules alone, without a
    database."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.states: dict[UUID, State] = {}
        self.stories: dict[UUID, list[Event]] = {}
        self.raise_owed: set[UUID] = set()

    # ── helpers ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, case: UUID, events: list[Event]) -> None:
        for event in takeovers.completed(self.states[case], events):
            if isinstance(event, CaseHandled):
                assert not musts.missing(self.states[case])
            self.stories[case].append(event)
            self.states[case] = story.follow(self.states[case], [event])

    def _decided(self, case: UUID, decision: Decision) -> None:
        if not isinstance(decision, Refused):
            self._tell(case, decision)

    def _case(self, data: st.DataObject) -> UUID:
        return data.draw(st.sampled_from(sorted(self.states)))

    def _offer(self, data: st.DataObject) -> tuple[UUID, UUID, str] | None:
        """A case, one of its parts, and usually whoever is on it."""
        case = self._case(data)
        state = self.states[case]
        if not state.offers:
            return None
        offer = data.draw(st.sampled_from(state.offers))
        person = data.draw(st.sampled_from([offer.person_id] * 5 + ["a"]))
        return case, offer.id, person

    def _busy(self) -> set[str]:
        return {
            offer.person_id
            for state in self.states.values()
            for offer in state.offers
            if offer.live and offer.emergency and offer.goes
        }

    # ── what can happen ───────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: len(self.states) < 3)
    @rule(emergency=st.booleans())
    def register(self, emergency: bool) -> None:
        event = a_registration(category="manhole-cover" if emergency else "road-damage", at=self.now)
        self.states[event.case_id] = heard.registered(event)
        self.stories[event.case_id] = [event]

    @precondition(lambda self: self.states)
    @rule(off_duty=st.sets(st.sampled_from(["a", "b", "w", "v", "leader"]), max_size=5))
    def search(self, off_duty: set[str]) -> None:
        for case in self.states:
            for part in self.states[case].parts:
                if part.state is PartState.WAITING:
                    self._search(case, part, off_duty)

    def _search(self, case: UUID, part: Part, off_duty: set[str]) -> None:
        state, busy = self.states[case], self._busy()
        people = OFFICERS.get(part.unit_id, GOING) if part.own_people_only or not part.goes else GOING
        people = [
            replace(one, on_duty=one.person_id not in off_duty, on_emergency=one.person_id in busy)
            for one in people
        ]
        search = search_for(state, part, None)
        chosen = choose(search, people, self.now)
        if isinstance(chosen, Choice):
            offered = CaseOffered(
                **about(state, part.id, self.now),
                offer_id=uuid7(),
                person_id=chosen.responder.person_id,
                unit_id=chosen.responder.unit_id,
                post=chosen.responder.post,
                emergency=search.emergency,
                goes=search.goes,
                expires_at=chosen.expires_at,
                chosen_because=chosen.because,
            )
            assert chosen.expires_at > self.now
            self._tell(case, [offered])
        elif part.nobody_since is None:
            nobody = NobodyAvailable(**about(state, part.id, self.now), unit_id=part.unit_id)
            self._tell(case, [nobody])

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        if (found := self._offer(data)) is not None:
            case, offer_id, person = found
            self._accepts(case, self.states[case].offer(offer_id), person)

    def _accepts(self, case: UUID, offer: Offer, person: str) -> None:
        actor = doer(person).actor
        decision = offers.accept(
            self.states[case], offer, actor, self.now, device_at=None, channel=Channel.MOBILE
        )
        if self._leaves_way(offer, person, decision):
            self._decided(case, decision)

    def _leaves_way(self, offer: Offer, person: str, decision: Decision) -> bool:
        """Swaps have a machine of their own."""
        return True

    @precondition(lambda self: self.states)
    @rule(data=st.data(), reason=st.sampled_from(DeclineReason))
    def decline(self, data: st.DataObject, reason: DeclineReason) -> None:
        if (found := self._offer(data)) is not None:
            case, offer_id, person = found
            state = self.states[case]
            decision = offers.decline(
                state,
                state.offer(offer_id),
                doer(person).actor,
                self.now,
                reason=reason,
                channel=Channel.MOBILE,
            )
            self._decided(case, decision)

    @rule(seconds=st.sampled_from([1, 30, 60, 120, 1800]))
    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        for case, state in self.states.items():
            for part in state.parts:
                self._tell(case, offers.lapse(self.states[case], part.id, self.now))

    @precondition(lambda self: self.states)
    @rule(data=st.data(), what=st.sampled_from(["arrive", "photo", "account", "measure", "all"]))
    def work_on_it(self, data: st.DataObject, what: str) -> None:
        if (found := self._offer(data)) is None:
            return
        case, offer_id, person = found
        part_id = self.states[case].offer(offer_id).part_id
        for step in ["arrive", "photo", "account", "measure"] if what == "all" else [what]:
            self._decided(case, self._step(self.states[case], part_id, person, step))

    def _step(self, state: State, part_id: UUID, person: str, step: str) -> Decision:
        part, who = state.part(part_id), doer(person)
        if step == "arrive":
            return work.arrive(state, part, who, self.now, method=ArrivalMethod.QR_CODE, distance_m=None)
        if step == "photo":
            file = work.ReceivedFile(uuid7(), "image/jpeg", "0", 1, None, None)
            return work.add_evidence(state, part, who, self.now, file)
        kind = NoteKind(step)
        return work.write_note(state, part, who, self.now, note_id=uuid7(), note=kind, digest="")

    @precondition(lambda self: self.states)
    @rule(data=st.data(), cause=st.sampled_from([None, LateCause.OTHER]))
    def handle(self, data: st.DataObject, cause: LateCause | None) -> None:
        if (found := self._offer(data)) is not None:
            case, offer_id, person = found
            state = self.states[case]
            part = state.part(state.offer(offer_id).part_id)
            decision = work.handle(
                state, part, doer(person), self.now, outcome=Outcome.SOLVED, late_cause=cause
            )
            self._decided(case, decision)

    @precondition(lambda self: self.states)
    @rule(data=st.data(), older=st.booleans())
    def raise_it(self, data: st.DataObject, older: bool) -> None:
        case = self._case(data)
        known = self.states[case].case
        reopened = case in self.raise_owed
        place = LADDER.index(known.level)
        if place == len(LADDER) - 1 and not reopened:
            return
        event = a_raise(
            case,
            LADDER[min(place + 1, len(LADDER) - 1)],
            EscalationCause.REOPENED if reopened else EscalationCause.BY_HAND,
            self.now,
            known.round - 1 if older and not reopened else known.round,
            from_level=known.level,
        )
        self._hear(case, event)
        self._tell(case, takeovers.taken_back(self.states[case], self.now))
        self.raise_owed.discard(case)

    @precondition(lambda self: any(s.case.state is CaseState.HANDLED for s in self.states.values()))
    @rule(data=st.data())
    def dissatisfied(self, data: st.DataObject) -> None:
        handled = [id_ for id_, state in self.states.items() if state.case.state is CaseState.HANDLED]
        case = data.draw(st.sampled_from(sorted(handled)))
        self._hear(case, a_reopening(case, self.states[case].case.round + 1, self.now))
        self._tell(case, endings.relieve(self.states[case], self.now))
        self.raise_owed.add(case)

    @precondition(lambda self: any(s.case.state is CaseState.HANDLED for s in self.states.values()))
    @rule(data=st.data())
    def satisfied(self, data: st.DataObject) -> None:
        handled = [id_ for id_, state in self.states.items() if state.case.state is CaseState.HANDLED]
        case = data.draw(st.sampled_from(sorted(handled)))
        self._hear(case, a_closing(case, self.states[case].case.round, self.now))
        self._tell(case, endings.wind_up(self.states[case], self.now))

    # ── from one to another ───────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.states)
    @rule(data=st.data(), what=st.sampled_from(["return", "down", "share", "help", "done"]))
    def pass_on(self, data: st.DataObject, what: str) -> None:
        if (found := self._offer(data)) is None:
            return
        case, offer_id, person = found
        state = self.states[case]
        part, who = state.part(state.offer(offer_id).part_id), doer(person)
        unit = data.draw(st.sampled_from(UNITS))
        asked, words = Asked(unit, goes=unit.startswith("grid")), Words(uuid7(), "d")
        decisions: dict[str, Callable[[], Decision]] = {
            "return": lambda: passing.return_part(
                state, part, who, self.now, basis=ReturnBasis.DUTY_LIST, to=unit, words=words
            ),
            "down": lambda: passing.hand_down(state, part, who, self.now, to=asked, words=words),
            "share": lambda: passing.ask_co_handler(
                state, part, who, self.now, to=asked, words=words, due_at=None
            ),
            "help": lambda: passing.ask_for_help(
                state, part, who, self.now, help_id=uuid7(), units=[(asked, words)]
            ),
            "done": lambda: passing.finish_task(state, part, who, self.now),
        }
        self._decided(case, decisions[what]())

    @precondition(lambda self: any(r.ruling is None for s in self.states.values() for r in s.returns))
    @rule(data=st.data(), ruling=st.sampled_from(Ruling))
    def rule_on_it(self, data: st.DataObject, ruling: Ruling) -> None:
        pending = [(c, r) for c, s in self.states.items() for r in s.returns if r.ruling is None]
        case, made = data.draw(st.sampled_from(pending))
        event = a_ruling(case, made.id, made.part_id, ruling, made.rightful_unit_id, self.now)
        self._hear(case, event)
        self._tell(case, endings.obey(self.states[case], event, self.now))

    @precondition(lambda self: self.states)
    @rule(
        data=st.data(),
        reason=st.sampled_from(
            sorted(set(ReassignReason) - {ReassignReason.SWAPPED, ReassignReason.TAKEN_OVER})
        ),
        to=st.sampled_from([None, "b", "w", "v", "leader"]),
        on_duty=st.booleans(),
    )
    def hand_over(self, data: st.DataObject, reason: ReassignReason, to: str | None, on_duty: bool) -> None:
        case = self._case(data)
        for person in ("a", "b", "v"):
            for offer in passing.on_hand(self.states[case], person, reason):
                if to is not None and offer.emergency and offer.goes and to in self._busy():
                    continue
                state = self.states[case]
                part = state.part(offer.part_id)
                posts = [PostHeld(post=one.post, unit_id=one.unit_id) for one in GOING if one.person_id == to]
                held = post_by_hand(search_for(state, part, None), posts, owns=part.role is PartRole.OWNER)
                receiver = None if to is None else Receiver(to, on_duty, held)
                decision = passing.hand_over(
                    state, offer, doer("leader"), self.now, reason=reason, to=receiver
                )
                self._decided(case, decision)

    @precondition(lambda self: any(s.case.state is CaseState.OPEN for s in self.states.values()))
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        still_open = [id_ for id_, s in self.states.items() if s.case.state is CaseState.OPEN]
        case = data.draw(st.sampled_from(sorted(set(still_open) - self.raise_owed) or sorted(still_open)))
        if case not in self.raise_owed:
            self._hear(case, a_merge(case, self.now))
            self._tell(case, endings.merge(self.states[case], self.now))

    @precondition(lambda self: any(s.case.state is CaseState.MERGED for s in self.states.values()))
    @rule(data=st.data())
    def unmerge(self, data: st.DataObject) -> None:
        merged = [id_ for id_, state in self.states.items() if state.case.state is CaseState.MERGED]
        case = data.draw(st.sampled_from(sorted(merged)))
        self._hear(case, an_unmerge(case, self.now))

    @precondition(lambda self: self.states)
    @rule(data=st.data(), grid=st.sampled_from(["grid-a1", "grid-a2", None]), emergency=st.booleans())
    def amend(self, data: st.DataObject, grid: str | None, emergency: bool) -> None:
        case = self._case(data)
        event = an_amendment(
            self.states[case].case, grid, "manhole-cover" if emergency else "road-damage", self.now
        )
        self._hear(case, event)
        self._tell(case, endings.offer_again(self.states[case], event, self.now))

    def _hear(self, case: UUID, event: CaseEvent) -> None:
        self.stories[case].append(event)
        self.states[case] = story.follow(self.states[case], [event])

    # ── what holds ────────────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def one_live_offer_per_part(self) -> None:
        """Beside whoever has it one more person may be asked, to take it over: as the two unique indexes see it."""
        live = [one for state in self.states.values() for one in state.offers if one.live]
        held = Counter(one.part_id for one in live if not one.asks_to_take_over)
        asked = Counter(one.part_id for one in live if one.state is OfferState.OFFERED)
        assert all(count == 1 for count in (*held.values(), *asked.values()))

    @invariant()
    def one_live_emergency_per_person_who_goes(self) -> None:
        live = Counter(
            offer.person_id
            for state in self.states.values()
            for offer in state.offers
            if offer.live and offer.emergency and offer.goes and not asks_to_swap(offer)
        )
        assert all(count == 1 for count in live.values())

    @invariant()
    def one_owner_and_a_search_that_never_ends_while_open(self) -> None:
        for case, state in self.states.items():
            owners = [p for p in state.parts if p.role is PartRole.OWNER and p.state is not PartState.ENDED]
            assert len(owners) <= 1
            if state.case.state is not CaseState.OPEN or case in self.raise_owed:
                continue
            assert len(owners) == 1
            assert owners[0].state is not PartState.HANDLED
            returned = any(one.ruling is Ruling.REDISPATCH for one in state.returns)
            if state.case.emergency and state.case.round == 1 and not returned:
                assert any(p.goes and p.state is not PartState.ENDED for p in state.parts)

    @invariant()
    def parts_and_offers_agree(self) -> None:
        for state in self.states.values():
            for part in state.parts:
                live = state.live_offer(part.id)
                if part.state in (PartState.OFFERED, PartState.ACCEPTED, PartState.ARRIVED):
                    assert live is not None
                    assert live.state == part.state.value
                else:
                    assert live is None

    @invariant()
    def nobody_has_two_parts_of_one_case(self) -> None:
        for state in self.states.values():
            on_it = [offer.person_id for offer in state.offers if offer.live]
            assert len(on_it) == len(set(on_it))

    @invariant()
    def a_unit_returns_once_and_never_after_a_refusal(self) -> None:
        for state in self.states.values():
            refused = Counter(one.unit_id for one in state.returns if one.ruling is Ruling.REFUSE)
            pending = Counter(one.unit_id for one in state.returns if one.ruling is None)
            assert all(count == 1 for count in (*refused.values(), *pending.values()))
            assert not refused.keys() & pending.keys()

    @invariant()
    def a_conflict_of_interest_is_for_good(self) -> None:
        for state in self.states.values():
            for gone in state.offers:
                if gone.passed_on == ReassignReason.CONFLICT_OF_INTEREST and gone.ended_at is not None:
                    asked = [one for one in state.offers if one.person_id == gone.person_id]
                    assert all(one.offered_at <= gone.ended_at for one in asked)

    @invariant()
    def a_volunteer_owns_nothing(self) -> None:
        for state in self.states.values():
            for offer in state.offers:
                if offer.held and offer.post is Post.VOLUNTEER:
                    assert state.part(offer.part_id).role is PartRole.CO_HANDLER

    @invariant()
    def nothing_is_asked_once_it_is_over(self) -> None:
        for state in self.states.values():
            if state.case.state is not CaseState.OPEN:
                assert not [offer for offer in state.offers if offer.goes and offer.live]
                assert not [offer for offer in state.offers if offer.state is OfferState.OFFERED]
                assert not [part for part in state.parts if part.state is PartState.WAITING]

    @invariant()
    def the_state_is_the_fold_of_the_story(self) -> None:
        for case, state in self.states.items():
            assert story.fold(self.stories[case]) == state


def asks_to_swap(offer: Offer) -> bool:
    """What the unique index of emergencies leaves out."""
    return offer.swap_of is not None and offer.state is OfferState.OFFERED


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
