"""One picture per scenario: who is on time, with the interval, and how the minutes are spread.

SVG with its text as text, so that the viewer's own fonts show the Chinese.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes

from bench.city_table import Block
from services.dispatch.city.run import ON_TIME_SECONDS, Run
from services.dispatch.travel.model import Floats

COLOURS = {
    "own_grid": "#999999",
    "round_robin": "#cc79a7",
    "nearest_free": "#e69f00",
    "fastest_free": "#56b4e9",
    "greedy_pair": "#009e73",
    "engine": "#d55e00",
    "engine_unadvised": "#0072b2",
}
OTHER = "#000000"
MINUTES_SHOWN = 30.0
FONTS = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "WenQuanYi Micro Hei", "DejaVu Sans"]
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "city",
    "font.family": FONTS,
    "axes.unicode_minus": False,
}


def draw(folder: Path, block: Block, runs: Mapping[str, Sequence[Run]]) -> Path:
    """Write the scenario's picture into the folder; the same figures make the same file."""
    scenario = block.rows[0].scenario
    file = folder / f"{scenario}.svg"
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure, (left, right) = pyplot.subplots(
            1, 2, figsize=(12, 4.2), width_ratios=(1, 1.3), layout="constrained"
        )
        first = block.rows[0]
        figure.suptitle(f"{scenario} · {first.seeds} 天 days · {block.further[0].cases} 应急工单 emergencies")
        _on_time(left, block)
        _minutes(right, {name: np.concatenate([run.took for run in days]) for name, days in runs.items()})
        figure.savefig(file, metadata={"Date": None})
        pyplot.close(figure)
    return file


def _on_time(axes: Axes, block: Block) -> None:
    rows = block.rows[::-1]
    for at, row in enumerate(rows):
        low = row.on_time_pct if row.on_time_low is None else row.on_time_low
        high = row.on_time_pct if row.on_time_high is None else row.on_time_high
        reach = [[row.on_time_pct - low], [high - row.on_time_pct]]
        colour = COLOURS.get(row.policy, OTHER)
        axes.errorbar([row.on_time_pct], [at], xerr=reach, fmt="o", color=colour, capsize=4)
        axes.annotate(
            f"{row.on_time_pct:.1f}",
            (row.on_time_pct, at),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    if block.bound:
        axes.axvline(
            block.bound.at_home_pct, color="#666666", linestyle=":", label="人人在家空闲 free at home"
        )
        axes.axvline(block.bound.plan_pct, color="#666666", linestyle="--", label="先知计划 clairvoyant plan")
        axes.legend(fontsize=8, loc="lower left")
    axes.set_yticks(range(len(rows)), [row.policy for row in rows])
    axes.set_ylim(-1.4 if block.bound else -0.6, len(rows) - 0.3)
    axes.margins(x=0.12)
    axes.set_xlabel("准时到场率 on time, %（95% 区间 interval）")
    axes.grid(axis="x", alpha=0.3)


def _minutes(axes: Axes, took: Mapping[str, Floats]) -> None:
    """Cumulative: which share of the cases somebody had come to after so many minutes."""
    shown = np.linspace(0.0, MINUTES_SHOWN, 301)
    for name, seconds in took.items():
        share = 100.0 * np.searchsorted(np.sort(seconds) / 60.0, shown, side="right") / len(seconds)
        axes.plot(
            shown,
            share,
            color=COLOURS.get(name, OTHER),
            linewidth=2.4 if name == "engine" else 1.3,
            label=name,
        )
    axes.axvline(ON_TIME_SECONDS / 60.0, color="#666666", linestyle="--")
    axes.set_xlim(0, MINUTES_SHOWN)
    axes.set_ylim(0, 101)
    axes.set_xlabel("登记后的分钟 minutes after registration")
    axes.set_ylabel("已有人到场 somebody is there, %")
    axes.legend(fontsize=8, loc="lower right")
    axes.grid(alpha=0.3)
