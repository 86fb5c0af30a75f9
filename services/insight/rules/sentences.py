"""A timeline is read as sentences, in Chinese or English, made when it is read: the story keeps facts, not prose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.insight.rules.words import word
from shared.things import Name
from shared.vocabulary import (
    ArrivalMethod,
    ClosedBy,
    DeadlineKind,
    DeclineReason,
    EscalationCause,
    LateCause,
    Level,
    NoteKind,
    NoticeKind,
    Outcome,
    Post,
    Satisfaction,
    SupervisionKind,
    WithdrawReason,
)

Data = Mapping[str, Any]
Words = dict[str, str]


@dataclass(frozen=True)
class Reader:
    """Whose eyes: the language, and the names this reader may see (masked readers see posts and units only)."""

    language: str
    person: Callable[[str | None], str]
    unit: Callable[[str | None], str]
    time: Callable[[datetime], str]

    def says(self, zh: str, en: str) -> str:
        return en if self.language == "en" else zh


def sentence(type_: str, data: Data, reader: Reader) -> str:
    """What happened; a type this version does not know is told by its name."""
    known = TEMPLATES.get(type_)
    if known is None:
        return type_
    template, words = known
    filled = words(data, reader)
    return reader.says(template.zh, template.en).format(**filled).strip()


def _nothing(data: Data, reader: Reader) -> Words:
    return {}


def _person(data: Data, reader: Reader) -> Words:
    return {"person": reader.person(data.get("person_id"))}


def _registered(data: Data, reader: Reader) -> Words:
    return {
        "unit": reader.unit(data["unit_path"][-1] if data["unit_path"] else None),
        "number": data["number"],
    }


def _offered(data: Data, reader: Reader) -> Words:
    eta = data.get("eta_seconds")
    minutes = max(1, round(eta / 60)) if eta is not None else None
    return {
        "post": word(Post, data["post"], reader.language),
        "unit": reader.unit(data["unit_id"]),
        "eta": ""
        if minutes is None
        else reader.says(f"，预计 {minutes} 分钟到", f", about {minutes} min away"),
        **_person(data, reader),
    }


def _declined(data: Data, reader: Reader) -> Words:
    return {"reason": word(DeclineReason, data["reason"], reader.language), **_person(data, reader)}


def _withdrawn(data: Data, reader: Reader) -> Words:
    return {"reason": word(WithdrawReason, data["reason"], reader.language)}


def _accepted(data: Data, reader: Reader) -> Words:
    return {"unit": reader.unit(data["unit_id"]), **_person(data, reader)}


def _arrived(data: Data, reader: Reader) -> Words:
    metres = data.get("distance_m")
    return {
        "method": word(ArrivalMethod, data["method"], reader.language),
        "distance": ""
        if metres is None
        else reader.says(f"，距现场 {metres} 米", f", {metres} m from the place"),
        **_person(data, reader),
    }


def _evidence(data: Data, reader: Reader) -> Words:
    photo = data["media_type"].startswith("image/")
    return {
        "what": reader.says("照片", "a photo") if photo else reader.says("文件", "a file"),
        **_person(data, reader),
    }


def _noted(data: Data, reader: Reader) -> Words:
    return {"note": word(NoteKind, data["note"], reader.language), **_person(data, reader)}


def _handled(data: Data, reader: Reader) -> Words:
    cause = data.get("late_cause")
    late = "" if cause is None else word(LateCause, cause, reader.language)
    return {
        "outcome": word(Outcome, data["outcome"], reader.language),
        "late": late and reader.says(f"；迟到原因：{late}", f"; late because of: {late}"),
        **_person(data, reader),
    }


def _nobody(data: Data, reader: Reader) -> Words:
    return {"unit": reader.unit(data["unit_id"])}


def _deadlines(data: Data, reader: Reader) -> Words:
    clocks = [
        f"{word(DeadlineKind, d['kind'], reader.language)} {reader.time(datetime.fromisoformat(d['due_at']))}"
        for d in data["deadlines"]
    ]
    return {
        "level": word(Level, data["level"], reader.language),
        "clocks": reader.says("、", ", ").join(clocks),
    }


def _cleared(data: Data, reader: Reader) -> Words:
    ends = {True: ("按时", "in time"), False: ("超时", "late"), None: ("不再适用", "no longer applies")}
    clocks = [
        f"{word(DeadlineKind, c['kind'], reader.language)} {reader.says(*ends[c['met']])}"
        for c in data["cleared"]
    ]
    return {"clocks": reader.says("、", ", ").join(clocks)}


def _clock(data: Data, reader: Reader) -> Words:
    return {
        "kind": word(DeadlineKind, data["kind"], reader.language),
        "level": word(Level, data["level"], reader.language),
        "due": reader.time(datetime.fromisoformat(data["due_at"])),
    }


def _escalated(data: Data, reader: Reader) -> Words:
    skipped = [word(Level, s["level"], reader.language) for s in data.get("skipped", ())]
    return {
        "cause": word(EscalationCause, data["cause"], reader.language),
        "level": word(Level, data["to_level"], reader.language),
        "unit": reader.unit(data["to_unit_id"]),
        "skipped": (
            skipped and reader.says(f"，跳过{'、'.join(skipped)}", f", passing over {', '.join(skipped)}")
        )
        or "",
    }


def _voided(data: Data, reader: Reader) -> Words:
    return {"level": word(Level, data["level"], reader.language), "unit": reader.unit(data["unit_id"])}


def _supervision(data: Data, reader: Reader) -> Words:
    return {
        "kind": word(SupervisionKind, data["kind"], reader.language),
        "unit": reader.unit(data["supervising_unit_id"]),
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
        answers.append(word(Satisfaction, data["satisfaction"], reader.language))
    if data.get("coached"):
        answers.append(reader.says("有人教过怎么答", "was told what to answer"))
    return {"answer": reader.says("、", ", ").join(answers) or reader.says("没有回答", "no answer")}


def _closed(data: Data, reader: Reader) -> Words:
    level = data.get("resolved_level")
    return {
        "outcome": word(Outcome, data["outcome"], reader.language),
        "by": word(ClosedBy, data["closed_by"], reader.language),
        "level": "" if level is None else word(Level, level, reader.language),
    }


def _notice(data: Data, reader: Reader) -> Words:
    to = data.get("person_id")
    return {
        "kind": word(NoticeKind, data["kind"], reader.language),
        "person": reader.person(to) if to is not None else reader.says("诉求人", "the requester"),
        "via": data["via"],
    }


TEMPLATES: dict[str, tuple[Name, Callable[[Data, Reader], Words]]] = {
    "yike.case.registered": (
        Name(zh="登记，编号 {number}，{unit}", en="Registered as {number}, {unit}"),
        _registered,
    ),
    "yike.follow_up.opened": (Name(zh="开始回访", en="The follow-up was opened"), _nothing),
    "yike.follow_up.recorded": (Name(zh="回访：{answer}", en="Follow-up: {answer}"), _follow_up),
    "yike.case.reopened": (
        Name(
            zh="重办：同一工单继续，最初的时限不变",
            en="Reopened: the same case goes on, its first clock unchanged",
        ),
        _nothing,
    ),
    "yike.case.closed": (
        Name(zh="结案（{by}）：{outcome} {level}", en="Closed by {by}: {outcome} {level}"),
        _closed,
    ),
    "yike.case.offered": (
        Name(zh="派单给{unit}{post} {person}{eta}", en="Offered to {person}, {post} of {unit}{eta}"),
        _offered,
    ),
    "yike.offer.declined": (Name(zh="{person}拒单：{reason}", en="{person} declined: {reason}"), _declined),
    "yike.offer.lapsed": (
        Name(zh="{person}未应答，派单超时", en="{person} did not answer, the offer lapsed"),
        _person,
    ),
    "yike.offer.withdrawn": (
        Name(zh="派单撤回：{reason}", en="The offer was withdrawn: {reason}"),
        _withdrawn,
    ),
    "yike.case.accepted": (Name(zh="{person}接单", en="{person} accepted"), _accepted),
    "yike.worker.arrived": (
        Name(zh="{person}到场（{method}{distance}）", en="{person} arrived ({method}{distance})"),
        _arrived,
    ),
    "yike.resident.contacted": (Name(zh="{person}联系了居民", en="{person} contacted the resident"), _person),
    "yike.evidence.added": (Name(zh="{person}上传{what}", en="{person} added {what}"), _evidence),
    "yike.progress.noted": (Name(zh="{person}写下{note}", en="{person} wrote {note}"), _noted),
    "yike.case.handled": (
        Name(zh="{person}办结：{outcome}{late}", en="{person} handled it: {outcome}{late}"),
        _handled,
    ),
    "yike.part.ended": (Name(zh="{person}不再承办", en="{person} no longer holds a part"), _person),
    "yike.offer.nobody_available": (
        Name(zh="{unit}暂无人可派，继续寻找", en="Nobody available in {unit}; the search goes on"),
        _nobody,
    ),
    "yike.deadlines.set": (Name(zh="{level}时限：{clocks}", en="Deadlines at {level}: {clocks}"), _deadlines),
    "yike.deadline.amber": (Name(zh="黄灯：{kind} {due} 到期", en="Amber: {kind} is due at {due}"), _clock),
    "yike.deadline.missed": (
        Name(zh="红灯：{level}{kind}超时", en="Red: {kind} at {level} was missed"),
        _clock,
    ),
    "yike.deadlines.cleared": (Name(zh="时限停止：{clocks}", en="Clocks stopped: {clocks}"), _cleared),
    "yike.case.escalated": (
        Name(zh="上报{level}（{unit}）：{cause}{skipped}", en="Raised to {level} ({unit}): {cause}{skipped}"),
        _escalated,
    ),
    "yike.escalation.voided": (
        Name(zh="上报作废，回到{level}（{unit}）", en="The raise is void; back at {level} ({unit})"),
        _voided,
    ),
    "yike.supervision.ordered": (Name(zh="{unit}{kind}", en="Supervision ({kind}) by {unit}"), _supervision),
    "yike.notice.delivered": (
        Name(zh="已通知{person}：{kind}（{via}）", en="{person} was sent: {kind} ({via})"),
        _notice,
    ),
    "yike.notice.read": (Name(zh="{person}已读：{kind}", en="{person} read: {kind}"), _notice),
    "yike.notice.failed": (
        Name(zh="通知{person}失败：{kind}（{via}）", en="Could not reach {person}: {kind} ({via})"),
        _notice,
    ),
}
