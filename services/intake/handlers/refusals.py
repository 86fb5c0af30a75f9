"""Refusals in words: what happened, and what to do instead."""

from __future__ import annotations

from typing import Any

from services.intake.handlers.refused_changes import WORDS_OF_CHANGES
from services.intake.rules.refusals import Refused, RefusedBecause
from services.intake.rules.triage import Reading
from shared.problems import Problem, not_found

WORDS: dict[RefusedBecause, tuple[int, str, str]] = {
    RefusedBecause.UNKNOWN_CATEGORY: (
        422,
        "没有这个事项 / There is no such category",
        "请从派单目录中选择 / Choose one from the catalogue",
    ),
    RefusedBecause.UNKNOWN_GRID: (
        422,
        "没有这个网格 / There is no such grid",
        "不清楚网格时请留空，按地址登记 / Leave it empty if unknown; the address will do",
    ),
    RefusedBecause.REGISTRY_NOT_READY: (
        503,
        "基础数据尚不完整 / The registry's data is not complete",
        "请管理员检查单位和时限 / An administrator should look at units and policies",
    ),
    RefusedBecause.CASE_NOT_HANDLED: (
        409,
        "工单尚未办结 / The case is not handled",
        "办结后才能核验 / It can be verified once it is handled",
    ),
    RefusedBecause.FOLLOW_UP_CLOSED: (
        409,
        "这次回访已经结束 / This follow-up is closed",
        "请刷新回访列表 / Load the list of follow-ups again",
    ),
    RefusedBecause.HELD_BY_YOU: (
        403,
        "您办理过此工单，不能由您回访或核验 / You held this case, so somebody else must ask",
        "请交给其他回访员 / Leave it to another caller",
    ),
    RefusedBecause.CODE_KNOWN_TO_HOLDER: (
        403,
        "经办过此工单的人知道取件码，凭码办理不作数"
        " / Somebody who worked on this case knows its code, so here the code is not taken for your word",
        "办结后我们会来电或上门回访，也可用发到您手机的链接回答；其他事项请致电受理台"
        " / When it is handled we ring or visit you, or answer by the link sent to your phone; call the desk for the"
        " rest",
    ),
    RefusedBecause.SAME_HOUR: (
        409,
        "这个钟点或一小时内已经联系过 / This hour of the day, or less than an hour ago, was tried already",
        "请换一个钟点再联系 / Try at another hour",
    ),
    RefusedBecause.SOMEBODY_TO_ASK: (
        409,
        "此工单有诉求人，应当回访 / There is a resident to ask",
        "请通过回访结案 / Close it by a follow-up",
    ),
    RefusedBecause.NOBODY_TO_ASK: (
        409,
        "此工单没有可回访的人 / There is nobody to ask",
        "请通过核验结案 / Close it by a verification",
    ),
    RefusedBecause.LINK_USED: (
        410,
        "这个链接已经用过 / This link was used already",
        "如有疑问请凭工单号来电 / Call us with the case number if something is open",
    ),
    RefusedBecause.LINK_EXPIRED: (
        410,
        "这个链接已过期 / This link has expired",
        "我们会再联系您 / We will contact you again",
    ),
    RefusedBecause.ANSWERS_NOT_FOR_HOLDERS: (
        403,
        "您办理过此工单，回访期间不能查看诉求人及其回答 / You held this case: its requester and answers are not for you"
        " now",
        "如需联系诉求人，请联系督办员 / Ask a supervisor if the resident must be contacted",
    ),
    RefusedBecause.ANSWERS_MISSING: (
        422,
        "请填写三项回答 / All three answers are needed",
        "办结后的回访须问明：是否联系、是否解决、是否满意 / Ask whether they were contacted, whether it is solved,"
        " and how satisfied they are",
    ),
    RefusedBecause.CASE_NOT_CLOSED: (
        409,
        "工单尚未结案 / The case is not closed",
        "结案前可以催办，办结后会回访您 / You can urge it meanwhile; you will be asked when it is handled",
    ),
    RefusedBecause.CONTESTED_BEFORE: (
        409,
        "这个工单已经提过异议 / This case was contested already",
        "如仍未解决请重新登记 / Register it anew if it is still not solved",
    ),
    RefusedBecause.CONTEST_TOO_LATE: (
        409,
        "已超过 30 天，不能再提异议 / The 30 days for contesting are over",
        "如仍未解决请重新登记 / Register it anew if it is still not solved",
    ),
    RefusedBecause.NOT_CONTESTABLE: (
        409,
        "这样结案的工单不能提异议 / A case that ended so cannot be contested",
        "如需办理请重新登记 / Register it anew if something is to be done",
    ),
    RefusedBecause.NOT_A_CASE_NUMBER: (
        422,
        "工单号有误 / This cannot be the number of a case",
        "工单号共 11 位，请再核对一遍 / A number has 11 digits; check them once more",
    ),
    RefusedBecause.TOO_LITTLE_TO_FIND: (
        422,
        "检索词太短 / Too little to search for",
        "请至少输入两个相连的汉字，或一个完整的单词或数字 / Give two Chinese characters in a row, or a whole word or"
        " number",
    ),
    RefusedBecause.KEY_REUSED: (
        422,
        "同一个 Idempotency-Key 已用于另一个请求 / This Idempotency-Key was used for another request",
        "新的请求须用新的 Idempotency-Key / Send a new request with a new key",
    ),
}


def problem_of(refused: Refused) -> Problem:
    status, title, detail = (WORDS | WORDS_OF_CHANGES)[refused.because]
    transfer = Reading(service=refused.service).transfer
    given = {
        "transfer": transfer.model_dump(mode="json") if transfer else None,
        "try_again_at": refused.try_again_at,
        "rightful_unit_id": refused.rightful_unit_id,
    }
    extra: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return Problem(status, refused.because.value, title, detail=detail, **extra)


def no_such_case() -> Problem:
    return not_found("没有这个工单 / There is no such case")
