"""A case that was ruled to be another unit's, and is amended or merged before anybody there has taken it."""

from __future__ import annotations

import pytest

from shared.events.escalation import DeadlineMissed
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, Level, Urgency
from tests.escalation.story import LADDER, registered
from tests.life import matters
from tests.life.matters import ELSEWHERE
from tests.life.model import Life


def taken_late() -> Life:
    """Nobody at the street took it in time, nor at the last level; then somebody did, and gave it back."""
    life = Life(registered(uuid7(), ladder=LADDER[2:]), {})
    life.settle()
    assert life.level is not None
    for _ in LADDER[2:]:
        [acknowledge] = life.level.open(DeadlineKind.ACKNOWLEDGE)
        life.now = acknowledge.due_at
        life.ring()
        life.settle()
    assert life.work is not None
    assert life.work.owner is not None
    place = life.work.parts.index(life.work.owner)
    life.offer(place, 0)
    life.accept(place)
    life.settle()
    matters.give_back(life, place)
    life.settle()
    return life


@pytest.mark.parametrize("first", ["intake", "escalation"])
@pytest.mark.parametrize(
    ("levels", "unit_id"), [([Level.CIVIL_AFFAIRS], ELSEWHERE), ([Level.STREET], LADDER[2].unit_id)]
)
def test_a_ruling_stands_while_the_level_does_whatever_dispatch_hears_first(
    first: str, levels: list[Level], unit_id: str
) -> None:
    life = taken_late()
    matters.rule(life, refuse=False)
    matters.amend(life, Urgency.EMERGENCY, levels)
    for _ in range(9):
        life.publish(first)
    for _ in range(9):
        life.listen("dispatch")
    life.settle()

    assert life.work is not None
    assert life.work.owner is not None
    assert life.level is not None
    assert (life.work.owner.unit_id, life.work.owner.level) == (unit_id, levels[0])
    assert (life.level.unit_id, life.level.level) == (unit_id, levels[0])


def test_what_was_missed_before_a_ruling_is_not_said_again_after_a_merge() -> None:
    life = taken_late()
    matters.rule(life, refuse=False)
    life.settle()
    matters.merge(life)
    life.settle()
    matters.unmerge(life)
    life.settle()
    life.ring()

    missed = [
        (event.kind, event.level) for event in life.escalation.journal if isinstance(event, DeadlineMissed)
    ]
    assert (DeadlineKind.ACKNOWLEDGE, Level.CIVIL_AFFAIRS) in missed
    assert len(missed) == len(set(missed))
