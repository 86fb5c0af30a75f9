"""What intake told, as sentences."""

from __future__ import annotations

from services.insight.rules.telling.reader import Data, Reader, Templates, Words, nothing
from shared.things import Name
from shared.vocabulary import (
    ClosedBy,
    EmergencyService,
    FollowUpKind,
    Level,
    NotAcceptedReason,
    Outcome,
    ReopenReason,
    Satisfaction,
)


def _registered(data: Data, reader: Reader) -> Words:
    return {
        "unit": reader.unit(data["unit_path"][-1] if data["unit_path"] else None),
        "number": data["number"],
    }


def _recorded(data: Data, reader: Reader) -> Words:
    progress = data.get("kind") == FollowUpKind.PROGRESS
    return {
        "what": reader.says("进展告知", "Progress call") if progress else reader.says("回访", "Follow-up"),
        **_follow_up(data, reader),
    }


def _follow_up(data: Data, reader: Reader) -> Words:
    if not data["reached"]:
        return {"answer": reader.says("未联系上", "nobody was reached")}
    answers = []
    if data["solved"] is not None:
        answers.append(
            reader.says("已解决", "solved") if data["solved"] else reader.says("未解决", "not solved")
        )
    if data["satisfaction"] is not None:
        answers.append(reader.word(Satisfaction, data["satisfaction"]))
    if data.get("coached") and reader.supervises:
        answers.append(reader.says("有人教过怎么答", "was told what to answer"))
    return {"answer": reader.joined(answers) or reader.says("没有回答", "no answer")}


def _closed(data: Data, reader: Reader) -> Words:
    level = data.get("resolved_level")
    return {
        "outcome": reader.word(Outcome, data["outcome"]),
        "by": reader.word(ClosedBy, data["closed_by"]),
        "level": "" if level is None else reader.word(Level, level),
    }


def _reopened(data: Data, reader: Reader) -> Words:
    return {"because": reader.word(ReopenReason, data.get("because", ReopenReason.NOT_SOLVED))}


CHANGED = {
    "category_code": Name(zh="事项", en="the category"),
    "urgency": Name(zh="紧急程度", en="the urgency"),
    "headline": Name(zh="概要", en="the headline"),
    "description": Name(zh="描述", en="the description"),
    "place": Name(zh="地点", en="the place"),
    "grid_id": Name(zh="网格", en="the grid"),
    "excluded": Name(zh="回避人员", en="who may not be sent"),
    "care": Name(zh="关爱对象", en="the care register"),
    "crisis": Name(zh="涉及人身安全", en="danger to life"),
}


def _amended(data: Data, reader: Reader) -> Words:
    names = [CHANGED[field] for field in data["changed"] if field in CHANGED]
    changed = reader.joined([reader.says(name.zh, name.en) for name in names])
    return {"changed": changed or reader.says("工单内容", "the case")}


def _urged(data: Data, reader: Reader) -> Words:
    return {"count": str(data["count"])}


def _merged(data: Data, reader: Reader) -> Words:
    score = data.get("score")
    likeness = "" if score is None else reader.says(f"，相似度 {score}", f", likeness {score} of 100")
    return {"parent": data["parent_number"], "likeness": likeness}


def _not_accepted(data: Data, reader: Reader) -> Words:
    service, unit = data.get("service"), data.get("rightful_unit_id")
    rightful = [reader.word(EmergencyService, service)] if service else []
    rightful += [reader.unit(unit)] if unit else []
    told = reader.joined(rightful)
    return {
        "reason": reader.word(NotAcceptedReason, data["reason"]),
        "rightful": told and reader.says(f"；请找{told}", f"; to be asked: {told}"),
    }


def _asked(data: Data, reader: Reader) -> Words:
    return {"person": reader.person(data["asked_by"])}


def _window(data: Data, reader: Reader) -> Words:
    window = data["appointment"]
    return {"starts": reader.moment(window["starts_at"]), "ends": reader.moment(window["ends_at"])}


def _attachment(data: Data, reader: Reader) -> Words:
    photo = data["media_type"].startswith("image/")
    return {"what": reader.says("照片", "a photo") if photo else reader.says("文件", "a file")}


def _opened(data: Data, reader: Reader) -> Words:
    progress = data.get("kind") == FollowUpKind.PROGRESS
    return {
        "what": reader.says("进展告知", "A progress call")
        if progress
        else reader.says("回访", "The follow-up")
    }


TEMPLATES: Templates = {
    "yike.case.registered": (
        Name(zh="登记，编号 {number}，{unit}", en="Registered as {number}, {unit}"),
        _registered,
    ),
    "yike.follow_up.opened": (Name(zh="开始{what}", en="{what} was opened"), _opened),
    "yike.follow_up.recorded": (Name(zh="{what}：{answer}", en="{what}: {answer}"), _recorded),
    "yike.case.reopened": (
        Name(
            zh="重办（{because}）：同一工单继续，最初的时限不变",
            en="Reopened ({because}): the same case goes on, its first clock unchanged",
        ),
        _reopened,
    ),
    "yike.case.closed": (
        Name(zh="结案（{by}）：{outcome} {level}", en="Closed by {by}: {outcome} {level}"),
        _closed,
    ),
    "yike.case.amended": (Name(zh="更正：{changed}", en="Amended: {changed}"), _amended),
    "yike.case.urged": (
        Name(zh="居民第 {count} 次催办", en="The resident asks again, for the {count}. time"),
        _urged,
    ),
    "yike.case.merged": (
        Name(zh="并入工单 {parent}{likeness}", en="Merged into case {parent}{likeness}"),
        _merged,
    ),
    "yike.case.unmerged": (
        Name(zh="取消合并，单独办理", en="The merge was undone; it goes on by itself"),
        nothing,
    ),
    "yike.case.answered": (Name(zh="当即答复", en="Answered at once"), nothing),
    "yike.case.not_accepted": (
        Name(zh="不予受理：{reason}{rightful}", en="Not accepted: {reason}{rightful}"),
        _not_accepted,
    ),
    "yike.case.withdrawn": (Name(zh="诉求人撤回", en="Withdrawn by the requester"), nothing),
    "yike.information.asked": (
        Name(zh="{person}请诉求人补充", en="{person} asked the requester for information"),
        _asked,
    ),
    "yike.information.given": (Name(zh="补充已收到", en="The information was given"), nothing),
    "yike.appointment.agreed": (
        Name(zh="约定 {starts} 至 {ends}", en="Agreed on {starts} to {ends}"),
        _window,
    ),
    "yike.attachment.added": (Name(zh="诉求人提供{what}", en="The requester added {what}"), _attachment),
    "yike.requester.erased": (
        Name(zh="诉求人的个人数据已删除", en="The requester's personal data was erased"),
        nothing,
    ),
}
