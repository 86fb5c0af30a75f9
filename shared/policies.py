"""What is wrong with a policy, whoever is asked to keep or to try it."""

from __future__ import annotations

from collections.abc import Iterator

from shared.things import Policy
from shared.vocabulary import ClockKind

LONGEST = {
    ClockKind.MINUTES: 366 * 24 * 60,
    ClockKind.WORKING_HOURS: 366 * 8,
    ClockKind.WORKING_DAYS: 366,
    ClockKind.NATURAL_DAYS: 366,
}
"""A year or so: a clock that ends later asks nobody for anything, and one of thousands of years never ends."""


def flaws_of_policy(policy: Policy) -> Iterator[tuple[str, str]]:
    """Each as a code for programs and `中文 / English`."""
    levels = [limits.level for limits in policy.levels]
    if not levels:
        yield "no-level", "没有任何层级的时限 / It limits no level"
    if len(set(levels)) < len(levels):
        yield "level-twice", "同一层级出现两次 / A level is limited twice"
    sides = (policy.ruling, policy.supervision, policy.co_handle, policy.reply, policy.extension_max)
    limits = [policy.follow_up, policy.care_arrive, *(limit for limit in sides if limit is not None)]
    limits += [
        limit for of in policy.levels for limit in (of.acknowledge, of.arrive, of.contact, of.handle) if limit
    ]
    if any(limit.amount <= 0 for limit in limits):
        yield "limit-not-positive", "时限须大于零 / A limit must be more than nothing"
    if any(limit.amount > LONGEST[limit.clock] for limit in limits):
        yield "limit-too-long", "时限不得超过一年 / A limit is a year at most"
    if any(of.acknowledge is None or of.handle is None for of in policy.levels):
        yield (
            "no-limit-that-raises",
            "每级须有接单与办结时限，否则不会提级 / Without both limits a level never raises a case",
        )
    if not 1 <= policy.amber_percent <= 99:
        yield "amber-out-of-range", "黄灯比例须在 1 至 99 / amber_percent must be 1 to 99"
    seconds = (policy.offer_expires_after_seconds, policy.unread_after_seconds, policy.leader_after_seconds)
    if any(each is not None and each <= 0 for each in seconds):
        yield "limit-not-positive", "派单时限须大于零 / An offer must live for more than no time"
