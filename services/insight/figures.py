"""The figures: each a versioned definition that can be read, recomputed and drilled down to its cases.

A changed meaning is a new version, never an edit: tests pin every version ever shipped. n and d come from the read
side (`queries.GRAINS` has one query per `counts`); here is what they mean and how they are printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from types import MappingProxyType

from shared.things import Name
from shared.vocabulary import Satisfaction

DAY_SECONDS = 24 * 60 * 60


class CountUnit(StrEnum):
    """What is counted. Persons, person-times, households, cases and sessions are different units and never added."""

    PERSONS = "人"
    PERSON_TIMES = "人次"
    HOUSEHOLDS = "户"
    CASES = "件"
    CASE_TIMES = "件次"
    SESSIONS = "场次"


class RoundingMode(StrEnum):
    HALF_UP = "half_up"
    TRUNCATE = "truncate"


MODES = {RoundingMode.HALF_UP: ROUND_HALF_UP, RoundingMode.TRUNCATE: ROUND_DOWN}


@dataclass(frozen=True)
class Rounding:
    """How the percentage is printed; n and d are never rounded."""

    mode: RoundingMode = RoundingMode.HALF_UP
    decimals: int = 1


@dataclass(frozen=True)
class Definition:
    """What a figure means. `counts` names the query, `parameters` its numbers (seconds), `weights` what an answer
    adds to n. `beside` are figures that must be read together with this one."""

    name: str
    version: int
    title: Name
    unit: CountUnit
    numerator: Name
    denominator: Name
    exclusions: Name
    time_base: Name
    counts: str
    parameters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    weights: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    rounding: Rounding = Rounding()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Value:
    """A figure for one unit and period. `excluded` counts what the definition leaves out of n and d."""

    n: Decimal
    d: int
    excluded: int = 0


def printed(value: Value) -> str:
    """`687/721`, also where d is 0: nothing happened is not 0 % and not 100 %."""
    return f"{_plain(value.n)}/{value.d}"


def percentage(value: Value, rounding: Rounding) -> Decimal | None:
    """Of a hundred, rounded as the definition says; None where there is nothing to divide by."""
    if value.d == 0:
        return None
    exact = value.n * 100 / value.d
    return exact.quantize(Decimal(1).scaleb(-rounding.decimals), rounding=MODES[rounding.mode])


def text(value: Value, rounding: Rounding) -> str:
    """`687/721 (95.3 %)`, or `0/0 (n/a)`."""
    percent = percentage(value, rounding)
    return f"{printed(value)} ({'n/a' if percent is None else f'{percent} %'})"


def _plain(number: Decimal) -> str:
    """Without exponent or trailing zeros: 18.9, 20, 0."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


MERGED_AND_WITHDRAWN = Name(
    zh="已合并和已撤回的工单不计", en="Cases that ended as merged or withdrawn are left out"
)
DUE_IN_PERIOD = Name(
    zh="登记后 15 分钟的时点落在统计期内且已过去",
    en="Fifteen minutes after registration falls in the period and has passed",
)
EMERGENCIES_DUE = Name(
    zh="统计期内到期的应急工单，从未到场的也在内",
    en="Emergency cases due in the period, also those where nobody ever arrived",
)
ANSWERED_IN_PERIOD = Name(zh="居民回答回访的时间", en="When the resident answered the follow-up")
VALID_FOLLOW_UPS = Name(
    zh="有效回访：办结后的回访联系上了居民，且居民回答了这一问；回答“没有意见”的也在内",
    en="Valid follow-ups: made after the case was handled, somebody was reached and answered this question; "
    "'no opinion' is an answer",
)
UNANSWERED = Name(
    zh="没有回答这一问的回访；办结之前的回答不计",
    en="Follow-ups without an answer to it; answers before handling",
)
BOTH_CLOCKS = MappingProxyType({"within_seconds": 15 * 60})
ASIDE_OF_RATES = ("follow_ups_reached", "follow_ups_coached")

# Solved and satisfied stand before on time: a figure that only times the door does not say whether it helped.
SHIPPED: tuple[Definition, ...] = (
    Definition(
        name="solution_rate",
        version=1,
        title=Name(zh="解决率", en="Solution rate"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(
            zh="居民说已解决，且之后 30 天内没有重办",
            en="The resident says it is solved, and it was not reopened within 30 days of the answer",
        ),
        denominator=VALID_FOLLOW_UPS,
        exclusions=UNANSWERED,
        time_base=ANSWERED_IN_PERIOD,
        counts="solved",
        parameters=MappingProxyType({"reopened_within_seconds": 30 * DAY_SECONDS}),
        beside=ASIDE_OF_RATES,
    ),
    Definition(
        name="satisfaction_rate",
        version=1,
        title=Name(zh="满意率", en="Satisfaction rate"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(
            zh="非常满意 + 满意 + 0.9 × 基本满意", en="Very satisfied + satisfied + 0.9 × basically satisfied"
        ),
        denominator=VALID_FOLLOW_UPS,
        exclusions=UNANSWERED,
        time_base=ANSWERED_IN_PERIOD,
        counts="satisfied",
        weights=MappingProxyType(
            {
                Satisfaction.VERY_SATISFIED: Decimal("1"),
                Satisfaction.SATISFIED: Decimal("1"),
                Satisfaction.BASICALLY_SATISFIED: Decimal("0.9"),
                Satisfaction.DISSATISFIED: Decimal("0"),
                Satisfaction.VERY_DISSATISFIED: Decimal("0"),
                Satisfaction.NO_OPINION: Decimal("0"),
            }
        ),
        beside=ASIDE_OF_RATES,
    ),
    Definition(
        name="response_rate",
        version=1,
        title=Name(zh="响应率", en="Response rate"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(zh="居民说有人联系过", en="The resident says that somebody contacted them"),
        denominator=VALID_FOLLOW_UPS,
        exclusions=UNANSWERED,
        time_base=ANSWERED_IN_PERIOD,
        counts="contacted",
        beside=ASIDE_OF_RATES,
    ),
    Definition(
        name="follow_ups_reached",
        version=1,
        title=Name(zh="回访到达率", en="Follow-ups that reached somebody"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(zh="联系上了居民的回访", en="Follow-ups that reached the resident"),
        denominator=Name(
            zh="统计期内开始的回访：已联系上、已三次未果，或开始满 24 小时",
            en="Follow-ups opened in the period that reached somebody, were given up, or are open for 24 hours",
        ),
        exclusions=Name(
            zh="开始不满 24 小时且仍在进行的回访", en="Those still going on within their first 24 hours"
        ),
        time_base=Name(zh="回访开始的时间", en="When the follow-up was opened"),
        counts="reached",
        parameters=MappingProxyType({"open_for_seconds": DAY_SECONDS}),
    ),
    Definition(
        name="follow_ups_coached",
        version=1,
        title=Name(zh="被教过怎么答的回访", en="Follow-ups where somebody told the resident what to answer"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(
            zh="居民按下“有人教我怎么答”", en="The resident says that somebody told them what to answer"
        ),
        denominator=Name(zh="联系上了居民的回访", en="Follow-ups that reached the resident"),
        exclusions=Name(zh="无", en="None"),
        time_base=ANSWERED_IN_PERIOD,
        counts="coached",
    ),
    Definition(
        name="on_time_arrival",
        version=1,
        title=Name(zh="准时到场率", en="On-time arrival"),
        unit=CountUnit.CASES,
        numerator=Name(zh="登记后 15 分钟内到场", en="Arrived within 15 minutes of registration"),
        denominator=EMERGENCIES_DUE,
        exclusions=MERGED_AND_WITHDRAWN,
        time_base=DUE_IN_PERIOD,
        counts="arrived_since_registration",
        parameters=BOTH_CLOCKS,
        beside=("on_time_arrival_since_told",),
    ),
    Definition(
        name="on_time_arrival_since_told",
        version=1,
        title=Name(zh="准时到场率（从派单起算）", en="On-time arrival, from being told"),
        unit=CountUnit.CASES,
        numerator=Name(
            zh="到场的人接到派单后 15 分钟内到场",
            en="Arrived within 15 minutes of the offer to whoever arrived",
        ),
        denominator=EMERGENCIES_DUE,
        exclusions=MERGED_AND_WITHDRAWN,
        time_base=DUE_IN_PERIOD,
        counts="arrived_since_told",
        parameters=BOTH_CLOCKS,
        beside=("on_time_arrival",),
    ),
)

DEFINITIONS: Mapping[str, Definition] = MappingProxyType({d.name: d for d in SHIPPED})
"""The version in force of each figure, in the order they are shown."""
