"""The words people read for the values of the vocabulary; docs/glossary.md has them all with their meaning."""

from __future__ import annotations

from enum import StrEnum

from services.insight.rules import words_of_matters
from shared.going import ArrivalMethod, DeclineReason, LateCause, WithdrawReason
from shared.things import Name
from shared.vocabulary import (
    Channel,
    ClosedBy,
    DeadlineKind,
    EscalationCause,
    Level,
    NoteKind,
    Outcome,
    Post,
    Role,
    Satisfaction,
    SupervisionKind,
)

WORDS: dict[type[StrEnum], dict[str, Name]] = {
    Level: {
        "grid": Name(zh="网格", en="grid"),
        "community": Name(zh="社区", en="community"),
        "street": Name(zh="街道", en="street"),
        "civil_affairs": Name(zh="民政", en="civil affairs"),
    },
    Channel: {
        "hotline": Name(zh="热线", en="hotline"),
        "web": Name(zh="网页", en="web"),
        "wechat": Name(zh="微信", en="WeChat"),
        "walk_in_post": Name(zh="民生驿站", en="walk-in post"),
        "patrol": Name(zh="巡查", en="patrol"),
        "building_head": Name(zh="楼栋长", en="building head"),
        "window": Name(zh="一个窗口", en="window"),
        "survey": Name(zh="问卷", en="survey"),
        "wish_wall": Name(zh="微心愿墙", en="wish wall"),
        "home_visit": Name(zh="入户走访", en="home visit"),
        "chat_forward": Name(zh="群消息转办", en="forwarded chat"),
        "council": Name(zh="议事会", en="council"),
        "open311": Name(zh="Open311 接口", en="Open311"),
        "transfer": Name(zh="转办", en="transfer"),
        "mobile": Name(zh="手机", en="phone app"),
        "desk": Name(zh="坐席", en="desk"),
        "link": Name(zh="链接", en="link"),
        "phone": Name(zh="电话", en="telephone"),
        "visit": Name(zh="上门", en="visit"),
        "paper_card": Name(zh="纸质卡", en="paper card"),
        "system": Name(zh="系统", en="system"),
    },
    Role: {
        "operator": Name(zh="受理员", en="operator"),
        "grid_worker": Name(zh="网格员", en="grid worker"),
        "grid_leader": Name(zh="网格长", en="grid leader"),
        "building_head": Name(zh="楼栋长", en="building head"),
        "resident_group_leader": Name(zh="居民小组长", en="resident group leader"),
        "volunteer": Name(zh="志愿者", en="volunteer"),
        "social_worker": Name(zh="社工", en="social worker"),
        "beat_police": Name(zh="片区民警", en="beat police"),
        "property_manager": Name(zh="物业", en="property manager"),
        "unit_officer": Name(zh="值班干部", en="unit officer"),
        "supervisor": Name(zh="督办员", en="supervisor"),
        "follow_up_caller": Name(zh="回访员", en="follow-up caller"),
        "evaluator": Name(zh="评议员", en="evaluator"),
        "administrator": Name(zh="管理员", en="administrator"),
        "data_protection_officer": Name(zh="数据保护员", en="data protection officer"),
        "reader": Name(zh="查阅员", en="reader"),
    },
    Post: {
        "a": Name(zh="A岗", en="A holder"),
        "b": Name(zh="B岗", en="B holder"),
        "worker": Name(zh="网格员", en="grid worker"),
        "leader": Name(zh="网格长", en="grid leader"),
        "volunteer": Name(zh="志愿者", en="volunteer"),
        "duty_officer": Name(zh="值班干部", en="duty officer"),
        "staff": Name(zh="工作人员", en="staff"),
    },
    DeclineReason: {
        "busy": Name(zh="正忙", en="busy"),
        "too_far": Name(zh="太远", en="too far"),
        "off_duty": Name(zh="不在岗", en="off duty"),
        "unfit": Name(zh="不适合", en="not fit for it"),
        "conflict_of_interest": Name(zh="需回避", en="conflict of interest"),
    },
    WithdrawReason: {
        "case_handled": Name(zh="已办结", en="the case was handled"),
        "case_closed": Name(zh="已结案", en="the case was closed"),
        "next_step": Name(zh="转下一步", en="the next step began"),
        "reopened": Name(zh="已重办", en="the case was reopened"),
        "case_merged": Name(zh="已合并", en="the case was merged"),
        "case_withdrawn": Name(zh="已撤回", en="the case was withdrawn"),
        "case_amended": Name(zh="工单更正", en="the case was amended"),
        "returned": Name(zh="已退单", en="the case was returned"),
        "handed_down": Name(zh="已下派", en="the case was handed down"),
        "reassigned": Name(zh="已交接", en="somebody else has it"),
        "swap_over": Name(zh="改派或接替取消", en="nobody need change over or be relieved any more"),
    },
    ArrivalMethod: {
        "position": Name(zh="定位", en="position"),
        "qr_code": Name(zh="扫码", en="QR code"),
        "photo_time": Name(zh="照片时间", en="time of a photo"),
        "self_declared": Name(zh="自行声明", en="own word"),
    },
    LateCause: {
        "traffic": Name(zh="交通", en="traffic"),
        "weather": Name(zh="天气", en="weather"),
        "distance": Name(zh="路远", en="distance"),
        "another_case": Name(zh="另有工单", en="another case"),
        "wrong_place": Name(zh="地址有误", en="wrong place"),
        "offered_late": Name(zh="派单晚", en="offered late"),
        "other": Name(zh="其他", en="other"),
    },
    NoteKind: {
        "account": Name(zh="情况说明", en="an account"),
        "measure": Name(zh="处置措施", en="a measure"),
        "progress": Name(zh="进展", en="progress"),
    },
    DeadlineKind: {
        "acknowledge": Name(zh="接单", en="acknowledge"),
        "arrive": Name(zh="到场", en="arrive"),
        "contact": Name(zh="联系居民", en="contact"),
        "handle": Name(zh="办结", en="handle"),
        "follow_up": Name(zh="回访", en="follow-up"),
        "ruling": Name(zh="裁定", en="ruling"),
        "supervision": Name(zh="督办答复", en="answer to the order"),
        "review": Name(zh="挂账复核", en="review"),
        "co_handle": Name(zh="协办", en="co-handling"),
        "reply": Name(zh="答复", en="reply"),
    },
    EscalationCause: {
        "acknowledge_missed": Name(zh="接单超时", en="nobody accepted in time"),
        "handle_missed": Name(zh="办结超时", en="not handled in time"),
        "by_hand": Name(zh="人工上报", en="by hand"),
        "reopened": Name(zh="居民不满意重办", en="reopened by the resident's answer"),
    },
    SupervisionKind: {
        "ordinary": Name(zh="日常督办", en="ordinary"),
        "listed": Name(zh="挂牌督办", en="listed"),
        "interview": Name(zh="约谈", en="interview"),
    },
    Satisfaction: {
        "very_satisfied": Name(zh="非常满意", en="very satisfied"),
        "satisfied": Name(zh="满意", en="satisfied"),
        "basically_satisfied": Name(zh="基本满意", en="basically satisfied"),
        "dissatisfied": Name(zh="不满意", en="dissatisfied"),
        "very_dissatisfied": Name(zh="非常不满意", en="very dissatisfied"),
        "no_opinion": Name(zh="没有意见", en="no opinion"),
    },
    Outcome: {
        "solved": Name(zh="已解决", en="solved"),
        "partly_solved": Name(zh="部分解决", en="partly solved"),
        "cannot_be_solved": Name(zh="无法解决", en="cannot be solved"),
        "unfounded": Name(zh="不属实", en="unfounded"),
        "beyond_duty": Name(zh="超出职责", en="beyond duty"),
        "withdrawn": Name(zh="已撤回", en="withdrawn"),
        "merged": Name(zh="已合并", en="merged"),
        "answered": Name(zh="已答复", en="answered"),
        "not_accepted": Name(zh="不予受理", en="not accepted"),
    },
    ClosedBy: {
        "follow_up": Name(zh="回访", en="the follow-up"),
        "three_attempts": Name(zh="三次回访未果", en="three attempts without reaching anybody"),
        "verification": Name(zh="核验", en="verification"),
        "withdrawal": Name(zh="撤回", en="withdrawal"),
        "answer": Name(zh="当即答复", en="an answer at once"),
        "refusal": Name(zh="不予受理", en="not being accepted"),
    },
    **words_of_matters.WORDS,
}


def word(kind: type[StrEnum], value: str, language: str) -> str:
    """What a reader of `language` reads; the identifier itself for a value this version does not know."""
    name = WORDS[kind].get(value)
    if name is None:
        return value
    return name.en if language == "en" else name.zh
