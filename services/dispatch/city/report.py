"""From simulated days to figures: one row per policy and scenario, intervals over seeds, differences by pairs of seeds.

The definitions are those of product.md §8: an emergency is on time if somebody arrived at most fifteen minutes after
registration; who never came is late. Shares in per cent are means over seeds, every seed weighing the same, because the
intervals are theirs; what is said per case, and quantiles of minutes, pool the cases of all seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy.special import stdtrit

from services.dispatch.city.run import ON_TIME_SECONDS, Run
from services.dispatch.travel.model import Floats, Indices

CONFIDENCE = 0.95
RESAMPLES = 2000
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % interval; no ends where one value alone says nothing of its spread."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One policy in one scenario, as in the JSON file; the names of the fields are the keys.

    `seeds`: how many days. `on_time_pct`: mean over seeds of the share of cases on time, `on_time_low` and
    `on_time_high` its 95 % interval (Student's t over seeds; null with one seed). `late_share` = 1 − on_time_pct/100.
    `late_vs_greedy`: late_share over that of greedy_pair on the same seeds, null where greedy_pair is never late or was
    not run. `p90_min`: minutes from registration to the door that nine cases in ten do not exceed, null if more than a
    tenth were never reached. `worst_decile_pct`: see `worst_decile`. `offers_per_case`, `swaps_per_case` (somebody on
    the way was called to another), `takeovers_per_case` (somebody nearer went on in their place),
    `interruptions_per_case` (routine work was left for it). `gini` of cases taken per person, mean over seeds.
    `solver_p99_ms`: real milliseconds of one matching. `fallback_rate`: share of matchings in which the greedy closest
    pair stood in for the solver."""

    policy: str
    scenario: str
    seeds: int
    on_time_pct: float
    on_time_low: float | None
    on_time_high: float | None
    late_share: float
    late_vs_greedy: float | None
    p90_min: float | None
    worst_decile_pct: float
    offers_per_case: float
    swaps_per_case: float
    takeovers_per_case: float
    interruptions_per_case: float
    gini: float
    solver_p99_ms: float
    fallback_rate: float


@dataclass(frozen=True, slots=True)
class Further:
    """What is printed beside a row. `mean_min` is over cases somebody came to, `never_pct` the share nobody came to;
    the quantiles count those as endless (null). `late_minutes`: minutes past the fifteen, per case, of those somebody
    came to. `escalated_pct`: cases in a hundred whose acknowledge clock reached community, street, civil affairs or
    beyond (1, 2, 3 in `Run.level`).
    `suggestions_per_hour`: how often in an hour of duty somebody was told where they would best wait.
    `against_engine`: on-time per cent minus the engine's on the same seeds. `late_ratio_low`/`high`: 95 % interval of
    late_vs_greedy, by resampling pairs of seeds."""

    policy: str
    scenario: str
    cases: int
    mean_min: float | None
    p50_min: float | None
    p99_min: float | None
    never_pct: float
    late_minutes: float
    escalated_pct: tuple[float, float, float]
    suggestions_per_hour: float
    against_engine: Interval | None
    late_ratio_low: float | None
    late_ratio_high: float | None


def student(values: Floats) -> Interval:
    """The mean and its interval by Student's t with n − 1 degrees of freedom."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, None, None)
    reach = float(stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2)) * float(np.std(values, ddof=1))
    half = reach / float(np.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def within(interval: Interval, lowest: float, highest: float) -> Interval:
    """A share is never below nothing or above everything, whatever Student says of it."""
    if interval.low is None or interval.high is None:
        return interval
    return Interval(interval.mean, max(lowest, interval.low), min(highest, interval.high))


def gini(load: Indices | Floats) -> float:
    """0: everybody took as many; towards 1: one person took all. 0 if nobody took any."""
    ordered = np.sort(np.asarray(load, dtype=np.float64))
    total = float(ordered.sum())
    if total == 0.0:
        return 0.0
    n = len(ordered)
    ranks = np.arange(1, n + 1, dtype=np.float64)
    return float(2.0 * (ranks * ordered).sum() / (n * total) - (n + 1) / n)


def quantile(values: Floats, share: float) -> float | None:
    """The smallest value that at least `share` of all do not exceed; None if that one is endless."""
    if not len(values):
        return None
    found = float(np.quantile(values, share, method="inverted_cdf"))
    return found if np.isfinite(found) else None


def worst_decile(runs: Sequence[Run]) -> float:
    """On-time per cent of the cases in the worst tenth of the grids (rounded up), the grids ordered by their share over
    all seeds: with one day's handful of cases a grid would be worst by chance alone."""
    grid = np.concatenate([run.grid for run in runs])
    late = np.concatenate([run.late for run in runs])
    seen, place = np.unique(grid, return_inverse=True)
    cases = np.bincount(place, minlength=len(seen)).astype(np.float64)
    missed = np.bincount(place, weights=late.astype(np.float64), minlength=len(seen))
    worst = np.argsort(-missed / cases, kind="stable")[: -(-len(seen) // 10)]
    return float(100.0 * (1.0 - missed[worst].sum() / cases[worst].sum()))


def on_time_pct(run: Run) -> float:
    return 100.0 * (1.0 - float(np.mean(run.late)))


def paired(ours: Mapping[int, Run], theirs: Mapping[int, Run]) -> tuple[Floats, Floats]:
    """On-time per cent of both on the seeds they share, in the order of the seeds."""
    shared = [seed for seed in sorted(ours.keys() & theirs.keys()) if len(ours[seed].registered)]
    return (
        np.array([on_time_pct(ours[seed]) for seed in shared], dtype=np.float64),
        np.array([on_time_pct(theirs[seed]) for seed in shared], dtype=np.float64),
    )


def late_ratio(ours: Floats, theirs: Floats) -> Interval | None:
    """Late share over late share, both given as on-time per cent by seed; None where theirs is never late. The interval
    resamples pairs of seeds (2,000 times, always the same draws); a resample in which theirs is never late says
    nothing and is left out."""
    late, base = 100.0 - ours, 100.0 - theirs
    if not len(base) or float(base.mean()) <= 0.0:
        return None
    ratio = float(late.mean() / base.mean())
    if len(base) < 2:
        return Interval(ratio, None, None)
    rows = np.random.default_rng(0).integers(0, len(base), (RESAMPLES, len(base)))
    above, below = late[rows].mean(axis=1), base[rows].mean(axis=1)
    drawn = above[below > 0.0] / below[below > 0.0]
    low, high = np.quantile(drawn, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Interval(ratio, float(low), float(high))


def row(runs: Mapping[int, Run], greedy: Mapping[int, Run] | None) -> Row:
    """The figures of one policy in one scenario. `runs` are its days by seed, `greedy` those of greedy_pair.
    Raises ValueError if there is no case in any of them."""
    days = _with_cases(runs)
    share = within(student(np.array([on_time_pct(day) for day in days])), 0.0, 100.0)
    took = np.concatenate([day.took for day in days]) / 60.0
    cases = len(took)
    ratio = late_ratio(*paired(runs, greedy)) if greedy else None
    solver = np.concatenate([day.solver_seconds for day in days])
    return Row(
        policy=days[0].policy,
        scenario=days[0].scenario,
        seeds=len(days),
        on_time_pct=_short(share.mean),
        on_time_low=_short_or_none(share.low),
        on_time_high=_short_or_none(share.high),
        late_share=_short(1.0 - share.mean / 100.0),
        late_vs_greedy=_short_or_none(ratio.mean if ratio else None),
        p90_min=_short_or_none(quantile(took, 0.9)),
        worst_decile_pct=_short(worst_decile(days)),
        offers_per_case=_short(sum(float(day.offers.sum()) for day in days) / cases),
        swaps_per_case=_short(sum(float(day.swaps.sum()) for day in days) / cases),
        takeovers_per_case=_short(sum(float(day.takeovers.sum()) for day in days) / cases),
        interruptions_per_case=_short(sum(float(day.interruptions.sum()) for day in days) / cases),
        gini=_short(float(np.mean([gini(day.taken) for day in days]))),
        solver_p99_ms=_short(1000.0 * (quantile(solver, 0.99) or 0.0)),
        fallback_rate=_short(sum(day.fallbacks for day in days) / max(1, len(solver))),
    )


def further(
    runs: Mapping[int, Run], greedy: Mapping[int, Run] | None, engine: Mapping[int, Run] | None
) -> Further:
    """What the row has no room for."""
    days = _with_cases(runs)
    took = np.concatenate([day.took for day in days]) / 60.0
    came = took[np.isfinite(took)]
    level = np.concatenate([day.level for day in days])
    ratio = late_ratio(*paired(runs, greedy)) if greedy else None
    reached = [_short(100.0 * float(np.mean(level >= rung))) for rung in (1, 2, 3)]
    return Further(
        policy=days[0].policy,
        scenario=days[0].scenario,
        cases=len(took),
        mean_min=_short(float(came.mean())) if len(came) else None,
        p50_min=_short_or_none(quantile(took, 0.5)),
        p99_min=_short_or_none(quantile(took, 0.99)),
        never_pct=_short(100.0 * (1.0 - len(came) / len(took))),
        late_minutes=_short(float(np.maximum(0.0, came - ON_TIME_SECONDS / 60.0).sum()) / len(took)),
        escalated_pct=(reached[0], reached[1], reached[2]),
        suggestions_per_hour=_short(
            sum(day.suggestions for day in days) / max(1.0, sum(day.duty_hours for day in days))
        ),
        against_engine=_difference(runs, engine) if engine and engine is not runs else None,
        late_ratio_low=_short_or_none(ratio.low if ratio else None),
        late_ratio_high=_short_or_none(ratio.high if ratio else None),
    )


def joined(days: Sequence[Run], seed: int) -> Run:
    """Days of one recording as one run: their cases one after another, everybody's load by day."""
    first = days[0]
    arrays: dict[str, Any] = {
        field.name: np.concatenate([getattr(day, field.name) for day in days])
        for field in fields(Run)
        if isinstance(getattr(first, field.name), np.ndarray)
    }
    return replace(
        first,
        seed=seed,
        fallbacks=sum(day.fallbacks for day in days),
        suggestions=sum(day.suggestions for day in days),
        duty_hours=sum(day.duty_hours for day in days),
        **arrays,
    )


def as_json(one: Row) -> dict[str, str | int | float | None]:
    """The row with its fields as keys, in their order."""
    return {field.name: getattr(one, field.name) for field in fields(one)}


def _difference(runs: Mapping[int, Run], engine: Mapping[int, Run]) -> Interval | None:
    ours, theirs = paired(runs, engine)
    return student(ours - theirs) if len(ours) else None


def _with_cases(runs: Mapping[int, Run]) -> list[Run]:
    days = [runs[seed] for seed in sorted(runs) if len(runs[seed].registered)]
    if not days:
        raise ValueError("这些日子里没有应急工单 / there is no emergency in any of these days")
    return days


def _short(value: float) -> float:
    return round(value, DECIMALS)


def _short_or_none(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)
