"""An explanation in one sentence, Chinese and English: who, how soon, how likely late, against whom, and why."""

from __future__ import annotations

from services.dispatch.matching.explaining import Because, Explanation, Weighed

Words = tuple[str, str]
"""Chinese, English."""

WHO: dict[Because, Words] = {
    Because.A_HOLDER: ("本网格A岗", "the grid's own A holder"),
    Because.B_HOLDER: ("本网格B岗", "the grid's own B holder"),
    Because.GRID_LEADER: ("本网格网格长", "the grid's leader"),
}
SOMEBODY: Words = ("附近可派人员", "somebody nearby who can go")

WHY: dict[Because, Words] = {
    Because.A_HOLDER: ("本网格优先", "their own grid comes first"),
    Because.B_HOLDER: ("本网格优先", "their own grid comes first"),
    Because.GRID_LEADER: ("轮到网格长", "it is the leader's turn"),
    Because.SWAP: (
        "从途中改派：合计更多人能按时等到",
        "called off their way, because more people are reached in time so",
    ),
    Because.TAKEOVER: (
        "接替路上还远的人，更快到场",
        "takes over from somebody who is still far off, and is there sooner",
    ),
    Because.ONLY_ONE: ("目前只有此人可派", "nobody else can be asked now"),
    Because.FASTEST: ("到得最快", "nobody is there sooner"),
    Because.LEAST_LATE: ("迟到的可能最小", "nobody is less likely to be late"),
    Because.BALANCE: (
        "与同时等待的工单一并安排，合计最快",
        "arranged together with the other calls, so that everybody is reached soonest",
    ),
}


def sentence(explanation: Explanation, who: Words | None = None) -> Words:
    """`who` are words for the person chosen, such as their post; without them what the reason knows is said."""
    chosen, others = explanation.weighed[0], explanation.others
    name = who or WHO.get(explanation.because, SOMEBODY)
    why = WHY[explanation.because]
    chinese = f"{name[0]}，约{minutes(chosen)}分钟到，迟到可能{_percent(chosen)}；{why[0]}"
    english = (
        f"{name[1][0].upper()}{name[1][1:]}, there in about {minutes(chosen)} min, "
        f"{_percent(chosen)} chance of being late; {why[1]}"
    )
    if not others:
        return f"{chinese}。", f"{english}."
    quickest = minutes(others[0])
    return (
        f"{chinese}（另比较{len(others)}人，其中最快约{quickest}分钟）。",
        f"{english} ({len(others)} more weighed, the quickest of them about {quickest} min).",
    )


def minutes(weighed: Weighed) -> int:
    """To the door, never told as less than one."""
    return max(1, round(weighed.eta_seconds / 60))


def _percent(weighed: Weighed) -> str:
    percent = round(100 * weighed.p_late)
    return "<1%" if percent < 1 else f"{percent}%"
