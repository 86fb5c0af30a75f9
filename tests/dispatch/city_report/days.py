"""Days made by hand: what a simulator would leave behind, and what nobody in them could know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.dispatch.city.bounds import HOME, Foreknown
from services.dispatch.city.run import Run
from services.dispatch.travel.model import Floats, Indices


def a_run(
    took_minutes: Sequence[float],
    *,
    policy: str = "engine",
    scenario: str = "day",
    seed: int = 100,
    grid: Sequence[int] | None = None,
    offers: Sequence[int] | None = None,
    swaps: Sequence[int] | None = None,
    takeovers: Sequence[int] | None = None,
    interruptions: Sequence[int] | None = None,
    level: Sequence[int] | None = None,
    taken: Sequence[int] = (1, 1),
    solver_seconds: Sequence[float] = (0.01,),
    fallbacks: int = 0,
    suggestions: int = 0,
    duty_hours: float = 24.0,
) -> Run:
    """A day with one case a minute, that took so long from registration to arrival."""
    cases = len(took_minutes)
    registered = 60.0 * np.arange(cases, dtype=np.float64)

    def counted(given: Sequence[int] | None, default: int) -> Indices:
        return np.array(given if given is not None else [default] * cases, dtype=np.intp)

    return Run(
        scenario=scenario,
        policy=policy,
        seed=seed,
        registered=registered,
        arrived=registered + 60.0 * np.array(took_minutes, dtype=np.float64),
        lon=np.full(cases, 113.6),
        lat=np.full(cases, 24.8),
        grid=counted(grid, 0),
        offers=counted(offers, 1),
        swaps=counted(swaps, 0),
        takeovers=counted(takeovers, 0),
        interruptions=counted(interruptions, 0),
        level=counted(level, 0),
        taken=np.array(taken, dtype=np.intp),
        solver_seconds=np.array(solver_seconds, dtype=np.float64),
        fallbacks=fallbacks,
        suggestions=suggestions,
        duty_hours=duty_hours,
    )


def foreknown(
    registered: Sequence[float],
    places: Sequence[float],
    bases: Sequence[float],
    *,
    on_site: float | Sequence[float] = 600.0,
    answer: float = 0.0,
    accepts: Sequence[Sequence[bool]] | None = None,
    noise: Floats | None = None,
    within: float = 900.0,
) -> Foreknown:
    """A city that is one street: places are seconds of way from its beginning."""
    case, base = np.array(places, dtype=np.float64), np.array(bases, dtype=np.float64)
    shape = (len(case), len(base))
    factor = np.ones(shape) if noise is None else noise

    def ways(who: Indices, at: Indices, to: Indices) -> Floats:
        start = np.where(at == HOME, base[who], case[np.maximum(at, 0)])
        seconds: Floats = np.abs(start - case[to]) * factor[to, who]
        return seconds

    return Foreknown(
        registered=np.array(registered, dtype=np.float64),
        due=np.array(registered, dtype=np.float64) + within,
        on_site=np.broadcast_to(np.asarray(on_site, dtype=np.float64), (shape[0],)).copy(),
        answers=np.full(shape, answer),
        accepts=np.ones(shape, dtype=np.bool_) if accepts is None else np.array(accepts, dtype=np.bool_),
        may_go=np.ones(shape, dtype=np.bool_),
        ways=ways,
        from_home=np.abs(base[None, :] - case[:, None]),
        spread=np.full(shape, 0.25),
    )
