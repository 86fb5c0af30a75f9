"""Why something may not be done, as a value: a stable code, a sentence in both languages, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.dispatch.rules.facts import Offer, OfferState
from shared.vocabulary import Must


@dataclass(frozen=True)
class Refused:
    code: str
    title: str
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)


CASE_CLOSED = Refused(
    "case-closed",
    "工单已结案 / The case is closed",
    "无需再办；如有新情况请重新登记 / Nothing more is needed; register a new case if something happened again",
)

CASE_HANDLED = Refused(
    "case-handled",
    "工单已办结，等待回访 / The case is handled and waits for the follow-up",
    "可补充照片和说明；居民不满意时会重办 / Photos and notes can still be added; a dissatisfied resident reopens it",
)

ACCEPT_FIRST = Refused(
    "accept-first",
    "请先接单 / Accept the offer first",
    "在“现在”页接单后再操作 / Accept it on the first screen, then do this again",
)

POSITION_NEEDED = Refused(
    "position-needed",
    "没有位置 / No position was sent",
    "打开定位，或改用扫码、拍照、自报到场 / Turn on location, or arrive by QR code, photo or with a stated reason",
)

REASON_NEEDED = Refused(
    "reason-needed",
    "自报到场须写明原因 / A self-declared arrival needs a reason",
    "写一句为什么不能定位或扫码 / Write why neither position nor QR code was possible",
)

LATE_CAUSE_NEEDED = Refused(
    "late-cause-needed",
    "到场已超时，请选择原因 / The arrival was late: say why",
    "选择一个原因后再办结；不影响办结 / Choose a cause and finish again; being late does not stop you",
)

_GONE_BECAUSE = {
    OfferState.LAPSED: "已超时 / it lapsed",
    OfferState.WITHDRAWN: "已撤回 / it was withdrawn",
    OfferState.DECLINED: "您已拒单 / you declined it",
    OfferState.ENDED: "已解除 / you were relieved of it",
    OfferState.OFFERED: "已超时 / it lapsed",
}


def offer_gone(offer: Offer) -> Refused:
    because = _GONE_BECAUSE.get(offer.state, "已处理 / it was answered")
    return Refused(
        "offer-gone",
        "派单已失效 / The offer is no longer open",
        f"原因：{because}。无需前往，等待下一次派单 / You need not go; wait for the next offer",
        {"state": offer.state.value},
    )


def not_yours(holder: str | None) -> Refused:
    return Refused(
        "not-yours",
        "这张工单不在您手上 / You do not hold this",
        "请联系经办人，或在“现在”页查看您的工单 / Ask the holder, or look at your own cases on the first screen",
        {"holder": holder},
    )


def already_accepted() -> Refused:
    return Refused(
        "already-accepted",
        "您已接单，不能再拒单 / You have accepted it and can no longer decline",
        "如不能前往，请联系网格长 / If you cannot go, call the grid leader",
    )


def owner_handles(owner: str) -> Refused:
    return Refused(
        "owner-handles",
        "工单已上报，由上级经办人办结 / The case was raised; its owner at the upper level handles it",
        "把情况写进说明，通知经办人办结 / Write what was done into a note and tell the owner to handle it",
        {"owner": owner},
    )


def musts_missing(missing: tuple[Must, ...]) -> Refused:
    return Refused(
        "musts-missing",
        "四个必须尚未完成 / Some of the four musts are missing",
        "补齐缺少的步骤后再办结 / Do the missing steps, then finish again",
        {"missing": [must.value for must in missing]},
    )
