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


def _burden(name: str, title: Name, unit: CountUnit, counted: Name, *, version: int = 1) -> Definition:
    return Definition(
        name=f"burden_{name}",
        version=version,
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
    _burden(
        "fields",
        Name(zh="件均填写项数", en="Fields per case"),
        CountUnit.ITEMS,
        Name(
            zh="为派单系统里的操作选择或填写的内容，一项计一次：拒单原因、到场方式、说明、措施、进展、办结结果、迟到原因，"
            "以及退单、下派、吹哨和协办所填各项；不论字数。手机自动带出的位置和时间、在其他系统里的填写，看不到，不计",
            en="Values chosen or written for commands of dispatch, each counted once however long: why declined, way "
            "of arriving, account, measure, progress, outcome, cause of being late, and what a return, a hand-down, a "
            "call for help or asking a co-handler takes. Not seen and not counted: position and times, which the "
            "phone adds by itself, and what is written elsewhere",
        ),
        version=2,
    ),
    _burden(
        "taps",
        Name(zh="件均点按次数（至少）", en="Taps per case, at least"),
        CountUnit.CASE_TIMES,
        Name(
            zh="系统看得到的最少点按：每次操作计一次，为它选择或填写的每一项计一次，每张照片计一次。"
            "打开、查看、翻页、逐字输入和重试看不到，不计，所以实际只多不少；用屏幕点按或离线后补发，算法一样",
            en="The fewest taps that what the server received can have taken: one for each command, one for each value "
            "chosen or written for it, one for each photo. Opening, looking, scrolling, the letters of a text and "
            "trying again are not seen and not counted, so that it was never fewer; sent at once or from a phone's "
            "queue makes no difference",
        ),
    ),
    _burden(
        "commands",
        Name(zh="件均操作次数", en="Commands per case"),
        CountUnit.CASE_TIMES,
        Name(
            zh="在派单系统里为本工单做的操作，一次计一次：接单、拒单、到场、联系居民、传照片或文件、写说明、措施和进展、更正、"
            "办结、完成协办、吹哨、请人协办、退单、下派。同一轮里再次办结不计；整班交接不属于哪一件，不计",
            en="What somebody did in dispatch for the case, each time once: accepted, declined, arrived, reached the "
            "resident, added a photo or file, wrote an account, measure or progress, corrected an entry, handled, "
            "finished a co-handler's part, called for help, asked a co-handler, returned it, handed it down. Handled "
            "again in one round is not counted; nor is handing over a shift, which is of no one case",
        ),
        version=2,
    ),
)
