"""A case that was ruled to be another unit's, and is amended or merged before anybody there has taken it; or was raised
and is back at the level of the return when that is ruled on."""

from __future__ import annotations

import pytest

from services.dispatch.rules.facts import PartState
from shared.events.escalation import DeadlineMissed
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, Level, PartRole, Urgency
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


def returned_raised_and_back(asked: bool = False, taken: bool = False) -> tuple[Life, int, int]:
    """The street's officer gives it back; it is raised before that is ruled on, and amended to be the street's after
    all. Then the street is `asked` about it again, or somebody else there has `taken` it. With the places of the part
    that was returned and of the owner's."""
    life = Life(registered(uuid7(), ladder=LADDER[2:]), {})
    life.settle()
    life.offer(0, 0)
    life.accept(0)
    matters.give_back(life, 0)
    life.settle()
    life.raise_by_hand()
    life.settle()
    matters.amend(life, Urgency.ROUTINE, [Level.STREET])
    life.settle()
    assert life.work is not None
    assert life.work.owner is not None
    place = life.work.parts.index(life.work.owner)
    assert place != 0, "the raise opened a part of its own"
    if asked or taken:
        life.offer(place, 0, officer=2)
    if taken:
        life.accept(place)
    life.settle()
    return life, 0, place


@pytest.mark.parametrize("asked", [False, True])
def test_a_ruling_sends_the_case_though_a_raise_opened_another_part_since_the_return(asked: bool) -> None:
    life, returned, place = returned_raised_and_back(asked=asked)
    matters.rule(life, refuse=False)
    life.settle()

    assert life.work is not None
    assert life.level is not None
    assert life.level.unit_id == ELSEWHERE
    owner = life.work.parts[place]
    assert (owner.role, owner.state, owner.unit_id) == (PartRole.OWNER, PartState.WAITING, ELSEWHERE)
    assert owner.own_people_only
    assert life.work.parts[returned].state is PartState.ENDED
    assert not [offer for offer in life.work.offers if offer.live], "free, and nobody of the street is asked"

    matters.amend(life, Urgency.EMERGENCY, [Level.STREET, Level.CIVIL_AFFAIRS])
    life.settle()
    assert life.work.owner is not None
    assert life.work.owner.unit_id == life.level.unit_id == ELSEWHERE, (
        "the ruling stands while the level does"
    )


def test_a_ruling_leaves_the_case_with_whoever_has_taken_it_since_the_return() -> None:
    life, returned, place = returned_raised_and_back(taken=True)
    matters.rule(life, refuse=False)
    life.settle()

    assert life.work is not None
    assert life.level is not None
    owner = life.work.parts[place]
    assert (owner.role, owner.state, owner.unit_id) == (PartRole.OWNER, PartState.ACCEPTED, LADDER[2].unit_id)
    assert life.level.unit_id == LADDER[2].unit_id
    assert life.work.parts[returned].unit_id == ELSEWHERE, "only what was returned goes there"
