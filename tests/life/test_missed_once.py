"""What was missed before a merge is one miss to the read side as well, whatever set its clock again."""

from __future__ import annotations

from functools import reduce

import pytest

from services.insight.rules import fold as read_side
from services.insight.rules.facts import CaseRow
from services.insight.rules.standing import standing
from shared.events.escalation import DeadlineMissed
from shared.events.intake import Rung
from tests.escalation.story import LADDER, Story


@pytest.mark.parametrize(
    ("ladder", "merged_at"), [(LADDER, 7), (LADDER, 20), (LADDER[3:], 31), (LADDER[3:], 5 * 24 * 60)]
)
def test_the_read_side_counts_it_once(ladder: tuple[Rung, ...], merged_at: float) -> None:
    story = Story(ladder=ladder)
    story.hear(story.merged(merged_at))
    story.hear(story.unmerged(merged_at + 1))
    story.at(merged_at + 2)
    misses = [event for event in story.journal if isinstance(event, DeadlineMissed)]
    nothing: CaseRow | None = None
    read = reduce(read_side.apply, story.journal, nothing)
    assert read is not None
    assert standing(read).deadlines_missed == len(misses) > 0
    shown = {
        (one.kind, one.level, one.due_at, one.missed_at is not None)
        for one in read.clocks
        if not one.stopped_at
    }
    assert shown == {(one.kind, one.level, one.due_at, one.colour == "red") for one in story.case.open()}
