"""One case, lived by the rules of three services at once, without a database, a topic or a clock.

Each service has its state, its journal, an outbox not yet published, and a place in the one ordered story of the
case. Whoever drives the model says who acts, who publishes and who listens, in any order: that is all the freedom
that processes, queues and outages have. People act on what dispatch knows, residents on what intake knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from typing import Any

from services.dispatch.rules import endings as dispatch_endings
from services.dispatch.rules import heard as dispatch_hears
from services.dispatch.rules import offers, story, work
from services.dispatch.rules.facts import CaseState, Offer, Part, PartState, State
from services.dispatch.rules.refusals import Refused
from services.dispatch.rules.takeovers import completed, may_be_taken_over, taken_back
from services.escalation.rules import case as levels
from services.escalation.rules import ladder
from services.escalation.rules.clocks import By, Decision, Telling
from services.escalation.rules.limits import Station
from services.escalation.subscriptions import SUBSCRIPTIONS
from services.intake.rules import cases as existence
from services.intake.rules import endings, facts
from services.intake.rules.endings import Answers, Asked
from services.intake.rules.refusals import Refused as IntakeRefused
from shared.event import Actor, CaseEvent, Event
from shared.events.dispatch import CaseOffered
from shared.events.escalation import CaseEscalated, EscalationVoided, ReturnRuled
from shared.events.intake import (
    CaseAmended,
    CaseClosed,
    CaseMerged,
    CaseRegistered,
    CaseReopened,
    CaseUnmerged,
    Rung,
)
from shared.going import ArrivalMethod, DeclineReason, LateCause
from shared.ids import uuid7
from shared.vocabulary import (
    ActorKind,
    Channel,
    EscalationReason,
    Level,
    NoteKind,
    Outcome,
    Post,
    Satisfaction,
)
from tests.escalation.story import WORKING

GOERS = ("p-grid-a1-a", "p-grid-a1-b", "p-grid-a2-a")
OFFERED_FOR = timedelta(seconds=60)


def staff(person_id: str) -> Actor:
    return Actor(kind=ActorKind.STAFF, person_id=person_id)


@dataclass
class Ears:
    """How far a service has read the story, and what it has not told yet."""

    name: str
    read: int = 0
    outbox: list[CaseEvent] = field(default_factory=list)
    journal: list[CaseEvent] = field(default_factory=list)

    def announce(self, events: Iterable[Event]) -> None:
        for event in events:
            assert isinstance(event, CaseEvent)
            assert event.source == self.name, "only the owner publishes"
            self.outbox.append(event)
            self.journal.append(event)


class Life:
    """One case and the three services that decide over it. `now` only goes forward."""

    def __init__(self, registered: CaseRegistered, empty: Mapping[Level, str]) -> None:
        """`empty` says why nobody can be there, for each level with nobody."""
        self.registered, self.empty, self.now = registered, empty, registered.at
        self.topic: list[CaseEvent] = [registered]
        self.intake, self.dispatch, self.escalation = Ears("intake", 1), Ears("dispatch"), Ears("escalation")
        self.services = {ears.name: ears for ears in (self.intake, self.dispatch, self.escalation)}
        self.intake.journal.append(registered)
        self.known: facts.Case = existence.registered(registered)
        self.work: State | None = None
        self.level: levels.Case | None = None

    @property
    def stations(self) -> tuple[Station, ...]:
        """Those of the ladder that escalation knows."""
        return self.stations_of(self.registered.ladder if self.level is None else self.level.ladder)

    def stations_of(self, ladder: Sequence[Rung]) -> tuple[Station, ...]:
        return tuple(Station(WORKING, self.empty.get(rung.level)) for rung in ladder)

    # ── what queues do ────────────────────────────────────────────────────────────────────────────────────────────

    def publish(self, service: str) -> None:
        """The oldest event the service has not told yet goes to the end of the story."""
        if outbox := self.services[service].outbox:
            self.topic.append(outbox.pop(0))

    def listen(self, service: str) -> None:
        """The service hears the next event that is not its own."""
        ears = self.services[service]
        while ears.read < len(self.topic):
            event = self.topic[ears.read]
            ears.read += 1
            if event.source != service:
                {"intake": self._intake, "dispatch": self._dispatch, "escalation": self._escalation}[service](
                    event
                )
                return

    def settle(self) -> None:
        """Everything is published and heard, and nothing new follows from it."""
        while any(ears.outbox or ears.read < len(self.topic) for ears in self.services.values()):
            for name in self.services:
                self.publish(name)
                self.listen(name)

    def _intake(self, event: CaseEvent) -> None:
        if type(event) not in existence.CHANGES:
            return
        self.intake.journal.append(event)
        before, self.known = self.known, existence.apply(self.known, event)
        opened = endings.follow_up_for(before, self.known, uuid7(), self.now, has_phone=True)
        if opened is not None:
            self._intake_says([opened])

    def _dispatch(self, event: CaseEvent) -> None:
        if isinstance(event, CaseRegistered):
            self.dispatch.journal.append(event)
            self.work = dispatch_hears.registered(event)
        elif type(event) in dispatch_hears.STEPS and self.work is not None:
            self.dispatch.journal.append(event)
            before, self.work = self.work, story.follow(self.work, [event])
            self._dispatch_says(self._answer_of_dispatch(before, self.work, event))

    def _answer_of_dispatch(self, before: State, state: State, event: CaseEvent) -> list[Event]:
        match event:
            case EscalationVoided():
                return dispatch_endings.step_back(before, state, self.now)
            case CaseReopened():
                return dispatch_endings.relieve(state, self.now)
            case CaseClosed():
                return dispatch_endings.wind_up(state, self.now)
            case CaseMerged():
                return dispatch_endings.merge(state, self.now)
            case CaseUnmerged():
                return dispatch_endings.come_out(state, self.dispatch.journal, self.now)
            case CaseAmended():
                return dispatch_endings.offer_again(state, event, self.now)
            case ReturnRuled():
                return dispatch_endings.obey(state, event, self.now)
            case CaseEscalated():
                return taken_back(state, self.now)
        return []

    def _escalation(self, event: CaseEvent) -> None:
        if isinstance(event, CaseRegistered) or (self.level and type(event) in SUBSCRIPTIONS):
            self.escalation.journal.append(event)
            after = self.stations_of(event.ladder) if isinstance(event, CaseAmended) else self.stations
            decision = ladder.decide(self.level, event, self.stations, self.now, after)
            assert decision is not None
            self._escalation_says(decision)

    def _intake_says(self, events: Iterable[CaseEvent]) -> None:
        events = list(events)
        self.intake.announce(events)
        self.known = reduce(existence.apply, events, self.known)

    def _dispatch_says(self, decided: Iterable[Event] | Refused) -> None:
        if self.work is not None and not isinstance(decided, Refused):
            events = completed(self.work, decided)
            self.dispatch.announce(events)
            self.work = story.follow(self.work, events)

    def _escalation_says(self, decision: Decision) -> None:
        self.escalation.announce(decision.events)
        self.level = decision.case

    # ── what time does ────────────────────────────────────────────────────────────────────────────────────────────

    def ring(self) -> None:
        """Escalation's timers fire, however late."""
        if self.level is not None:
            self._escalation_says(ladder.time_passed(self.level, self.stations, self.now))

    def lapse(self, place: int) -> None:
        if self.work is not None and (part := self._part(place)):
            self._dispatch_says(offers.lapse(self.work, part.id, self.now))

    def link_runs_out(self) -> None:
        if self.known.follow_up is not None:
            self._intake_says(endings.link_unanswered(self.known, self.known.follow_up.id, self.now))

    # ── what people do ────────────────────────────────────────────────────────────────────────────────────────────

    def _part(self, place: int) -> Part | None:
        return self.work.parts[place % len(self.work.parts)] if self.work else None

    def _holder(self, part: Part) -> Offer | None:
        return self.work.live_offer(part.id) if self.work else None

    def _asked(self, part: Part) -> Offer | None:
        """Whoever has to answer; else whoever has it, who answers twice."""
        return self.work.unanswered(part.id) or self._holder(part) if self.work else None

    def offer(self, place: int, goer: int, officer: int = 1) -> None:
        """The search puts a waiting part to somebody: an officer of its unit, or one of those who go; and a way to it
        to somebody who may take it over."""
        part = self._part(place)
        if self.work is None or part is None:
            return
        trip = self._holder(part)
        if part.state is not PartState.WAITING and (trip is None or not may_be_taken_over(self.work, trip)):
            return
        person = GOERS[goer % len(GOERS)] if part.goes else f"p-{part.unit_id}-o{officer}"
        if any(offer.live and offer.person_id == person for offer in self.work.offers):
            return
        event = CaseOffered(
            **offers.about(self.work, part.id, self.now),
            offer_id=uuid7(),
            person_id=person,
            unit_id=part.unit_id,
            post=Post.A if part.goes else Post.DUTY_OFFICER,
            emergency=self.work.case.emergency,
            goes=part.goes,
            expires_at=self.now + OFFERED_FOR,
            chosen_because="model",
            takes_over=trip.id if trip is not None else None,
        )
        self._dispatch_says([event])

    def accept(self, place: int) -> None:
        part = self._part(place)
        if self.work is None or part is None or (offer := self._asked(part)) is None:
            return
        actor = staff(offer.person_id)
        self._dispatch_says(
            offers.accept(self.work, offer, actor, self.now, device_at=None, channel=Channel.MOBILE)
        )

    def decline(self, place: int) -> None:
        part = self._part(place)
        if self.work is None or part is None or (offer := self._asked(part)) is None:
            return
        actor, reason = staff(offer.person_id), DeclineReason.BUSY
        self._dispatch_says(
            offers.decline(self.work, offer, actor, self.now, reason=reason, channel=Channel.MOBILE)
        )

    def do(self, what: str, place: int) -> None:
        """The holder of a part arrives, makes contact, does the other musts, or says it is handled."""
        part = self._part(place)
        if self.work is None or part is None or (offer := self._holder(part)) is None:
            return
        doer = work.Doer(staff(offer.person_id))
        given: dict[str, Any] = {"state": self.work, "part": part, "doer": doer, "now": self.now}
        match what:
            case "arrive":
                self._dispatch_says(work.arrive(**given, method=ArrivalMethod.POSITION, distance_m=20))
            case "contact":
                self._dispatch_says(work.contact(**given))
            case "musts":
                photo = work.ReceivedFile(uuid7(), "image/jpeg", "0" * 64, 1000, None, None)
                self._dispatch_says(work.add_evidence(**given, file=photo))
                for note in (NoteKind.ACCOUNT, NoteKind.MEASURE):
                    given["state"] = self.work
                    self._dispatch_says(work.write_note(**given, note_id=uuid7(), note=note, digest="0" * 64))
            case "handle":
                decided = work.handle(**given, outcome=Outcome.SOLVED, late_cause=LateCause.TRAFFIC)
                self._dispatch_says(decided)

    def raise_by_hand(self, to_level: Level | None = None) -> None:
        if self.level is None or ladder.may_be_raised(self.level, to_level) or not self.level.holders:
            return
        actor = staff(self.level.holders[0].person_id)
        reason = EscalationReason.BEYOND_OUR_POWERS
        by_hand = ladder.ByHand(By(actor, Channel.MOBILE), reason, to_level=to_level)
        before = self.level
        self.at_the_desk(lambda telling: ladder.raise_by_hand(telling, before, by_hand))

    def at_the_desk(self, act: Callable[[Telling], object]) -> None:
        """Somebody acts on the case's time and level, once time has caught up."""
        if self.level is not None:
            telling = ladder.caught_up(self.level, self.stations, self.now)
            act(telling)
            self._escalation_says(telling.decision)

    def on_the_way(self, place: int, act: Callable[[State, Part, work.Doer], list[Event] | Refused]) -> None:
        """The holder of a part does something about it."""
        part = self._part(place)
        if self.work is not None and part is not None and (offer := self._holder(part)) is not None:
            self._dispatch_says(act(self.work, part, work.Doer(staff(offer.person_id))))

    def intake_says(self, event: CaseEvent) -> None:
        self._intake_says([event])

    def ask(self, *, reached: bool, content: bool) -> None:
        """A caller tries the resident."""
        answers = (
            Answers(contacted=True, solved=content, satisfaction=_satisfaction(content)) if reached else None
        )
        asked = Asked(staff("p-caller-1"), Channel.PHONE, answers)
        self._conclude(endings.record_attempt(self.known, asked, WORKING.zone, self.now))

    def answer_link(self, *, content: bool) -> None:
        if self.known.follow_up is None:
            return
        answers = Answers(contacted=True, solved=content, satisfaction=_satisfaction(content))
        self._conclude(endings.answer_link(self.known, self.known.follow_up.id, answers, self.now))

    def verify(self, *, solved: bool) -> None:
        self._conclude(endings.verify(self.known, staff("p-caller-1"), solved=solved, now=self.now))

    def _conclude(self, decided: tuple[CaseEvent, ...] | IntakeRefused) -> None:
        if not isinstance(decided, IntakeRefused):
            self._intake_says(decided)

    # ── what is true ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def everything_told(self) -> list[CaseEvent]:
        """Published or about to be, by whoever owns it."""
        return [
            event for ears in self.services.values() for event in ears.journal if event.source == ears.name
        ]

    @property
    def is_open_to_dispatch(self) -> bool:
        return self.work is not None and self.work.case.state is CaseState.OPEN


def _satisfaction(content: bool) -> Satisfaction:
    return Satisfaction.SATISFIED if content else Satisfaction.DISSATISFIED
