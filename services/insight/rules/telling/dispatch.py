"""What dispatch told, as sentences."""

from __future__ import annotations

from services.insight.rules.telling.reader import Data, Reader, Templates, Words, person
from shared.going import (
    ArrivalMethod,
    DeclineReason,
    EntryFlag,
    EntryKind,
    LateCause,
    ReassignReason,
    WithdrawReason,
)
from shared.things import Name
from shared.vocabulary import NoteKind, Outcome, Post, ReturnBasis


def _offered(data: Data, reader: Reader) -> Words:
    eta = data.get("eta_seconds")
    minutes = max(1, round(eta / 60)) if eta is not None else None
    return {
        "post": reader.word(Post, data["post"]),
        "unit": reader.unit(data["unit_id"]),
        "eta": ""
        if minutes is None
        else reader.says(f"，预计 {minutes} 分钟到", f", about {minutes} min away"),
        "instead": reader.says("，接替还在途中的人", ", instead of who is on the way")
        if data.get("takes_over")
        else "",
        **person(data, reader),
    }


def _declined(data: Data, reader: Reader) -> Words:
    return {"reason": reader.word(DeclineReason, data["reason"]), **person(data, reader)}


def _withdrawn(data: Data, reader: Reader) -> Words:
    return {"reason": reader.word(WithdrawReason, data["reason"])}


def _accepted(data: Data, reader: Reader) -> Words:
    return {"unit": reader.unit(data["unit_id"]), **person(data, reader)}


def _arrived(data: Data, reader: Reader) -> Words:
    metres = data.get("distance_m")
    return {
        "method": reader.word(ArrivalMethod, data["method"]),
        "distance": ""
        if metres is None
        else reader.says(f"，距现场 {metres} 米", f", {metres} m from the place"),
        **person(data, reader),
    }


def _evidence(data: Data, reader: Reader) -> Words:
    photo = data["media_type"].startswith("image/")
    return {
        "what": reader.says("照片", "a photo") if photo else reader.says("文件", "a file"),
        **person(data, reader),
    }


def _noted(data: Data, reader: Reader) -> Words:
    return {"note": reader.word(NoteKind, data["note"]), **person(data, reader)}


def _handled(data: Data, reader: Reader) -> Words:
    cause = data.get("late_cause")
    late = "" if cause is None else reader.word(LateCause, cause)
    return {
        "outcome": reader.word(Outcome, data["outcome"]),
        "late": late and reader.says(f"；迟到原因：{late}", f"; late because of: {late}"),
        **person(data, reader),
    }


def _nobody(data: Data, reader: Reader) -> Words:
    return {"unit": reader.unit(data["unit_id"])}


def _help(data: Data, reader: Reader) -> Words:
    return {"units": reader.joined([reader.unit(unit) for unit in data["unit_ids"]]), **person(data, reader)}


def _came(data: Data, reader: Reader) -> Words:
    return {"unit": reader.unit(data["unit_id"]), **person(data, reader)}


def _returned(data: Data, reader: Reader) -> Words:
    return {
        "basis": reader.word(ReturnBasis, data["basis"]),
        "unit": reader.unit(data["rightful_unit_id"]),
        **person(data, reader),
    }


def _handed_down(data: Data, reader: Reader) -> Words:
    return {"unit": reader.unit(data["to_unit_id"]), **person(data, reader)}


def _co_handler(data: Data, reader: Reader) -> Words:
    due = data.get("due_at")
    return {
        "person": reader.person(data["asked_by"]),
        "unit": reader.unit(data["unit_id"]),
        "due": (due and reader.says(f"，{reader.moment(due)} 前", f", until {reader.moment(due)}")) or "",
    }


def _reassigned(data: Data, reader: Reader) -> Words:
    to = data.get("to_person_id")
    return {
        "person": reader.person(data["from_person_id"]),
        "to": reader.says("另派他人", "somebody to be found") if to is None else reader.person(to),
        "reason": reader.word(ReassignReason, data["reason"]),
    }


def _flagged(data: Data, reader: Reader) -> Words:
    return {
        "entry": reader.word(EntryKind, data["entry"]),
        "flags": reader.joined([reader.word(EntryFlag, flag) for flag in data["flags"]]),
        **person(data, reader),
    }


def _corrected(data: Data, reader: Reader) -> Words:
    return {"entry": reader.word(EntryKind, data["entry"]), **person(data, reader)}


def _device_time(data: Data, reader: Reader) -> Words:
    return {"at": reader.moment(data["device_at"]), **person(data, reader)}


def _answered_by(data: Data, reader: Reader) -> Words:
    return {"by": reader.person(data["answered_by"]), **person(data, reader)}


def _alarm_ended(data: Data, reader: Reader) -> Words:
    mistake = reader.says("（误按）", " (pressed by mistake)") if data.get("by_mistake") else ""
    return {"mistake": mistake, **person(data, reader)}


TEMPLATES: Templates = {
    "yike.case.offered": (
        Name(
            zh="派单给{unit}{post} {person}{eta}{instead}",
            en="Offered to {person}, {post} of {unit}{eta}{instead}",
        ),
        _offered,
    ),
    "yike.offer.declined": (Name(zh="{person}拒单：{reason}", en="{person} declined: {reason}"), _declined),
    "yike.offer.lapsed": (
        Name(zh="{person}未应答，派单超时", en="{person} did not answer, the offer lapsed"),
        person,
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
    "yike.resident.contacted": (Name(zh="{person}联系了居民", en="{person} contacted the resident"), person),
    "yike.evidence.added": (Name(zh="{person}上传{what}", en="{person} added {what}"), _evidence),
    "yike.progress.noted": (Name(zh="{person}写下{note}", en="{person} wrote {note}"), _noted),
    "yike.case.handled": (
        Name(zh="{person}办结：{outcome}{late}", en="{person} handled it: {outcome}{late}"),
        _handled,
    ),
    "yike.part.ended": (Name(zh="{person}不再承办", en="{person} no longer holds a part"), person),
    "yike.offer.nobody_available": (
        Name(zh="{unit}暂无人可派，继续寻找", en="Nobody available in {unit}; the search goes on"),
        _nobody,
    ),
    "yike.help.requested": (
        Name(zh="{person}吹哨：请{units}支援", en="{person} asks for help from {units}"),
        _help,
    ),
    "yike.help.answered": (Name(zh="{unit}{person}前来支援", en="{person} of {unit} comes to help"), _came),
    "yike.case.returned": (
        Name(
            zh="{person}申请退单（{basis}），称应由{unit}办理；裁定前仍由其承办",
            en="{person} returns it on the ground of {basis}, naming {unit}; it stays theirs until the ruling",
        ),
        _returned,
    ),
    "yike.case.handed_down": (
        Name(
            zh="{person}下派给{unit}，层级和时限不变",
            en="{person} hands it down to {unit}; level and clocks stay",
        ),
        _handed_down,
    ),
    "yike.co_handler.asked": (
        Name(zh="{person}请{unit}协办{due}", en="{person} asks {unit} to help{due}"),
        _co_handler,
    ),
    "yike.part.handled": (Name(zh="{person}完成协办", en="{person} has done their part"), person),
    "yike.case.reassigned": (
        Name(zh="由{person}交接给{to}：{reason}", en="From {person} to {to}: {reason}"),
        _reassigned,
    ),
    "yike.entry.flagged": (
        Name(zh="{person}的{entry}存疑：{flags}", en="Odd about {entry} by {person}: {flags}"),
        _flagged,
    ),
    "yike.entry.corrected": (
        Name(zh="{person}更正{entry}，原录入保留", en="{person} corrects {entry}; the first entry stays"),
        _corrected,
    ),
    "yike.device_time.accepted": (
        Name(
            zh="认可{person}手机记录的到场时间 {at}",
            en="The phone's time of {person}'s arrival is accepted: {at}",
        ),
        _device_time,
    ),
    "yike.alarm.raised": (Name(zh="{person}紧急求助", en="{person} calls for help"), person),
    "yike.alarm.answered": (
        Name(zh="{by}正在处理{person}的求助", en="{by} takes care of {person}"),
        _answered_by,
    ),
    "yike.alarm.ended": (
        Name(zh="{person}的求助解除{mistake}", en="{person}'s alarm is over{mistake}"),
        _alarm_ended,
    ),
}
