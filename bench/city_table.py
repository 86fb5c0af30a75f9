"""The figures as text: two tables per scenario, the bounds above them, what the columns mean below the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.dispatch.city.report import Further, Interval, Row


@dataclass(frozen=True, slots=True)
class BoundRow:
    """How good anybody could be in a scenario, over `seeds` days. `at_home_pct`: on-time per cent if cases never met;
    `plan_pct`: of the clairvoyant plan. `late_vs_plan`: by policy, its late share over the plan's on the same days;
    null where the plan is never late. `plan_gap`, `plan_windows`, `plan_cut_windows`: how far the plan is proven."""

    scenario: str
    seeds: int
    at_home_pct: float
    plan_pct: float
    late_vs_plan: dict[str, float | None]
    plan_gap: float
    plan_windows: int
    plan_cut_windows: int


@dataclass(frozen=True, slots=True)
class Block:
    """Everything there is to say of one scenario; `rows` and `further` by policy, in the same order."""

    rows: Sequence[Row]
    further: Sequence[Further]
    bound: BoundRow | None


LEGEND = """\
on%        准时到场率，各种子的均值 / mean over seeds of the share arrived ≤ 15 min after registration
95%        均值的 95% 区间，按种子的 Student t / 95 % interval of that mean, Student's t over seeds
-engine    与 engine 在相同种子上的差（百分点）及 95% 区间，成对 t / difference to engine on the same seeds, paired t
late       迟到比例 / late share;  /greedy  与最近配对之比，成对自助法 / over greedy_pair's, paired bootstrap over seeds
/plan      与先知计划的迟到比例之比 / late share over the clairvoyant plan's, same days
decile     最差的一成网格的准时率 / on time in the worst tenth of grids, over all seeds
mean…p99   登记到到场的分钟 / minutes from registration to arrival;  over  每单超时分钟 / minutes past 15, per case
never%     无人到场 / nobody came;  offers swaps takes intr  每单派单、改派、接替、中断日常 / per case: offers,
           swaps (called off their way), takeovers (somebody nearer went on instead), interruptions
told/h     每人每在岗小时收到的待命建议 / suggestions where to wait, per hour on duty
gini       接单数的基尼系数 / of cases taken;  esc%  升到社区/街道/民政 / reached community/street/civil affairs
p99ms      一次匹配的真实耗时 / real time of one matching;  fall%  退回最近配对的比例 / matchings that fell back"""

ON_TIME = ("policy", "on%", "95%", "-engine", "late", "/greedy", "/plan", "decile")
WORK = (
    *("policy", "mean", "p50", "p90", "p99", "over", "never%", "offers", "swaps", "takes", "intr", "told/h"),
    *("gini", "esc%", "p99ms", "fall%"),
)


def table(blocks: Sequence[Block]) -> str:
    """All scenarios one after another."""
    return "\n".join([*(_block(one) for one in blocks), LEGEND])


def _block(block: Block) -> str:
    first = block.rows[0]
    cases = block.further[0].cases
    lines = [f"── {first.scenario} · {first.seeds} 天 days · {cases} 工单 cases"]
    if block.bound:
        lines.append(_bound(block.bound))
    plan = block.bound.late_vs_plan if block.bound else {}
    pairs = list(zip(block.rows, block.further, strict=True))
    lines += _columns(ON_TIME, [_on_time(row, more, plan.get(row.policy)) for row, more in pairs])
    lines += _columns(WORK, [_work(row, more) for row, more in pairs])
    return "\n".join([*lines, ""])


def _bound(bound: BoundRow) -> str:
    proven = f"{bound.plan_windows} 窗 windows, gap ≤ {bound.plan_gap:.2g}, {bound.plan_cut_windows} 截短 cut"
    return (
        f"   上限 bounds ({bound.seeds} 天 days): 人人在家空闲 everyone free at home {bound.at_home_pct:.2f} % · "
        f"先知计划 clairvoyant plan {bound.plan_pct:.2f} % ({proven})"
    )


def _on_time(row: Row, more: Further, plan: float | None) -> tuple[str, ...]:
    return (
        row.policy,
        f"{row.on_time_pct:.2f}",
        _range(row.on_time_low, row.on_time_high, "{:.2f}"),
        _difference(more.against_engine),
        f"{row.late_share:.4f}",
        _ratio(row, more),
        _or_dash(plan, "{:.2f}"),
        f"{row.worst_decile_pct:.1f}",
    )


def _work(row: Row, more: Further) -> tuple[str, ...]:
    return (
        row.policy,
        *(_or_dash(value, "{:.1f}") for value in (more.mean_min, more.p50_min, row.p90_min, more.p99_min)),
        f"{more.late_minutes:.2f}",
        f"{more.never_pct:.2f}",
        f"{row.offers_per_case:.2f}",
        f"{row.swaps_per_case:.3f}",
        f"{row.takeovers_per_case:.3f}",
        f"{row.interruptions_per_case:.2f}",
        f"{more.suggestions_per_hour:.2f}",
        f"{row.gini:.2f}",
        "/".join(f"{share:.1f}" for share in more.escalated_pct),
        f"{row.solver_p99_ms:.1f}",
        f"{100 * row.fallback_rate:.2f}",
    )


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[at]) for line in [heads, *rows]) for at in range(len(heads))]
    sides: list[Callable[[str, int], str]] = [str.ljust, *[str.rjust] * (len(heads) - 1)]
    return [
        "   " + "  ".join(side(text, width) for text, width, side in zip(line, widths, sides, strict=True))
        for line in [heads, *rows]
    ]


def _difference(against: Interval | None) -> str:
    if against is None:
        return "-"
    return f"{against.mean:+.2f} {_range(against.low, against.high, '{:+.2f}')}".rstrip()


def _ratio(row: Row, more: Further) -> str:
    if row.late_vs_greedy is None:
        return "-"
    return f"{row.late_vs_greedy:.2f} {_range(more.late_ratio_low, more.late_ratio_high, '{:.2f}')}".rstrip()


def _range(low: float | None, high: float | None, form: str) -> str:
    return "" if low is None or high is None else f"[{form.format(low)}, {form.format(high)}]"


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
