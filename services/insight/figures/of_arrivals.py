"""The fifteen minutes, by both clocks, and whether an emergency was a success."""

from __future__ import annotations

from types import MappingProxyType

from services.insight.figures.definition import CountUnit, Definition
from shared.things import Name

MERGED_AND_WITHDRAWN = Name(
    zh="已合并和已撤回的工单不计", en="Cases that ended as merged or withdrawn are left out"
)
MERGED_OR_WITHDRAWN = Name(
    zh="已合并（结案与否）和已撤回的工单不计",
    en="Cases merged, closed or not, and cases withdrawn are left out",
)
DUE_IN_PERIOD = Name(
    zh="登记后 15 分钟的时点落在统计期内且已过去",
    en="Fifteen minutes after registration falls in the period and has passed",
)
EMERGENCIES_DUE = Name(
    zh="统计期内到期的应急工单，从未到场的也在内",
    en="Emergency cases due in the period, also those where nobody ever arrived",
)
BOTH_CLOCKS = MappingProxyType({"within_seconds": 15 * 60})

SHIPPED = (
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
    Definition(
        name="on_time_arrival",
        version=2,
        title=Name(zh="准时到场率", en="On-time arrival"),
        unit=CountUnit.CASES,
        numerator=Name(
            zh="登记后 15 分钟内到场；督办员认可了手机记录时间的，按认可的时间",
            en="Arrived within 15 minutes of registration; by the phone's own time where a supervisor accepted it",
        ),
        denominator=EMERGENCIES_DUE,
        exclusions=MERGED_OR_WITHDRAWN,
        time_base=DUE_IN_PERIOD,
        counts="counted_since_registration",
        parameters=BOTH_CLOCKS,
        beside=("on_time_arrival_since_told", "device_times_accepted"),
    ),
    Definition(
        name="on_time_arrival_since_told",
        version=2,
        title=Name(zh="准时到场率（从派单起算）", en="On-time arrival, from being told"),
        unit=CountUnit.CASES,
        numerator=Name(
            zh="到场的人接到派单后 15 分钟内到场；督办员认可了手机记录时间的，按认可的时间",
            en="Arrived within 15 minutes of the offer to whoever arrived; by the phone's own time where accepted",
        ),
        denominator=EMERGENCIES_DUE,
        exclusions=MERGED_OR_WITHDRAWN,
        time_base=DUE_IN_PERIOD,
        counts="counted_since_told",
        parameters=BOTH_CLOCKS,
        beside=("on_time_arrival", "device_times_accepted"),
    ),
    Definition(
        name="device_times_accepted",
        version=1,
        title=Name(zh="按手机时间认可的到场", en="Arrivals counted by the phone's own time"),
        unit=CountUnit.CASES,
        numerator=Name(
            zh="督办员认可了手机记录的到场时间，早于系统收到的时间",
            en="A supervisor accepted the phone's own time, earlier than the server's receipt",
        ),
        denominator=Name(
            zh="统计期内到期且有人到场的应急工单",
            en="Emergency cases due in the period where somebody arrived",
        ),
        exclusions=MERGED_OR_WITHDRAWN,
        time_base=DUE_IN_PERIOD,
        counts="device_times_accepted",
        parameters=BOTH_CLOCKS,
    ),
    Definition(
        name="emergency_success",
        version=1,
        title=Name(zh="应急处置成功率", en="Emergency success"),
        unit=CountUnit.CASES,
        numerator=Name(
            zh="四个必须都按时做到：15 分钟内到场，办结前拍照、说明并采取措施，按时办结，跟踪到结案；且没有重办",
            en="All four musts met in time: there within 15 minutes; photo, account and measure before it was "
            "handled; handled by its deadline; followed through until closed; and never reopened",
        ),
        denominator=EMERGENCIES_DUE,
        exclusions=Name(
            zh="已合并或已撤回的工单；至今都按时、还没有结案的工单",
            en="Cases merged or withdrawn; cases still open that have met everything so far",
        ),
        time_base=DUE_IN_PERIOD,
        counts="emergency_success",
        parameters=BOTH_CLOCKS,
        beside=("on_time_arrival", "reopened_within_30_days"),
    ),
)
