"""What residents say: the three rates, and what must be read beside them. Solved and satisfied stand before on time:
a figure that only times the door does not say whether it helped."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

from services.insight.figures.definition import CountUnit, Definition
from shared.things import Name
from shared.vocabulary import Satisfaction

DAY_SECONDS = 24 * 60 * 60
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
ASIDE_OF_RATES = ("follow_ups_reached", "follow_ups_coached")


SHIPPED = (
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
        name="solution_rate",
        version=2,
        title=Name(zh="解决率", en="Solution rate"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(
            zh="居民说已解决，且之后 30 天内没有因任何人重办；并入其他工单的，主单也没有重办",
            en="The resident says it is solved, and neither the case nor the one it was merged into was reopened, by "
            "whomever, within 30 days of the answer",
        ),
        denominator=VALID_FOLLOW_UPS,
        exclusions=UNANSWERED,
        time_base=ANSWERED_IN_PERIOD,
        counts="solved_and_kept",
        parameters=MappingProxyType({"reopened_within_seconds": 30 * DAY_SECONDS}),
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
)
