"""What notify told, as sentences."""

from __future__ import annotations

from services.insight.rules.telling.reader import Data, Reader, Templates, Words
from shared.things import Name
from shared.vocabulary import (
    NoticeKind,
)

VIA = {
    "feed": Name(zh="站内消息", en="feed"),
    "webpush": Name(zh="推送", en="push"),
    "sms": Name(zh="短信", en="SMS"),
    "smtp": Name(zh="邮件", en="e-mail"),
    "webhook": Name(zh="消息网关", en="message gateway"),
    "console": Name(zh="控制台", en="console"),
}
"""Notify's channels by their names; one this version does not know is told by its name."""


def _notice(data: Data, reader: Reader) -> Words:
    to, via = data.get("person_id"), VIA.get(data["via"])
    return {
        "kind": reader.word(NoticeKind, data["kind"]),
        "person": reader.person(to) if to is not None else reader.says("诉求人", "the requester"),
        "via": data["via"] if via is None else reader.says(via.zh, via.en),
    }


TEMPLATES: Templates = {
    "yike.notice.delivered": (
        Name(zh="已通知{person}：{kind}（{via}）", en="{person} was sent: {kind} ({via})"),
        _notice,
    ),
    "yike.notice.read": (Name(zh="{person}已读：{kind}", en="{person} read: {kind}"), _notice),
    "yike.notice.failed": (
        Name(zh="通知{person}失败：{kind}（{via}）", en="Could not reach {person}: {kind} ({via})"),
        _notice,
    ),
    "yike.notice.received": (
        Name(zh="{person}的设备已收到：{kind}（{via}）", en="It reached {person}'s device: {kind} ({via})"),
        _notice,
    ),
}
