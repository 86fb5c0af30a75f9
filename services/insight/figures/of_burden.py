"""What a case costs the people who work on it: a rule or a screen that asks too much of them shows here."""

from __future__ import annotations

from services.insight.figures.definition import CountUnit, Definition, Form, Rounding
from shared.things import Name

CLOSED = Name(zh="统计期内结案、派出过的工单", en="Cases closed in the period that were offered to somebody")
LEFT_OUT = Name(
    zh="已合并、已撤回、当即答复和不予受理的工单不计",
    en="Cases merged, withdrawn, answered at once or not accepted are left out",
)
CLOSED_IN_PERIOD = Name(zh="结案时间", en="When the case was closed")


def _burden(name: str, title: Name, unit: CountUnit, counted: Name) -> Definition:
    return Definition(
        name=f"burden_{name}",
        version=1,
        title=title,
        unit=unit,
        numerator=counted,
        denominator=CLOSED,
        exclusions=LEFT_OUT,
        time_base=CLOSED_IN_PERIOD,
        counts=f"burden_{name}",
        rounding=Rounding(decimals=2),
        form=Form.PER_CASE,
    )


SHIPPED = (
    _burden(
        "commands",
        Name(zh="件均操作次数", en="Commands per case"),
        CountUnit.CASE_TIMES,
        Name(
            zh="接单、拒单、到场、拍照、填写、办结等操作的次数",
            en="Times somebody accepted, declined, arrived, photographed, wrote, handled and so on",
        ),
    ),
    _burden(
        "fields",
        Name(zh="件均填写项数", en="Fields per case"),
        CountUnit.ITEMS,
        Name(zh="为这些操作填写的项数", en="Fields filled in for these commands"),
    ),
    _burden(
        "photos",
        Name(zh="件均照片数", en="Photos per case"),
        CountUnit.ITEMS,
        Name(zh="上传的照片", en="Photos added"),
    ),
    _burden(
        "minutes",
        Name(zh="件均占用分钟", en="Minutes per case"),
        CountUnit.MINUTES,
        Name(
            zh="去现场的人从接单到办结、完成协办或交出为止的分钟数",
            en="Minutes from accepting to handling, doing one's part or giving it up, of people who went",
        ),
    ),
    _burden(
        "double_entries",
        Name(zh="件均重复录入", en="Double entries per case"),
        CountUnit.CASE_TIMES,
        Name(
            zh="同一轮里第二次及以后填写的情况说明或处置措施",
            en="Accounts and measures written a second time or more in one round",
        ),
    ),
)
