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

SWAP_OVER = Refused(
    "swap-over",
    "已到现场，不再改派 / You are at an emergency already",
    "请继续处置眼前的应急工单，新的工单会另派他人 / Go on with the emergency you are at; somebody else is asked for "
    "the other one",
)


def taken_over(holder: str) -> Refused:
    return Refused(
        "taken-over",
        "已由更近的人接替 / Somebody nearer has taken it over",
        f"不必再赶去，可以接下一个工单；如已到现场，请联系 {holder} / You need not go on and can take the next one; if "
        f"you are there, tell {holder}",
        {"holder": holder},
    )


POSITION_NOT_TAKEN = Refused(
    "position-not-taken",
    "这里不记录位置 / No position is taken here",
    "只在接单后赶往应急工单途中记录位置；其余时候请关闭位置发送 / Positions are taken only from accepting an "
    "emergency until arriving there; stop sending them",
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

CODE_NEEDED = Refused(
    "code-needed",
    "没有扫到到场码 / No arrival code was read",
    "扫描网格内张贴的到场码，或改用定位、拍照、自报到场 / Scan the code that hangs in the grid, or arrive by position, "
    "photo or with a stated reason",
)

CODE_NOT_OF_HERE = Refused(
    "code-not-of-here",
    "到场码不是这里的 / This code does not hang here",
    "请扫描所在网格张贴的到场码，或改用定位、拍照、自报到场；到场码损坏请联系网格长重新打印 / Scan the code of "
    "the grid you were sent to, or arrive another way; if it is damaged, the grid leader prints it again",
)

PHOTO_NEEDED = Refused(
    "photo-needed",
    "没有现场照片 / No photo shows it",
    "先上传一张您在现场拍的照片，或改用定位、扫码、自报到场 / Upload a photo you took there first, or arrive by "
    "position, QR code or with a stated reason",
)

PHOTO_NOT_FRESH = Refused(
    "photo-not-fresh",
    "照片不是刚拍的 / The photo was not taken just now",
    "请在现场重新拍照，拍后 10 分钟内到场；或改用定位、扫码、自报到场 / Take it again where you are and arrive within "
    "ten minutes, or arrive by position, QR code or with a stated reason",
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


def offer_gone(offer: Offer, holder: str | None = None) -> Refused:
    """`holder` is who has the part by now: whoever did something there without signal should tell them."""
    zh, _, en = _GONE_BECAUSE.get(offer.state, "已处理 / it was answered").partition(" / ")
    if holder is None:
        next_zh, next_en = "无需前往，等待下一次派单", "You need not go; wait for the next offer"
    else:
        next_zh = f"现由 {holder} 经办；如已到过现场，请把情况告诉经办人"
        next_en = f"{holder} holds it now; if you were there, tell them what you saw and did"
    return Refused(
        "offer-gone",
        "派单已失效 / The offer is no longer open",
        f"原因：{zh}。{next_zh} / Because {en}. {next_en}",
        {"state": offer.state.value, "holder": holder},
    )


def not_yours(holder: str | None) -> Refused:
    """`holder` is for those who may read the case; a stranger is not told who is on it."""
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


TASK_ONLY = Refused(
    "task-only",
    "协办任务不能办结整张工单 / A co-handler's task does not finish the case",
    "完成后点“任务完成”，由主办人办结 / Say that your task is done; the owner handles the case",
)

VOLUNTEER_HELPS = Refused(
    "volunteer-helps",
    "志愿者不办结工单 / A volunteer does not handle the case",
    "网格持有人是主办；请写好说明和措施，完成后点“任务完成” / The grid's holder owns it: write the account and the "
    "measure, then say that your part is done",
)

OWNER_FINISHES = Refused(
    "owner-finishes",
    "主办不能只完成任务 / The owner's part is not a task",
    "请用“办结”结束整张工单 / Handle the case instead",
)

ARRIVE_FIRST = Refused(
    "arrive-first",
    "请先到场 / Arrive first",
    "到场后再完成；去不了请联系网格长改派 / Arrive, then finish; if you cannot go, call the grid leader",
)

OWNER_ONLY = Refused(
    "owner-only",
    "只有主办人可以这样做 / Only the owner may do this",
    "请联系主办人 / Ask the owner",
)

OFFICER_ONLY = Refused(
    "officer-only",
    "只有上级经办人可以下派 / Only an officer above the grids may hand a case down",
    "网格内不能解决请上报或退单 / From the grid, raise it or return it instead",
)

RETURN_PENDING = Refused(
    "return-pending",
    "退单正在等待裁定 / A return waits for its ruling",
    "裁定前仍由您经办 / You hold it until the supervising unit rules",
)

RETURN_REFUSED_BEFORE = Refused(
    "return-refused-before",
    "本单位的退单已被驳回，不能再次退单 / A return by this unit was refused; it cannot be made again",
    "请继续办理；确实超出能力可上报 / Go on with it; if it is beyond your powers, raise it",
)

NOTHING_TO_HAND_OVER = Refused(
    "nothing-to-hand-over",
    "没有可以交接的工单 / There is nothing to hand over",
    "进行中的应急工单在下班交接时保留，由本人办完 / An emergency under way stays when a shift ends; finish it, or "
    "ask a supervisor",
)

NOT_YOUR_ENTRY = Refused(
    "not-your-entry",
    "不是您录入的内容 / You did not enter this",
    "只能更正自己录入的内容 / Only whoever entered something can correct it",
)

NO_DEVICE_TIME = Refused(
    "no-device-time",
    "这次到场没有可采信的手机时间 / This arrival has no phone's time that could be accepted",
    "手机时间须在登记之后、收到之前 / The phone's time must lie between the registration and the receipt",
)


def case_merged(parent_number: str | None) -> Refused:
    return Refused(
        "case-merged",
        "工单已并入另一张工单 / The case was merged into another one",
        f"请在工单 {parent_number} 上继续 / Go on with case {parent_number}",
        {"parent_number": parent_number},
    )


def same_unit(unit_id: str) -> Refused:
    return Refused(
        "same-unit",
        "工单已经在这个单位 / The case is with this unit already",
        "请选择另一个单位 / Choose another unit",
        {"unit_id": unit_id},
    )


def not_below(unit_id: str) -> Refused:
    return Refused(
        "not-below",
        "只能下派给下级单位 / A case is handed down to a unit below",
        "需要别的单位配合请添加协办 / Ask for a co-handler if another unit should help",
        {"unit_id": unit_id},
    )


def correction_too_late(within_hours: int) -> Refused:
    return Refused(
        "correction-too-late",
        f"已超过 {within_hours} 小时，不能再更正 / More than {within_hours} hours ago: no longer corrected",
        "请告诉督办员或写一条进展说明 / Tell the supervisor, or write it as progress",
        {"within_hours": within_hours},
    )


def person_busy(person_id: str) -> Refused:
    return Refused(
        "person-busy",
        "对方正在处理另一张应急工单 / They are on another emergency",
        "请选择别人，或不指定人由系统寻找 / Choose somebody else, or leave it to the search",
        {"person_id": person_id},
    )


def not_on_duty(person_id: str) -> Refused:
    return Refused(
        "not-on-duty",
        "对方不在班 / They are not on duty",
        "请选择在班的人，或不指定人由系统寻找 / Choose somebody who is at work, or leave it to the search",
        {"person_id": person_id},
    )


def post_may_not(person_id: str) -> Refused:
    return Refused(
        "post-may-not",
        "对方的岗位不能承担这一份 / Their post may not take this",
        "上级经办的工单只能交给该单位的值班干部，志愿者不能做主办；请选择别人 / What an officer holds goes to an "
        "officer of the same unit, and a volunteer owns no case; choose somebody else",
        {"person_id": person_id},
    )


def may_not_be_given(person_id: str) -> Refused:
    return Refused(
        "may-not-be-given",
        "不能交给此人 / It cannot be given to them",
        "此人已退出、需要回避、不在本单位，或已在这张工单上；请选择别人 / They are retired, excluded from the case, of "
        "another unit, or on it already; choose somebody else",
        {"person_id": person_id},
    )


def musts_missing(missing: tuple[Must, ...]) -> Refused:
    return Refused(
        "musts-missing",
        "四个必须尚未完成 / Some of the four musts are missing",
        "补齐缺少的步骤后再办结 / Do the missing steps, then finish again",
        {"missing": [must.value for must in missing]},
    )
