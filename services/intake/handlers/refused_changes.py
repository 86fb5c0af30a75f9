"""Refusals in words: of taking a case in, and of changing one that stands."""

from __future__ import annotations

from services.intake.rules.appointments import AGREED_AHEAD_AT_MOST, WINDOW_AT_LEAST, WINDOW_AT_MOST
from services.intake.rules.attachments import ATTACHMENTS_PER_CASE_MAX
from services.intake.rules.refusals import RefusedBecause

LEAST, MOST = WINDOW_AT_LEAST.seconds // 60, WINDOW_AT_MOST.seconds // 3600

WORDS_OF_CHANGES: dict[RefusedBecause, tuple[int, str, str]] = {
    RefusedBecause.UNKNOWN_PERSON: (
        422,
        "没有这个工作人员 / There is no such member of staff",
        "请核对须回避人员的编号 / Check the ids of those who may not be sent",
    ),
    RefusedBecause.UNKNOWN_SNIPPET: (
        422,
        "没有这个知识条目 / There is no such snippet",
        "请重新选择，或直接填写答复 / Choose another one, or write the answer",
    ),
    RefusedBecause.UNKNOWN_UNIT: (
        422,
        "没有这个单位 / There is no such unit",
        "请核对单位编号，不清楚时留空 / Check its id, or leave it empty if nobody knows",
    ),
    RefusedBecause.OUTSIDE_DUTY_LIST: (
        422,
        "此事项不在社区职责清单内，且没有可派的上级单位"
        " / Outside the community's duty list, and no unit above may take it",
        "请向主管单位反映，或按不予受理登记 / Turn to the rightful unit, or register it as not accepted",
    ),
    RefusedBecause.CRISIS_NOT_ANSWERED: (
        422,
        "涉及人身安全，不能当场答复或不予受理"
        " / There is danger to life, so it ends neither with an answer nor with a refusal",
        "请先转接急救或报警，再登记为应急工单 / Put the caller through first, then register an emergency",
    ),
    RefusedBecause.WINDOW_LENGTH: (
        422,
        f"预约时段须为 {LEAST} 分钟至 {MOST} 小时 / A window lasts {LEAST} minutes to {MOST} hours",
        "请另选时段 / Choose another window",
    ),
    RefusedBecause.WINDOW_TIME: (
        422,
        f"预约须在今后 {AGREED_AHEAD_AT_MOST.days} 天之内"
        f" / A window lies ahead, and begins within {AGREED_AHEAD_AT_MOST.days} days",
        "请另选时段 / Choose another window",
    ),
    RefusedBecause.NO_APPOINTMENT: (
        422,
        "只有预约类工单才约定时段 / Only what is done by appointment has a window",
        "请选择预约类事项，或先由督办员改为预约"
        " / Choose a category done by appointment, or let a supervisor amend the urgency first",
    ),
    RefusedBecause.LATER_WINDOW: (
        403,
        "您办理过此工单，不能把预约推后 / You held this case, so you do not put its window off",
        "请申请延期，或由受理台或诉求人改约 / Ask for an extension, or let the desk or the requester agree it",
    ),
    RefusedBecause.CASE_ENDED: (
        409,
        "工单已办结或结案 / The case is handled or closed",
        "未解决的可在回访或查询页提出，新情况请另行登记"
        " / Say so in the follow-up or on the tracking page; register anything new",
    ),
    RefusedBecause.CASE_MERGED: (
        409,
        "工单已并入另一工单 / The case is part of another one",
        "请在主工单上操作，或先撤销合并 / Act on the parent case, or unmerge first",
    ),
    RefusedBecause.CHANGED_MEANWHILE: (
        412,
        "工单刚刚有了变化 / The case has changed meanwhile",
        "请刷新后再试 / Load it again and repeat",
    ),
    RefusedBecause.URGENCY_LOWERED: (
        403,
        "只有督办员可以降低紧急程度 / Only a supervisor lowers the urgency",
        "请联系督办员 / Ask a supervisor",
    ),
    RefusedBecause.MERGED_WITH_ITSELF: (
        422,
        "不能与自身合并 / A case cannot be merged with itself",
        "请选择另一工单 / Choose another case",
    ),
    RefusedBecause.PARENT_LESS_URGENT: (
        409,
        "主工单的紧急程度更低 / The earlier case is less urgent",
        "请先提高主工单的紧急程度再合并 / Raise the earlier case's urgency first",
    ),
    RefusedBecause.CHILDREN_ENDED: (
        409,
        "已有并入的工单随它结案，不能再并入别的工单"
        " / Cases merged into it have closed, so it cannot become a part itself",
        "请将另一工单单独办理 / Deal with the other case by itself",
    ),
    RefusedBecause.NOT_MERGED: (
        409,
        "工单没有合并 / The case is not merged",
        "请刷新 / Load it again",
    ),
    RefusedBecause.PARENT_HANDLED: (
        409,
        "主工单已办结，不能再撤销合并 / The parent was handled, so the merge stands",
        "未解决的请在回访中提出 / Say in the follow-up what is not solved",
    ),
    RefusedBecause.OTHERS_ASKED_TOO: (
        409,
        "还有其他人反映同一件事，工单会继续办理 / Others asked for the same, so the case goes on",
        "如不愿再被联系，可撤回联系同意 / Take back the consent to be contacted if you like",
    ),
    RefusedBecause.QUESTION_OPEN: (
        409,
        "上一个问题还没有得到答复 / The last question is still open",
        "请等待答复或撤回问题 / Wait for the answer or take the question back",
    ),
    RefusedBecause.NO_SUCH_QUESTION: (
        404,
        "没有待答复的问题 / There is no such open question",
        "请刷新 / Load it again",
    ),
    RefusedBecause.TOO_MANY_ATTACHMENTS: (
        409,
        f"每个工单最多 {ATTACHMENTS_PER_CASE_MAX} 个附件 / A case takes {ATTACHMENTS_PER_CASE_MAX} attachments at most",
        "请把最重要的内容写在说明里 / Write what matters most in words",
    ),
    RefusedBecause.NOT_SHARED: (
        403,
        "诉求人不同意向办理人提供姓名和电话 / The requester does not agree that whoever handles it sees name and phone",
        "如需联系，请通过受理台转达 / Let the desk pass on what has to be said",
    ),
    RefusedBecause.RESIDENTS_OWN: (
        403,
        "您办理过此工单，不能代诉求人撤回或同意"
        " / You held this case, so you neither withdraw nor agree for the requester",
        "请交由受理台代办，或由诉求人凭工单号和取件码自行办理"
        " / Leave it to the desk, or to the requester with number and code",
    ),
    RefusedBecause.ANONYMOUS_CONSENT: (
        409,
        "匿名工单没有可同意的事项 / An anonymous case has nothing to agree to",
        "如愿意被联系，请重新登记 / Register anew if you want to be contacted",
    ),
}
