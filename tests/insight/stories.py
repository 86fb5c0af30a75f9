"""Whole stories, in the field's words: scenarios 1, 2, 3 and 8 of the product, and a raise that crosses `handled`."""

from __future__ import annotations

from typing import Any

from shared.ids import uuid7
from shared.vocabulary import ClosedBy, EscalationCause, Level, NoticeKind, PartRole, Post, Satisfaction
from tests.insight.story import Story


def manhole_at_night(arrives: float = 14.0, **changes: Any) -> Story:
    """Scenario 1 (and 2 with a late arrival): A lapses, B goes, handled, the resident is satisfied, closed."""
    story = Story(**changes)
    registered = story.registered()
    story.clocks(0, registered, acknowledge=6, arrive=15, contact=15, handle=240)
    to_a = story.offered(0, "p-grid-a1-a", registered)
    story.told_to(0, "p-grid-a1-a", NoticeKind.OFFER, to_a)
    story.lapsed(1, to_a)
    to_b = story.offered(1, "p-grid-a1-b", post=Post.B)
    accepted = story.accepted(1.5, to_b)
    story.cleared(1.6, accepted, acknowledge=(6, True))
    if arrives > 15:
        story.missed(15, "arrive", 15)
    arrived = story.arrived(arrives, accepted)
    story.cleared(arrives, arrived, arrive=(15, arrives <= 15), contact=(15, arrives <= 15))
    story.documented(arrives + 3, accepted)
    handled = story.handled(arrives + 20, accepted)
    story.cleared(arrives + 20, handled, handle=(240, True))
    story.asked(arrives + 20, handled)
    story.clocks(arrives + 20, handled, follow_up=1500)
    return story


def satisfied(story: Story, **answers: Any) -> Story:
    """The resident answers, the case closes."""
    answered = story.answered(60, **answers)
    closed = story.closed(60)
    story.cleared(61, answered, follow_up=(1500, True))
    story.cleared(61, closed)
    return story


def dissatisfied(story: Story) -> Story:
    """Scenario 8: reopened one level up under supervision; an officer holds the second round."""
    story.answered(60, solved=False, satisfaction=Satisfaction.DISSATISFIED)
    reopened = story.reopened(60)
    raised = story.raised(60, Level.COMMUNITY, reopened, cause=EscalationCause.REOPENED)
    story.supervised(60)
    story.clocks(60, acknowledge=70, handle=720)
    story.part_id = uuid7()
    offer = story.offered(
        61,
        "p-community-a-o1",
        raised,
        post=Post.DUTY_OFFICER,
        goes=False,
        unit_id="community-a",
        emergency=False,
    )
    accepted = story.accepted(62, offer)
    story.cleared(62, accepted, acknowledge=(70, True))
    handled = story.handled(300, accepted)
    story.cleared(300, handled, handle=(720, True))
    story.asked(300, handled)
    story.answered(400)
    story.closed(400, level=Level.COMMUNITY)
    return story


def crossed_raise() -> Story:
    """A raise crosses `handled` in flight: it is voided, level and counts agree again."""
    story = Story()
    registered = story.registered()
    story.clocks(0, registered, acknowledge=6, arrive=15, handle=240)
    offer = story.offered(0, "p-grid-a1-a", registered)
    accepted = story.accepted(0.5, offer)
    story.cleared(0.5, accepted, acknowledge=(6, True))
    story.arrived(10, accepted)
    story.documented(12, accepted)
    story.missed(240, "handle", 240)
    raised = story.raised(240, Level.COMMUNITY, cause=EscalationCause.HANDLE_MISSED, counts_from=240)
    story.clocks(240, acknowledge=250, handle=960)
    handled = story.handled(240, accepted)
    story.voided(240.1, Level.GRID, raised, because=handled)
    story.cleared(240.1, handle=(240, True))
    story.asked(240.1, handled)
    return satisfied_late(story)


def satisfied_late(story: Story) -> Story:
    story.answered(300)
    story.closed(300)
    return story


def nobody_answers() -> Story:
    """Scenario 3: the ladder goes up while the search goes on; an officer holds it, a volunteer goes."""
    story = Story()
    registered = story.registered()
    story.clocks(0, registered, acknowledge=6, arrive=15, handle=240)
    going, grid_part = story.part_id, Level.GRID
    story.lapsed(1, story.offered(0, "p-grid-a1-a", registered))
    story.lapsed(2, story.offered(1, "p-grid-a1-b", post=Post.B))
    story.amber(4.8, "acknowledge", 6)
    story.missed(6, "acknowledge", 6)
    raised = story.raised(6, Level.COMMUNITY, cause=EscalationCause.ACKNOWLEDGE_MISSED, counts_from=6)
    story.clocks(6, acknowledge=16, handle=966)
    story.part_id = uuid7()
    officer = story.offered(
        6, "p-community-a-o1", raised, post=Post.DUTY_OFFICER, goes=False, unit_id="community-a"
    )
    holds = story.accepted(7, officer)
    story.cleared(7, holds, acknowledge=(16, True))
    co_handler = story.part(part_id=going, part_role=PartRole.CO_HANDLER, level=grid_part)
    volunteer = story.offered(8, "p-grid-a2-v", post=Post.VOLUNTEER, **co_handler)
    goes = story.accepted(9, volunteer)
    story.missed(15, "arrive", 15)
    arrived = story.arrived(19, goes)
    story.cleared(19, arrived, arrive=(15, False))
    story.documented(20, goes)
    handled = story.handled(50, holds)
    story.cleared(50, handled, handle=(966, True))
    story.asked(50, handled)
    for attempt, minute in enumerate((120, 300, 600), start=1):
        story.not_reached(minute, attempt)
    closed = story.closed(600, by=ClosedBy.THREE_ATTEMPTS, level=Level.COMMUNITY)
    story.ended(601, goes, closed)
    return story


def every_story() -> list[Story]:
    return [
        satisfied(manhole_at_night()),
        satisfied(manhole_at_night(arrives=17)),
        dissatisfied(manhole_at_night()),
        crossed_raise(),
        nobody_answers(),
    ]
