"""The life of a case under the seven rules of product.md §2, whatever happens in whatever order."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import reduce
from typing import TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.dispatch.rules import story
from services.dispatch.rules.facts import HELD, CaseState, PartState, State
from services.escalation.rules import case as levels
from services.escalation.rules.fold import apply as apply_to_level
from services.escalation.rules.listing import list_due_at
from services.insight.rules import fold as read_side
from services.insight.rules.facts import CaseRow
from services.intake.rules import cases as existence
from services.notify.rules import replica as telling
from services.registry.defaults.policies import EMERGENCY, ROUTINE
from shared.event import CaseEvent
from shared.events.dispatch import CaseHandled, OfferDeclined
from shared.events.escalation import CaseEscalated, DeadlineMissed, DeadlinesSet, EscalationVoided
from shared.events.intake import CaseAmended, CaseClosed, CaseMerged, CaseRegistered, FollowUpRecorded
from shared.ids import uuid7
from shared.vocabulary import (
    ActorKind,
    Channel,
    ClosedBy,
    DeadlineKind,
    EscalationCause,
    Level,
    Urgency,
)
from shared.vocabulary import CaseState as PublicState
from tests.escalation.story import LADDER, WORKING, registered
from tests.life import matters
from tests.life.model import Life
from tests.life.oracle import Oracle

Told = TypeVar("Told", bound=CaseEvent)
SERVICES = st.sampled_from(["intake", "dispatch", "escalation"])
PLACES = st.integers(0, 4)
TAKEN = {PartState.ACCEPTED, PartState.ARRIVED}
RAISED_BY_A_DEADLINE = {
    DeadlineKind.ACKNOWLEDGE: EscalationCause.ACKNOWLEDGE_MISSED,
    DeadlineKind.HANDLE: EscalationCause.HANDLE_MISSED,
}


class LifeOfACase(RuleBasedStateMachine):
    """Processes stop and go, queues run late, people do what they like; the seven rules hold all the same."""

    @initialize(
        urgency=st.sampled_from([Urgency.EMERGENCY, Urgency.EMERGENCY, Urgency.ROUTINE]),
        lowest=st.integers(0, 3),
        empty=st.sets(st.integers(0, 3)),
        can_be_asked=st.booleans(),
    )
    def register(self, urgency: Urgency, lowest: int, empty: set[int], can_be_asked: bool) -> None:
        rungs = LADDER[lowest:]
        because = "nobody_rostered" if urgency is Urgency.EMERGENCY else "post_not_filled"
        event = registered(
            uuid7(),
            urgency=urgency,
            ladder=rungs,
            policy=EMERGENCY if urgency is Urgency.EMERGENCY else ROUTINE,
            requester_can_be_asked=can_be_asked,
        )
        self.life = Life(event, {LADDER[place].level: because for place in empty})

    # ── what may happen ───────────────────────────────────────────────────────────────────────────────────────────

    @rule(seconds=st.sampled_from([1, 20, 59, 60, 180, 360, 900, 3600, 14_400, 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.life.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.life.level is not None and self.life.level.open())
    @rule(late_by=st.sampled_from([0, 0, 1, 600]))
    def the_next_deadline_comes(self, late_by: int) -> None:
        assert self.life.level is not None
        bells = [one.due_at for one in self.life.level.open() if one.due_at > self.life.now]
        self.life.now = max(self.life.now, min(bells, default=self.life.now)) + timedelta(seconds=late_by)
        self.deadlines_ring()

    @rule()
    def deadlines_ring(self) -> None:
        self.life.ring()
        if self.life.level is not None:
            assert not [
                one
                for one in self.life.level.open(DeadlineKind.ACKNOWLEDGE, DeadlineKind.HANDLE)
                if one.colour is not levels.Colour.RED and one.due_at <= self.life.now
            ], "rule 4: what nobody took by now was raised by now"

    @rule(service=SERVICES, often=st.integers(1, 4))
    def somebody_publishes(self, service: str, often: int) -> None:
        for _ in range(often):
            self.life.publish(service)

    @rule(service=SERVICES, often=st.integers(1, 6))
    def somebody_listens(self, service: str, often: int) -> None:
        for _ in range(often):
            self.life.listen(service)

    @rule()
    def everybody_catches_up(self) -> None:
        self.life.settle()
        self.they_agree()

    @precondition(lambda self: self.life.is_open_to_dispatch)
    @rule(place=PLACES, goer=st.integers(0, 2), accepted=st.booleans())
    def somebody_is_asked(self, place: int, goer: int, accepted: bool) -> None:
        self.life.offer(place, goer)
        if accepted:
            self.life.accept(place)

    @precondition(lambda self: self.life.work is not None)
    @rule(place=PLACES, answer=st.sampled_from(["accept", "decline", "lapse"]))
    def an_offer_ends(self, place: int, answer: str) -> None:
        getattr(self.life, answer)(place)

    @precondition(lambda self: self.life.is_open_to_dispatch)
    @rule(place=PLACES, what=st.sampled_from(["arrive", "contact", "musts", "handle"]))
    def a_holder_works(self, place: int, what: str) -> None:
        self.life.do(what, place)

    @precondition(lambda self: self.life.is_open_to_dispatch)
    @rule(place=PLACES, goer=st.integers(0, 2))
    def somebody_does_it_all(self, place: int, goer: int) -> None:
        self.life.offer(place, goer)
        self.life.accept(place)
        for what in ("arrive", "contact", "musts", "handle"):
            self.life.do(what, place)

    @rule(to_level=st.sampled_from([None, None, *Level]))
    def a_holder_raises_it(self, to_level: Level | None) -> None:
        self.life.raise_by_hand(to_level)

    @precondition(lambda self: self.life.known.open)
    @rule(
        urgency=st.sampled_from([Urgency.EMERGENCY, Urgency.ROUTINE]),
        levels=st.sets(st.sampled_from(sorted(matters.ALL_LEVELS)), min_size=1),
        moved=st.booleans(),
    )
    def an_operator_amends_it(self, urgency: Urgency, levels: set[Level], moved: bool) -> None:
        """Another ladder, of other units or other levels, while raises by the old one are on their way."""
        matters.amend(self.life, urgency, levels, moved=moved)

    @rule(out=st.booleans())
    def an_operator_merges_it_or_takes_it_out(self, out: bool) -> None:
        """Raises, their voids, acceptances and a `handled` may be on their way: each finds the case merged or out
        again. A case that somebody says is handled is not merged any more, once that is heard."""
        if out:
            matters.unmerge(self.life)
        else:
            matters.merge(self.life)

    @precondition(lambda self: self.life.is_open_to_dispatch and self.life.known.open)
    @rule(goer=st.integers(0, 2), first=SERVICES, heard=st.integers(0, 40), out=st.booleans())
    def it_is_merged_while_somebody_says_it_is_handled(
        self, goer: int, first: str, heard: int, out: bool
    ) -> None:
        """The two cross; it may be out again before or after each of the three has heard of the other."""
        for place in range(5):
            self.somebody_does_it_all(place, goer)
        matters.merge(self.life)
        self.life.publish(first)
        for _ in range(heard):
            self.life.publish("dispatch")
            self.life.listen(first)
        if out:
            matters.unmerge(self.life)

    @precondition(lambda self: self.life.is_open_to_dispatch)
    @rule(place=PLACES, what=st.integers(0, 2), minutes=st.integers(1, 3000))
    def a_holder_passes_some_of_it_on(self, place: int, what: int, minutes: int) -> None:
        self.life.offer(place, 0)
        self.life.accept(place)
        if what == 0:
            matters.give_back(self.life, place)
        elif what == 1:
            matters.ask_for_hands(self.life, place, minutes)
        else:
            matters.finish_a_task(self.life, place)

    @precondition(lambda self: self.life.is_open_to_dispatch)
    @rule(place=PLACES, yes=st.booleans(), returned=st.booleans())
    def what_a_holder_asks_for_is_decided(self, place: int, yes: bool, returned: bool) -> None:
        if returned:
            self.a_holder_passes_some_of_it_on(place, 0, 1)
            self.life.settle()
            matters.rule(self.life, refuse=not yes)
        else:
            matters.put_off(self.life, 24)
            matters.decide_extension(self.life, approved=yes)

    @rule(yes=st.booleans(), hours=st.integers(1, 200), what=st.integers(0, 6))
    def somebody_decides_at_a_desk(self, yes: bool, hours: int, what: int) -> None:
        acts = (
            lambda: matters.rule(self.life, refuse=yes),
            lambda: matters.put_off(self.life, hours),
            lambda: matters.decide_extension(self.life, approved=yes),
            lambda: matters.park(self.life, 1 + hours % 90),
            lambda: matters.unpark(self.life),
            lambda: matters.order(self.life),
            lambda: matters.answer(self.life),
        )
        acts[what]()

    @precondition(lambda self: self.life.known.follow_up is not None)
    @rule(reached=st.booleans(), content=st.booleans())
    def a_caller_asks(self, reached: bool, content: bool) -> None:
        self.life.ask(reached=reached, content=content)

    @precondition(lambda self: self.life.known.follow_up is not None)
    @rule(hours=st.integers(0, 24))
    def callers_try_in_vain(self, hours: int) -> None:
        for _ in range(3):
            self.life.ask(reached=False, content=False)
            self.life.now += timedelta(hours=hours)

    @precondition(lambda self: self.life.known.follow_up is not None)
    @rule(content=st.booleans(), by_link=st.booleans())
    def the_resident_answers_or_a_verifier_does(self, content: bool, by_link: bool) -> None:
        if by_link:
            self.life.answer_link(content=content)
        else:
            self.life.verify(solved=content)

    @rule()
    def the_link_runs_out(self) -> None:
        self.life.link_runs_out()

    # ── the seven rules ───────────────────────────────────────────────────────────────────────────────────────────

    def they_agree(self) -> None:
        """Rule 1, once everything is heard: one owner or owning unit, one supervising unit, one next thing that
        happens by itself; and nobody tells another story of the level."""
        level, work, known = self.life.level, self.life.work, self.life.known
        assert level is not None
        assert work is not None
        self.they_tell_the_same(level)
        assert (level.closed_at is not None) == (work.case.state is CaseState.CLOSED)
        assert (level.closed_at is not None) == (known.closed_at is not None)
        assert level.round == work.case.round == known.round
        merged = level.merged_into is not None
        assert merged == (work.case.state is CaseState.MERGED) == (known.state is PublicState.MERGED)
        if level.closed_at is not None or merged:
            assert not level.open(), "a closed case has no clocks, and a merged one has its parent's"
            return
        assert level.is_worked_on == (work.case.state is CaseState.OPEN)
        assert level.level == known.level == work.case.level
        if level.is_worked_on:
            owner = work.owner
            assert owner is not None, "somebody always answers for it"
            kept = owner.state in TAKEN or owner.level is not level.level
            assert owner.unit_id == level.unit_id or kept, "but for a part that was taken before an amendment"
            assert owner.state in {
                PartState.WAITING,
                PartState.OFFERED,
                PartState.ACCEPTED,
                PartState.ARRIVED,
            }
            listed = list_due_at(level, self.life.stations)
            assert listed or any(one.rings_at for one in level.open()), "something happens by itself"
        else:
            assert known.follow_up is not None
            assert known.follow_up.open
            assert level.open(DeadlineKind.FOLLOW_UP)

    def they_tell_the_same(self, level: levels.Case) -> None:
        """The read side and whoever tells people show the clocks that run, and no others."""
        nothing: CaseRow | None = None
        read = reduce(read_side.apply, self.life.topic, nothing)
        told = reduce(telling.apply, self.life.topic[1:], telling.opened(self.life.registered))
        assert read is not None
        red = levels.Colour.RED
        open_clocks = {
            (one.kind, one.about, one.level, one.round, one.due_at, one.colour is red) for one in level.open()
        }
        shown = {
            (one.kind, one.about, one.level, one.round, one.due_at, one.missed_at is not None)
            for one in read.clocks
            if one.stopped_at is None
        }
        assert shown == open_clocks
        assert told.due == {one.kind: one.due_at for one in level.open() if one.about is None}
        assert told.level == level.level
        assert (read.entered_level or level.ladder[0].level) == level.level

    @invariant()
    def rule_2_the_residents_clock_never_restarts(self) -> None:
        life = self.life
        assert life.known.registered_at == life.registered.at
        if life.work is not None:
            assert life.work.case.registered_at == life.registered.at
        if life.level is not None:
            assert life.level.registered_at == life.registered.at

    @invariant()
    def rule_3_deadlines_are_absolute_and_missed_once_and_never_early(self) -> None:
        oracle = Oracle.of(self.life.registered)
        missed: Counter[tuple[str, UUID | None, str, int]] = Counter()
        said: set[tuple[str, UUID | None, str, int, datetime]] = set()
        ever = set(said)
        ran_out: dict[tuple[EscalationCause, Level, int], datetime] = {}
        for event in self.life.escalation.journal:
            oracle.read(event)
            match event:
                case CaseEscalated() if event.cause in RAISED_BY_A_DEADLINE.values():
                    old = ran_out[event.cause, event.from_level, event.round]
                    assert event.counts_from == old, "the new limit counts from the old due_at"
                case EscalationVoided():
                    missed.clear()  # back at a lower level, it may climb to the others again
                    level = list(Level).index(event.level)
                    said = {one for one in said if list(Level).index(Level(one[2])) <= level}
                case CaseAmended() if "ladder" in event.changed:
                    missed.clear()
                case CaseMerged():  # out again, it is handled anew and asked about from then on
                    missed = Counter(
                        {one: n for one, n in missed.items() if one[0] != DeadlineKind.FOLLOW_UP}
                    )
                case DeadlinesSet():
                    for one in event.deadlines:
                        clock = (one.kind, one.about, event.level, event.round)
                        # One that ran out and is set again stands red as it was missed.
                        assert one.due_at in oracle.dues(one, event) or (*clock, one.due_at) in ever
                        assert one.kind is not DeadlineKind.ARRIVE or event.round == 1
                        if oracle.taken_from.get((event.level, event.round)) == event.at:
                            missed[clock] = 0  # a unit it was sent to has its own time to take it
                case DeadlineMissed():
                    clock = (event.kind, event.about, event.level, event.round)
                    missed[clock] += 1
                    assert (*clock, event.due_at) not in said, "whatever set the clock again"
                    said.add((*clock, event.due_at))
                    ever |= said
                    if (cause := RAISED_BY_A_DEADLINE.get(event.kind)) is not None:
                        ran_out[cause, event.level, event.round] = event.due_at
                    assert event.at >= event.due_at
        assert set(missed.values()) <= {0, 1}

    @invariant()
    def rule_4_the_last_level_is_never_skipped_and_a_skip_is_recorded(self) -> None:
        rungs: list[list[Level]] = []
        for event in self.life.escalation.journal:
            if isinstance(event, CaseRegistered | CaseAmended):
                rungs = [[rung.level for rung in event.ladder], *rungs[:1]]
            elif isinstance(event, CaseEscalated):
                self._skipped_only_with_reason(event, rungs)
            elif event.source != "escalation":
                rungs = rungs[:1]

    def _skipped_only_with_reason(self, event: CaseEscalated, ladders: list[list[Level]]) -> None:
        """What was due before an amendment is said once it is heard, on the ladder as it was."""
        steps = (event.from_level, *(one.level for one in event.skipped), event.to_level)
        if event.cause is EscalationCause.REOPENED and event.from_level is event.to_level:
            steps = (event.from_level,)
        fitting = [one for one in ladders if "/".join(steps) in "/".join(one)]
        assert fitting, "every level between was skipped, and said so"
        for one in event.skipped:
            because = self.life.empty.get(one.level)
            assert because == one.reason or (because, one.reason) == (None, "named_further_up")
            assert because or event.cause is EscalationCause.BY_HAND
        last = {one[-1] for one in fitting}
        assert event.to_level not in self.life.empty or event.to_level in last, (
            "nobody is skipped but a level with nobody"
        )

    @invariant()
    def rule_5_a_part_has_one_live_offer_and_one_holder(self) -> None:
        work = self.life.work
        if work is None:
            return
        for part in work.parts:
            live = [offer for offer in work.offers if offer.part_id == part.id and offer.live]
            assert len([offer for offer in live if not offer.asks_to_take_over]) <= 1
            assert len([offer for offer in live if not offer.held]) <= 1, (
                "one person is asked, beside the holder"
            )
            assert all(
                work.offer(offer.takes_over).held for offer in live if offer.takes_over and not offer.held
            )
            holders = {o.person_id for o in work.offers if o.part_id == part.id and o.state in HELD}
            assert len(holders) <= 1
        assert len([p for p in work.parts if p.role == "owner" and p.state is not PartState.ENDED]) <= 1
        for person in {offer.person_id for offer in work.offers}:
            going = [o for o in work.offers if o.person_id == person and o.goes and o.live and o.emergency]
            assert len(going) <= 1

    @invariant()
    def rule_6_closed_needs_an_answer_or_three_attempts_or_a_verifier(self) -> None:
        journal = self.life.intake.journal
        for place, event in enumerate(journal):
            if not isinstance(event, CaseClosed):
                continue
            before = [one for one in journal[:place] if getattr(one, "round", None) == event.round]
            assert any(isinstance(one, CaseHandled) for one in before), (
                "nothing is closed that nobody handled"
            )
            asked = [one for one in before if isinstance(one, FollowUpRecorded)]
            match event.closed_by:
                case ClosedBy.FOLLOW_UP:
                    assert asked[-1].reached
                    assert asked[-1].solved
                case ClosedBy.THREE_ATTEMPTS:
                    calls = [one for one in asked if one.channel is not Channel.LINK]
                    assert len(asked) == 3
                    assert len(calls) >= 2, "an unanswered link is one attempt at most"
                    assert len({one.at.astimezone(WORKING.zone).hour for one in calls}) == len(calls)
                case _:
                    assert event.closed_by is ClosedBy.VERIFICATION
                    assert not self.life.registered.requester_can_be_asked

    @invariant()
    def rule_7_every_change_names_actor_channel_time_and_reason(self) -> None:
        for event in self.life.everything_told:
            assert event.actor.kind is not ActorKind.STAFF or event.actor.person_id
            assert event.channel
            assert event.at >= self.life.registered.at
            if isinstance(event, CaseEscalated) and event.cause is EscalationCause.BY_HAND:
                assert event.reason
            if isinstance(event, OfferDeclined):
                assert event.reason

    @invariant()
    def rule_7_changes_are_only_added(self) -> None:
        life = self.life
        nothing: levels.Case | None = None
        assert reduce(apply_to_level, life.escalation.journal, nothing) == life.level
        assert existence.fold(life.intake.journal) == life.known
        folded: State | None = story.fold(life.dispatch.journal)
        assert folded == life.work

    @invariant()
    def a_raise_is_voided_once_and_only_a_raise(self) -> None:
        raised = {event.id for event in self._told_by_escalation(CaseEscalated)}
        voided = [one for event in self._told_by_escalation(EscalationVoided) for one in event.voids]
        assert len(set(voided)) == len(voided)
        assert set(voided) <= raised

    def _told_by_escalation(self, told: type[Told]) -> list[Told]:
        return [event for event in self.life.escalation.journal if isinstance(event, told)]

    def teardown(self) -> None:
        if hasattr(self, "life"):
            self.life.settle()
            self.they_agree()
            self.rule_3_deadlines_are_absolute_and_missed_once_and_never_early()


TestLifeOfACase = LifeOfACase.TestCase
TestLifeOfACase.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
