"""Why something cannot be done, in words, and what to do next."""

from __future__ import annotations

from typing import Any

from shared.problems import Problem


def cannot(because: str, **extra: Any) -> Problem:
    title, detail = CANNOT[because]
    return Problem(409, because, title, detail=detail, **extra)


CANNOT = {
    "closed": (
        "工单已结案 / The case is closed",
        "居民不满意时由受理台重办 / A dissatisfied resident's case is reopened at the desk",
    ),
    "merged": (
        "工单已并入另一工单 / The case was merged into another",
        "请在主工单上操作 / Act on the case it was merged into",
    ),
    "handled": (
        "工单已办结，正在回访 / The case is handled and being followed up",
        "回访不满意会自动提级 / If the resident is dissatisfied it is raised by itself",
    ),
    "not-worked-on": (
        "工单已办结、结案或合并 / The case is handled, closed or merged",
        "请刷新工单再看 / Look at the case again",
    ),
    "last-level": (
        "已在最高层级 / The case is at the last level",
        "请联系督办员 / Speak to the supervisor of this level",
    ),
    "level-not-above": (
        "该层级不在本级之上 / That level is not above the one the case is at",
        "请从工单的层级中选一个更高的 / Choose a higher one of the case's own levels",
    ),
    "holder-unknown": (
        "还不知道是谁承办 / Who holds the case is not known here yet",
        "请几秒后重试；若仍被拒绝，请联系本级值班员 / Try again in a few seconds; after that ask the duty officer",
    ),
    "replied-before": (
        "已经答复过 / A reply was given before",
        "请在工单上补充进展 / Note what is new as progress on the case",
    ),
    "no-reply-owed": (
        "这次提级不需要答复 / No reply is owed for this raise",
        "只有人工提级需要答复 / Only a raise by hand is owed one",
    ),
    "ruled-before": (
        "退单已经裁定 / The return was ruled before",
        "裁定不能更改；请联系督办员 / A ruling stands; speak to the supervisor",
    ),
    "return-over": (
        "退单已失效 / The return is over",
        "承办任务已结束，无需裁定 / The part has ended, there is nothing to rule on",
    ),
    "outside-duty-list": (
        "不在该单位职责清单内 / This is outside that unit's duty list",
        "请改派给职责所属单位 / Send it to the unit whose duty it is",
    ),
    "no-such-unit": (
        "没有这个单位 / There is no such unit",
        "请从单位名录中选择 / Choose one from the list of units",
    ),
    "extended-before": (
        "工单已延期过一次 / The case was extended once",
        "请办结、提级或申请挂账 / Handle it, raise it, or have it parked",
    ),
    "extension-undecided": (
        "延期申请还在审批 / An extension is still being decided",
        "请等待上级审批 / Wait for the unit above",
    ),
    "extension-refused-before": (
        "本级延期申请已被拒绝 / An extension was refused at this level",
        "请办结或提级 / Handle the case or raise it",
    ),
    "nothing-to-extend": (
        "没有可以延期的办结时限 / No handling deadline can be put off",
        "已超时或已挂账的时限不能延期 / One that was missed, or gave way to a review, cannot",
    ),
    "extension-not-later": (
        "延期时间早于现有时限 / That is not later than the deadline there is",
        "请选择更晚的时间 / Choose a later time",
    ),
    "extension-too-long": (
        "超过允许的最长延期 / That is longer than an extension may be",
        "请选择不晚于 latest 的时间 / Choose a time not later than `latest`",
    ),
    "extension-decided": (
        "延期申请已有结果 / The extension was decided before",
        "请刷新工单 / Look at the case again",
    ),
    "parked-before": (
        "工单已经挂账 / The case is parked already",
        "要改复查日期，请先恢复办理 / To change the review date take it up again first",
    ),
    "parking-needs-approval": (
        "须由上一级单位或督办员挂账 / The unit above or a supervisor has to park this case",
        "应急工单或本级已挂过账的工单请联系上一级 / An emergency, or a case this level parked before: speak to them",
    ),
    "not-parked": (
        "工单没有挂账 / The case is not parked",
        "请刷新工单 / Look at the case again",
    ),
    "review-date": (
        "复查日期须在今后 90 天内 / The review must be within the coming 90 days",
        "请选择 90 天内的日期 / Choose a date within 90 days",
    ),
    "no-such-person": (
        "没有这个工作人员 / There is no such member of staff",
        "请从名录中选择负责人 / Choose the owner from the list of staff",
    ),
    "ordered-before": (
        "同类督办尚未答复 / An order of this kind is still unanswered",
        "请等待答复，或换一种督办方式 / Wait for its answer, or choose another kind of order",
    ),
    "answered-before": (
        "督办已经答复 / The order was answered before",
        "如需再督办，请新开督办单 / Order supervision anew if it is needed",
    ),
}
