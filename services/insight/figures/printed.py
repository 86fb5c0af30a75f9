"""What the source articles print, kept as it was printed beside what follows from it (product §10, phase 1)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.insight.figures.definition import CountUnit, Rounding, RoundingMode, Value, percentage
from shared.things import Name


@dataclass(frozen=True)
class PrintedFigure:
    """`printed` is never computed. n and d are None where the article does not give them; `at_least` where it says
    "more than"; `rounding` is the one that would give the print, None where nothing was rounded. `figure` is ours
    that counts the same."""

    id: str
    what: Name
    printed: str
    unit: CountUnit
    figure: str
    n: Decimal | None = None
    d: int | None = None
    at_least: bool = False
    rounding: Rounding | None = None


def possible_numerators(percent: Decimal, d: int, rounding: Rounding) -> list[int]:
    """Every n of which n/d would be printed as `percent`."""
    return [n for n in range(d + 1) if percentage(Value(Decimal(n), d), rounding) == percent]


PRINTED: tuple[PrintedFigure, ...] = (
    PrintedFigure(
        id="S0-d",
        what=Name(
            zh="一天全员采样：7815 名居民采样 7387 份（其余 428 人原文没有说明）",
            en="Samples taken of 7,815 residents in one day (of the other 428 nothing is said there)",
        ),
        printed="7387",
        unit=CountUnit.PERSONS,
        figure="mass_task_reached",
        n=Decimal(7387),
        d=7815,
    ),
    PrintedFigure(
        id="S1-a",
        what=Name(
            zh="建设社区一年应急处置 721 次，“成功率”95.2 %（原文没有定义）",
            en="721 emergency runs in a year, 'success rate' 95.2 % (not defined there)",
        ),
        printed="95.2 %",
        unit=CountUnit.CASES,
        figure="emergency_success",
        d=721,
        # Half up and half even give 95.2 for no n of 721; cut off, only 687 does.
        rounding=Rounding(RoundingMode.TRUNCATE, 1),
    ),
    *(
        PrintedFigure(
            id=f"S3-a/{level}",
            what=Name(zh=f"124 团在{zh}解决", en=f"Resolved at {level.replace('_', ' ')}"),
            printed=str(n),
            unit=CountUnit.CASES,
            figure="resolved",
            n=Decimal(n),
        )
        for level, zh, n in (
            ("grid", "网格", 11),
            ("community", "社区", 18),
            ("street", "街道", 29),
            ("civil_affairs", "民政", 20),
        )
    ),
    PrintedFigure(
        id="S3-b/hotline_and_web",
        what=Name(zh="124 团热线和网络受理", en="Taken in by hotline and web"),
        printed="200+",
        unit=CountUnit.CASES,
        figure="registered",
        n=Decimal(200),
        at_least=True,
    ),
    PrintedFigure(
        id="S3-b/window",
        what=Name(zh="124 团一个窗口受理", en="Taken in at the one window"),
        printed="500+",
        unit=CountUnit.CASES,
        figure="registered",
        n=Decimal(500),
        at_least=True,
    ),
    PrintedFigure(
        id="S4-a",
        what=Name(zh="惠民社区化解纠纷", en="Disputes settled"),
        printed="86",
        unit=CountUnit.CASES,
        figure="resolved",
        n=Decimal(86),
    ),
)
