"""A category says which levels may handle a case, so a ladder may begin above the grid, leave levels out, and end below
civil affairs: whatever is first is the lowest, and whatever is last is the last level."""

from __future__ import annotations

import pytest

from services.escalation.rules import extensions, parkings
from services.escalation.rules.case import Colour
from services.escalation.rules.ladder import may_be_raised, next_rung
from services.escalation.rules.listing import list_due_at
from services.registry.defaults.policies import ROUTINE
from shared.events.escalation import CaseEscalated, CaseListed, EscalationVoided, SupervisionOrdered
from shared.events.intake import Rung
from shared.vocabulary import (
    DeadlineKind,
    EscalationCause,
    ExtensionReason,
    Level,
    Outcome,
    ReopenReason,
    Urgency,
)
from tests.escalation.story import LADDER, OFFICER, Story, after, everybody_there

Ladder = tuple[Rung, ...]
ACK, ARRIVE, HANDLE = DeadlineKind.ACKNOWLEDGE, DeadlineKind.ARRIVE, DeadlineKind.HANDLE
GRID, COMMUNITY, STREET, TOP = LADDER
DAY = 24 * 60
LADDERS = [
    (GRID,),
    (COMMUNITY,),
    (TOP,),
    (GRID, COMMUNITY),
    (COMMUNITY, STREET),
    (GRID, STREET),
    (GRID, COMMUNITY, STREET),
    (COMMUNITY, STREET, TOP),
    LADDER,
]


def named(ladder: Ladder) -> str:
    return "-".join(rung.level for rung in ladder)


every_ladder = pytest.mark.parametrize("ladder", LADDERS, ids=named)


@every_ladder
def test_it_begins_at_its_first_rung_with_all_its_clocks(ladder: Ladder) -> None:
    story = Story(ladder=ladder)
    limits = story.case.policy.limits(ladder[0].level)
    assert limits.acknowledge is not None
    assert (story.level, story.case.unit_id) == (ladder[0].level, ladder[0].unit_id)
    assert (story.due(ACK), story.due(ARRIVE)) == (limits.acknowledge.amount, 15)
    assert story.due(HANDLE) is not None


@every_ladder
def test_nobody_takes_it_so_it_climbs_rung_by_rung_and_is_listed_at_its_last(ladder: Ladder) -> None:
    story = Story(ladder=ladder)
    story.at(30 * DAY)
    raises = [event for event in story.told if isinstance(event, CaseEscalated)]
    assert [event.to_unit_id for event in raises] == [rung.unit_id for rung in ladder[1:]]
    assert story.level is ladder[-1].level
    assert {one.colour for one in story.case.open(ACK, HANDLE)} == {Colour.RED}
    assert list_due_at(story.case, story.stations) is not None
    [listed] = [event for event in story.told if isinstance(event, CaseListed)]
    assert listed.unit_id == ladder[-1].unit_id
    assert may_be_raised(story.case) == "last-level"


@every_ladder
def test_the_last_rung_is_never_skipped_whatever_it_is(ladder: Ladder) -> None:
    nobody = everybody_there(len(ladder), range(len(ladder)))
    story = Story(ladder=ladder)
    rung, skipped = next_rung(story.case, nobody)
    assert rung == len(ladder) - 1
    assert [one.unit_id for one in skipped] == [one.unit_id for one in ladder[1:-1]]


@every_ladder
def test_a_reopened_case_goes_one_up_under_supervision_or_stays_at_its_last(ladder: Ladder) -> None:
    story = Story(ladder=ladder)
    story.hear(story.handled(30))
    story.hear(story.reopened(60))
    place = min(1, len(ladder) - 1)
    assert story.case.unit_id == ladder[place].unit_id
    [order] = [event for event in story.told if isinstance(event, SupervisionOrdered)]
    assert order.supervising_unit_id == ladder[min(place + 1, len(ladder) - 1)].unit_id
    assert {one.kind for one in story.case.open()} >= {ACK, HANDLE}


@every_ladder
def test_a_contested_answer_goes_to_the_first_rung_with_officers(ladder: Ladder) -> None:
    story = Story(Urgency.ROUTINE, ladder=ladder, ends_at_once=Outcome.ANSWERED)
    story.hear(story.closed(0))
    told = story.hear(story.reopened(60, because=ReopenReason.CONTESTED))
    [raised] = [event for event in told if isinstance(event, CaseEscalated)]
    above_grid = [rung for rung in ladder if rung.level is not Level.GRID]
    assert (raised.cause, raised.to_unit_id) == (
        EscalationCause.REOPENED,
        (above_grid or [ladder[0]])[0].unit_id,
    )
    assert story.open(ACK) is not None


@every_ladder
def test_what_its_first_rung_handled_takes_back_every_raise(ladder: Ladder) -> None:
    story = Story(ladder=ladder)
    story.hear(story.accepted(1))
    handled = story.handled(20)
    story.at(30 * DAY)
    told = story.hear(handled, late_by=30 * DAY)
    voided = [event for event in told if isinstance(event, EscalationVoided)]
    assert len(voided) == (len(ladder) > 1)
    assert story.case.unit_id == ladder[0].unit_id
    assert story.case.open(ACK, HANDLE) == ()


@every_ladder
def test_who_decides_is_the_rung_above_or_at_its_last_the_rung_itself(ladder: Ladder) -> None:
    story = Story(Urgency.ROUTINE, ladder=ladder)
    story.hear(story.accepted(1))
    story.hear(story.returned(2))
    above = ladder[min(1, len(ladder) - 1)].unit_id
    assert story.case.returns[0].supervising_unit_id == above
    handle = story.open(HANDLE)
    assert handle is not None
    [asked] = story.by_hand(
        3,
        lambda telling: extensions.ask_extension(
            telling, OFFICER, extensions.longest(telling, handle), ExtensionReason.WEATHER
        ),
    )
    assert getattr(asked, "approving_unit_id", None) == above
    assert parkings.may_park(story.case, after(4), after(DAY), approved=False) is None


@every_ladder
@pytest.mark.parametrize("amended", LADDERS, ids=named)
def test_another_category_may_bring_any_other_ladder(ladder: Ladder, amended: Ladder) -> None:
    """The level stays where the new ladder has it, unless what was missed at the last level climbs on; else the case
    is where it was before, or at the lowest rung. It is never without the clocks of its level."""
    story = Story(Urgency.ROUTINE, ladder=ladder)
    story.at(3 * 60)
    level, overdue = story.level, bool(story.case.overdue)
    story.hear(story.amended(3 * 60, ladder=amended, policy=ROUTINE))
    levels = [rung.level for rung in amended]
    climbs = overdue and level is not levels[-1]
    assert story.level in levels
    assert level not in levels or story.case.rung == levels.index(level) + climbs
    assert len(story.case.open(ACK)) == len(story.case.open(HANDLE)) == 1
    assert story.case.open(HANDLE)[0].level is story.level
