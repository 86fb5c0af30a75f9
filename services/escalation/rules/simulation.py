"""What would have been missed and raised under another policy: a case's own story, told again.

Pure over the story. Everything people did is taken to have happened when it happened, and at whatever level the case
would have stood by then; time does the rest. So it answers for limits, not for people, who might have hurried. What
was skipped is skipped again; working time is counted by the calendar as it is known today.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.escalation.rules import extensions, parkings, returns, supervision
from services.escalation.rules.case import Case, ExtensionState
from services.escalation.rules.clocks import By, Decision, Telling
from services.escalation.rules.ladder import (
    MOMENT,
    ByHand,
    caught_up,
    decide,
    may_be_raised,
    raise_by_hand,
    time_passed,
)
from services.escalation.rules.limits import Station
from services.escalation.rules.working_time import WorkingTime
from shared.event import CaseEvent
from shared.events.dispatch import PartEvent
from shared.events.escalation import (
    CaseEscalated,
    CaseParked,
    CaseUnparked,
    DeadlineExtended,
    DeadlineMissed,
    ExtensionAsked,
    ExtensionRefused,
    ReplyGiven,
    ReturnRuled,
    SupervisionAnswered,
    SupervisionOrdered,
)
from shared.events.intake import CaseAmended, CaseRegistered
from shared.things import Policy
from shared.vocabulary import ActorKind, DeadlineKind, EscalationReason, Level, PartRole

OURS = "escalation"


@dataclass(frozen=True)
class Lived:
    """What time did to a case: each miss by kind and level, how often it was raised, how far up it came."""

    misses: tuple[tuple[DeadlineKind, Level], ...]
    raises: int
    level: Level


def live_again(
    story: Sequence[CaseEvent],
    working: Mapping[str, WorkingTime],
    until: datetime,
    policy: Policy | None = None,
    instead_of: str = "",
) -> Lived | None:
    """The story, under `policy` where it was under that called `instead_of`; `None` for one that does not begin with
    a registration. `working` are the working times of its units."""
    retold = Retold(story, working, policy, instead_of)
    for event in sorted(story, key=lambda one: one.at):
        if event.source != OURS:
            retold.hear(event)
        elif event.actor.kind is ActorKind.STAFF and type(event) in BY_PEOPLE:
            retold.do(event)
    return retold.lived(until)


@dataclass
class Retold:
    """A story being told again, each thing at its own time."""

    story: Sequence[CaseEvent]
    working: Mapping[str, WorkingTime]
    policy: Policy | None
    instead_of: str
    told: list[CaseEvent] = field(default_factory=list)
    case: Case | None = None
    stations: tuple[Station, ...] = ()

    def hear(self, event: CaseEvent) -> None:
        """Another service's event, once time has passed up to it: its timers would have rung by then."""
        after = self.stations
        if isinstance(event, CaseRegistered | CaseAmended):
            if self.policy is not None and event.policy.id == self.instead_of:
                event = event.model_copy(update={"policy": self.policy})
            passed_over = _passed_over(self.story)
            after = tuple(
                Station(self.working[rung.unit_id], passed_over.get(rung.level)) for rung in event.ladder
            )
        self.pass_time(event.at - MOMENT)
        before = self.stations or after
        self._keep(decide(self.case, self._where_it_stands(event), before, event.at, after))
        self.stations = after

    def do(self, event: CaseEvent) -> None:
        """What somebody did by hand, if it could still be done."""
        if self.case is not None:
            telling = caught_up(self.case, self.stations, event.at)
            BY_PEOPLE[type(event)](telling, event, self.story)
            self._keep(telling.decision)

    def pass_time(self, until: datetime) -> None:
        if self.case is not None:
            self._keep(time_passed(self.case, self.stations, until))

    def lived(self, until: datetime) -> Lived | None:
        self.pass_time(max([until, *(event.at for event in self.story)]))
        if self.case is None:
            return None
        return Lived(
            misses=tuple((one.kind, one.level) for one in self.told if isinstance(one, DeadlineMissed)),
            raises=sum(isinstance(one, CaseEscalated) for one in self.told),
            level=self.case.level,
        )

    def _keep(self, decision: Decision | None) -> None:
        if decision is not None:
            self.case = decision.case
            self.told += decision.events

    def _where_it_stands(self, event: CaseEvent) -> CaseEvent:
        """What the owner did, at the level where the case stands in this telling."""
        if self.case is None or not isinstance(event, PartEvent) or event.part_role is not PartRole.OWNER:
            return event
        return event.model_copy(update={"level": self.case.level})


def _passed_over(story: Sequence[CaseEvent]) -> dict[Level, str]:
    """Levels that were skipped because nobody was there."""
    return {
        one.level: one.reason
        for event in story
        if isinstance(event, CaseEscalated)
        for one in event.skipped
        if one.reason != "named_further_up"
    }


# ── what people did by hand, where it could still be done ─────────────────────────────────────────────────────────


def _by(event: CaseEvent) -> By:
    return By(event.actor, event.channel)


def _raised(telling: Telling, event: CaseEscalated, story: Sequence[CaseEvent]) -> None:
    if may_be_raised(telling.case, event.to_level) is not None:
        return
    by_hand = ByHand(_by(event), event.reason or EscalationReason.OTHER, to_level=event.to_level)
    raise_by_hand(telling, telling.case, by_hand)


def _ruled(telling: Telling, event: ReturnRuled, story: Sequence[CaseEvent]) -> None:
    returned = returns.return_of(telling.case, event.return_id)
    if returned is not None and returned.is_open:
        returns.rule_return(telling, returned, _by(event), event.ruling, event.to_unit_id, None)


def _asked(telling: Telling, event: ExtensionAsked, story: Sequence[CaseEvent]) -> None:
    if extensions.may_ask(telling, event.until) is None:
        extensions.ask_extension(telling, _by(event), event.until, event.reason)


def _decided(
    telling: Telling, event: DeadlineExtended | ExtensionRefused, story: Sequence[CaseEvent]
) -> None:
    asked = telling.case.asked_extension
    if asked is not None and asked.state is ExtensionState.ASKED:
        approved = isinstance(event, DeadlineExtended)
        extensions.decide_extension(telling, asked, _by(event), approved=approved)


def _parked(telling: Telling, event: CaseParked, story: Sequence[CaseEvent]) -> None:
    if parkings.may_park(telling.case, telling.now, event.review_at, approved=True) is None:
        parkings.park(telling, _by(event), event.owner_id, event.reason, event.review_at, "")


def _unparked(telling: Telling, event: CaseUnparked, story: Sequence[CaseEvent]) -> None:
    if telling.case.parking is not None:
        parkings.unpark(telling, _by(event), event.because)


def _ordered(telling: Telling, event: SupervisionOrdered, story: Sequence[CaseEvent]) -> None:
    if supervision.may_be_ordered(telling.case, event.kind, event.supervising_unit_id) is None:
        supervision.order_by_hand(
            telling, event.kind, event.supervising_unit_id, _by(event), event.order_id, None
        )


def _answered(telling: Telling, event: SupervisionAnswered, story: Sequence[CaseEvent]) -> None:
    """The same order by its place in the story: those that a reopening makes have other ids here."""
    place = _place(story, SupervisionOrdered, lambda one: one.order_id == event.order_id)
    ordered = telling.case.orders[place : place + 1]
    if ordered and ordered[0].answered_at is None:
        supervision.answer(telling, ordered[0], _by(event), event.unit_id, event.id, "")


def _replied(telling: Telling, event: ReplyGiven, story: Sequence[CaseEvent]) -> None:
    owed = [one for one in telling.case.raises if one.owes_a_reply]
    if owed:
        supervision.reply(telling, owed[0], _by(event), event.id, "")


def _place(story: Sequence[CaseEvent], kind: type[CaseEvent], is_it: Callable[..., bool]) -> int:
    of_kind = [one for one in story if isinstance(one, kind)]
    return next((place for place, one in enumerate(of_kind) if is_it(one)), len(of_kind))


BY_PEOPLE: dict[type[CaseEvent], Callable[..., None]] = {
    CaseEscalated: _raised,
    ReturnRuled: _ruled,
    ExtensionAsked: _asked,
    DeadlineExtended: _decided,
    ExtensionRefused: _decided,
    CaseParked: _parked,
    CaseUnparked: _unparked,
    SupervisionOrdered: _ordered,
    SupervisionAnswered: _answered,
    ReplyGiven: _replied,
}
