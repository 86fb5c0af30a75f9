"""The limits printed in docs/policies.md are those a city starts with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from services.escalation.rules.limits import FIVE_WORKING_DAYS, WHERE_POLICY_IS_SILENT
from services.escalation.rules.parkings import REVIEW_DAYS_MAX
from services.intake.settings import CONTESTED_WITHIN_DAYS
from services.registry.defaults.policies import POLICIES, SIDE_MATTERS
from shared.things import LevelLimits, Limit, Policy
from shared.vocabulary import ClockKind, DeadlineKind

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "policies.md").read_text(encoding="utf-8")
PRINTED = re.compile(r"<!-- defaults -->\n(.*?)<!-- end of defaults -->", re.S)
KINDS = ("acknowledge", "arrive", "contact", "handle")
SIDES = {side: limit for side, limit in SIDE_MATTERS.items() if isinstance(limit, Limit)}
WORDS = {
    ClockKind.MINUTES: "min",
    ClockKind.WORKING_HOURS: "working hours",
    ClockKind.WORKING_DAYS: "working days",
    ClockKind.NATURAL_DAYS: "natural days",
}


def told(limit: Limit | None) -> str:
    if limit is None:
        return "–"
    if limit.clock is ClockKind.MINUTES and limit.amount >= 60 and limit.amount % 60 == 0:
        return f"{limit.amount // 60} h"
    words = WORDS[limit.clock]
    return f"{limit.amount} {words.removesuffix('s') if limit.amount == 1 else words}"


def rows(policy: Policy) -> Iterator[str]:
    def row(place: int, limits: LevelLimits) -> str:
        name = f"`{policy.id}`" if place == 0 else ""
        return f"| {' | '.join([name, limits.level, *(told(getattr(limits, kind)) for kind in KINDS)])} |"

    yield from (row(place, limits) for place, limits in enumerate(policy.levels))


def the_tables() -> str:
    limits = [f"| policy | level | {' | '.join(KINDS)} |", "|---|---|---|---|---|---|"]
    limits += [row for policy in POLICIES for row in rows(policy)]
    pace = ["| policy | follow_up | an offer stands for | leader after | amber at |", "|---|---|---|---|---|"]
    pace += [
        f"| `{each.id}` | {told(each.follow_up)} | {each.offer_expires_after_seconds} s |"
        f" {f'{each.leader_after_seconds} s' if each.leader_after_seconds else '–'} | {each.amber_percent} % |"
        for each in POLICIES
    ]
    sides = [f"| {' | '.join(f'`{side}`' for side in SIDES)} |", "|---|---|---|---|---|"]
    sides += [f"| {' | '.join(told(limit) for limit in SIDES.values())} |"]
    return "\n".join([*limits, "", *pace, "", *sides, ""])


def test_the_limits_printed_are_those_a_city_starts_with() -> None:
    found = PRINTED.search(DOCUMENT)

    assert found is not None
    assert found[1] == the_tables(), the_tables()


def test_side_matters_and_care_are_the_same_for_every_policy() -> None:
    assert {getattr(policy, side) == limit for policy in POLICIES for side, limit in SIDES.items()} == {True}
    assert {told(policy.care_arrive) for policy in POLICIES} == {"15 min"}


def test_what_holds_where_a_policy_is_silent_is_said() -> None:
    silent = {kind: told(limit) for kind, limit in WHERE_POLICY_IS_SILENT.items()}

    assert silent == {
        DeadlineKind.RULING: "4 working hours",
        DeadlineKind.SUPERVISION: "2 working days",
        DeadlineKind.REPLY: "2 working days",
    }
    assert told(FIVE_WORKING_DAYS) == "5 working days"
    for words in ("due in 4 working hours", "in 2 working days", "at most 5 working days"):
        assert words in " ".join(DOCUMENT.split())


def test_what_is_not_a_policy_is_as_said() -> None:
    assert f"within {REVIEW_DAYS_MAX} days" in DOCUMENT
    assert f"contested within {CONTESTED_WITHIN_DAYS} days" in DOCUMENT
