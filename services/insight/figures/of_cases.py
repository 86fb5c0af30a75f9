"""How cases went: in time, returned, reopened, handed over, resolved by level."""

from __future__ import annotations

from types import MappingProxyType

from services.insight.figures.definition import CountUnit, Definition, Form, Rounding
from shared.things import Name

DAY_SECONDS = 24 * 60 * 60
NONE = Name(zh="无", en="None")
REGISTERED_IN_PERIOD = Name(zh="登记时间", en="When the case was registered")
HANDLED_IN_PERIOD = Name(zh="办结时间", en="When the case was said to be handled")
CLOSED_IN_PERIOD = Name(zh="结案时间", en="When the case was closed")
NEVER_WENT_OUT = Name(
    zh="已合并、已撤回、当即答复和不予受理的工单不计",
    en="Cases merged, withdrawn, answered at once or not accepted are left out",
)
MERGED_OR_WITHDRAWN = Name(zh="已合并和已撤回的工单不计", en="Cases merged or withdrawn are left out")

SHIPPED = (
    Definition(
        name="registered",
        version=1,
        title=Name(zh="登记件", en="Registered cases"),
        unit=CountUnit.CASES,
        numerator=Name(zh="登记的工单", en="Cases registered"),
        denominator=Name(zh="同上", en="The same"),
        exclusions=NONE,
        time_base=REGISTERED_IN_PERIOD,
        counts="registered",
        form=Form.COUNT,
    ),
    Definition(
        name="resolved",
        version=1,
        title=Name(zh="解决件", en="Resolved cases"),
        unit=CountUnit.CASES,
        numerator=Name(zh="以“已解决”或“部分解决”结案的工单", en="Closed as solved or partly solved"),
        denominator=Name(zh="结案的工单", en="Cases closed"),
        exclusions=NEVER_WENT_OUT,
        time_base=CLOSED_IN_PERIOD,
        counts="resolved",
    ),
    Definition(
        name="handled_in_time",
        version=1,
        title=Name(zh="按时办结率", en="Handled in time"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(
            zh="办结不晚于办结时限（同意延期的，按延期后；已上报的，按最先超过的时限）",
            en="Handled by the deadline to handle (as extended; of several levels' deadlines the first one missed)",
        ),
        denominator=Name(
            zh="办结时限在统计期内到期的工单，重办的每轮各计一次；从未办结的和挂账的也在内",
            en="Cases, for each round of theirs, whose deadline to handle fell due in the period; also those never "
            "handled, and those parked",
        ),
        exclusions=MERGED_OR_WITHDRAWN,
        time_base=Name(zh="办结时限", en="The deadline to handle"),
        counts="handled_in_time",
    ),
    Definition(
        name="closed_in_time",
        version=1,
        title=Name(zh="按时结案率", en="Closed in time"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(
            zh="结案不晚于回访时限；重办的算没有结案",
            en="Closed by the deadline to follow up; a case reopened was not closed",
        ),
        denominator=Name(
            zh="回访时限在统计期内到期的工单，重办的每轮各计一次",
            en="Cases, for each round of theirs, whose deadline to follow up fell due in the period",
        ),
        exclusions=MERGED_OR_WITHDRAWN,
        time_base=Name(zh="回访时限", en="The deadline to follow up"),
        counts="closed_in_time",
    ),
    Definition(
        name="returned",
        version=1,
        title=Name(zh="退单率", en="Returned"),
        unit=CountUnit.CASES,
        numerator=Name(
            zh="有人申请过退单，无论裁定如何", en="Somebody asked to return it, however it was ruled"
        ),
        denominator=Name(zh="登记的工单", en="Cases registered"),
        exclusions=NEVER_WENT_OUT,
        time_base=REGISTERED_IN_PERIOD,
        counts="returned",
    ),
    Definition(
        name="reopened_within_30_days",
        version=1,
        title=Name(zh="30 天内重办率", en="Reopened within 30 days"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(zh="办结后 30 天内重办", en="Reopened within 30 days of being handled"),
        denominator=Name(
            zh="办结的工单，每轮各计一次；办结不满 30 天的也在内，所以还可能上升",
            en="Cases handled, for each round; also those of the last 30 days, so that it may still rise",
        ),
        exclusions=MERGED_OR_WITHDRAWN,
        time_base=HANDLED_IN_PERIOD,
        counts="reopened",
        parameters=MappingProxyType({"reopened_within_seconds": 30 * DAY_SECONDS}),
    ),
    Definition(
        name="hand_overs_per_case",
        version=1,
        title=Name(zh="件均交接次数", en="Hand-overs per case"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(
            zh="下派和交接的次数", en="Times a case was handed down or from one person to another"
        ),
        denominator=Name(zh="登记的工单", en="Cases registered"),
        exclusions=NEVER_WENT_OUT,
        time_base=REGISTERED_IN_PERIOD,
        counts="hand_overs",
        rounding=Rounding(decimals=2),
        form=Form.PER_CASE,
    ),
    Definition(
        name="duplicates",
        version=1,
        title=Name(zh="重复件", en="Duplicates"),
        unit=CountUnit.CASES,
        numerator=Name(zh="并入另一工单的工单", en="Cases merged into another"),
        denominator=Name(zh="登记的工单", en="Cases registered"),
        exclusions=NONE,
        time_base=REGISTERED_IN_PERIOD,
        counts="duplicates",
    ),
    Definition(
        name="without_follow_up",
        version=1,
        title=Name(zh="没有回访的工单", en="Cases without a follow-up"),
        unit=CountUnit.CASE_TIMES,
        numerator=Name(zh="至今没有回访过一次", en="Nobody has tried to follow up so far"),
        denominator=Name(
            zh="可以回访的工单，办结满 24 小时的时点落在统计期内且已过去，每轮各计一次",
            en="Cases whose requester can be asked, for each round: 24 hours after it was handled fall in the period "
            "and have passed",
        ),
        exclusions=Name(
            zh="已合并和已撤回的、无人可回访（巡查、匿名）的工单不计",
            en="Cases merged or withdrawn, and those with nobody to ask (patrol, anonymous), are left out",
        ),
        time_base=Name(zh="办结后 24 小时", en="24 hours after it was handled"),
        counts="without_follow_up",
        parameters=MappingProxyType({"open_for_seconds": DAY_SECONDS}),
    ),
)
