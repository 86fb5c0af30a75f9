"""What escalation told, as sentences."""

from __future__ import annotations

from services.insight.rules.telling.reader import Data, Reader, Templates, Words
from shared.things import Name
from shared.vocabulary import (
    DeadlineKind,
    EscalationCause,
    EscalationReason,
    ExtensionReason,
    Level,
    ParkReason,
    Ruling,
    SetBecause,
    SupervisionKind,
    UnparkReason,
)


def _deadlines(data: Data, reader: Reader) -> Words:
    clocks = [
        f"{reader.word(DeadlineKind, d['kind'])} {reader.moment(d['due_at'])}" for d in data["deadlines"]
    ]
    because = data.get("because", SetBecause.LEVEL)
    anew = "" if because == SetBecause.LEVEL else reader.word(SetBecause, because)
    return {
        "level": reader.word(Level, data["level"]),
        "clocks": reader.joined(clocks),
        "because": anew and reader.says(f"（{anew}）", f" ({anew})"),
    }


def _cleared(data: Data, reader: Reader) -> Words:
    ends = {True: ("按时", "in time"), False: ("超时", "late"), None: ("不再适用", "no longer applies")}
    clocks = [
        f"{reader.word(DeadlineKind, c['kind'])} {reader.says(*ends[c['met']])}" for c in data["cleared"]
    ]
    return {"clocks": reader.joined(clocks)}


def _clock(data: Data, reader: Reader) -> Words:
    return {
        "kind": reader.word(DeadlineKind, data["kind"]),
        "level": reader.word(Level, data["level"]),
        "due": reader.moment(data["due_at"]),
    }


def _escalated(data: Data, reader: Reader) -> Words:
    skipped = [reader.word(Level, s["level"]) for s in data.get("skipped", ())]
    reason = data.get("reason")
    why = reason and reader.word(EscalationReason, reason)
    return {
        "reason": reader.says(f"，{why}", f" ({why})") if why else "",
        "cause": reader.word(EscalationCause, data["cause"]),
        "level": reader.word(Level, data["to_level"]),
        "unit": reader.unit(data["to_unit_id"]),
        "skipped": (
            skipped and reader.says(f"，跳过{'、'.join(skipped)}", f", passing over {', '.join(skipped)}")
        )
        or "",
    }


def _voided(data: Data, reader: Reader) -> Words:
    return {"level": reader.word(Level, data["level"]), "unit": reader.unit(data["unit_id"])}


def _supervision(data: Data, reader: Reader) -> Words:
    return {
        "kind": reader.word(SupervisionKind, data["kind"]),
        "unit": reader.unit(data["supervising_unit_id"]),
    }


def _ruled(data: Data, reader: Reader) -> Words:
    to = data.get("to_unit_id")
    return {
        "ruling": reader.word(Ruling, data["ruling"]),
        "to": reader.says(f"给{reader.unit(to)}", f" to {reader.unit(to)}") if to else "",
        "why": reader.says("（逾期未裁定）", " (nobody ruled in time)") if data.get("unanswered") else "",
    }


def _asked_longer(data: Data, reader: Reader) -> Words:
    return {
        "person": reader.person(data["person_id"]),
        "until": reader.moment(data["until"]),
        "reason": reader.word(ExtensionReason, data["reason"]),
    }


def _refused(data: Data, reader: Reader) -> Words:
    return {"why": reader.says("（逾期未批）", " (nobody decided in time)") if data["unanswered"] else ""}


def _parked(data: Data, reader: Reader) -> Words:
    return {
        "unit": reader.unit(data["unit_id"]),
        "person": reader.person(data["owner_id"]),
        "reason": reader.word(ParkReason, data["reason"]),
        "review": reader.moment(data["review_at"]),
    }


def _unparked(data: Data, reader: Reader) -> Words:
    return {"because": reader.word(UnparkReason, data["because"])}


def _answered(data: Data, reader: Reader) -> Words:
    return {"unit": reader.unit(data["unit_id"]), "person": reader.person(data["person_id"])}


def _replied(data: Data, reader: Reader) -> Words:
    return {"person": reader.person(data["person_id"]), "to": reader.person(data["to_person_id"])}


def _listed(data: Data, reader: Reader) -> Words:
    return {"unit": reader.unit(data["unit_id"]), "days": str(data["days"])}


TEMPLATES: Templates = {
    "yike.deadlines.set": (
        Name(zh="{level}时限{because}：{clocks}", en="Deadlines at {level}{because}: {clocks}"),
        _deadlines,
    ),
    "yike.deadline.amber": (Name(zh="黄灯：{kind} {due} 到期", en="Amber: {kind} is due at {due}"), _clock),
    "yike.deadline.missed": (
        Name(zh="红灯：{level}{kind}超时", en="Red: {kind} at {level} was missed"),
        _clock,
    ),
    "yike.deadlines.cleared": (Name(zh="时限停止：{clocks}", en="Clocks stopped: {clocks}"), _cleared),
    "yike.case.escalated": (
        Name(
            zh="上报{level}（{unit}）：{cause}{reason}{skipped}",
            en="Raised to {level} ({unit}): {cause}{reason}{skipped}",
        ),
        _escalated,
    ),
    "yike.escalation.voided": (
        Name(zh="上报作废，回到{level}（{unit}）", en="The raise is void; back at {level} ({unit})"),
        _voided,
    ),
    "yike.supervision.ordered": (Name(zh="{unit}{kind}", en="Supervision ({kind}) by {unit}"), _supervision),
    "yike.supervision.answered": (
        Name(zh="{unit}{person}答复督办", en="{person} of {unit} answers the order"),
        _answered,
    ),
    "yike.return.ruled": (
        Name(zh="退单裁定：{ruling}{to}{why}", en="The return was {ruling}{to}{why}"),
        _ruled,
    ),
    "yike.extension.asked": (
        Name(zh="{person}申请延期至 {until}：{reason}", en="{person} asks for time until {until}: {reason}"),
        _asked_longer,
    ),
    "yike.deadline.extended": (
        Name(zh="同意延期：{kind}至 {due}", en="Extended: {kind} until {due}"),
        _clock,
    ),
    "yike.extension.refused": (
        Name(zh="延期未获批准{why}，时限不变", en="No extension{why}; the clock goes on"),
        _refused,
    ),
    "yike.case.parked": (
        Name(
            zh="挂账（{reason}）：{unit}{person}负责，{review} 复核",
            en="Parked ({reason}) with {person} of {unit}, to be reviewed at {review}",
        ),
        _parked,
    ),
    "yike.case.unparked": (Name(zh="挂账结束：{because}", en="No longer parked: {because}"), _unparked),
    "yike.reply.given": (
        Name(zh="{person}答复上报人{to}", en="{person} replies to {to}, who raised it"),
        _replied,
    ),
    "yike.case.listed": (
        Name(zh="列入{unit}每日督办名单，第 {days} 天", en="On the daily list of {unit}, day {days}"),
        _listed,
    ),
}
