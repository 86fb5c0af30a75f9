"""`python -m bench.matching [--rounds N] [--json FILE]`: one matching of 1,000 cases × 10,000 people, all included.

Candidates, travel times, costs and the assignment, beside scipy's bare solve of the same sparse matrix. Every round is
another moment of a city of 30 × 30 km in which people and cases gather in quarters. Beside it, and not in these
figures, the worst there is: all 1,000 cases in one quarter, where the nearest twenty are the same for all. `cpu_…` is
processor time, which says how long it takes on a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from bench.spread import quantiles_ms
from services.dispatch.matching.assignment import Problem, matrix_of
from services.dispatch.matching.costs import worth
from services.dispatch.matching.engine import Engine
from services.dispatch.matching.situation import NOBODY, Assignment, Cases, People, Situation, Standing
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Floats, Places
from services.dispatch.travel.straight import EARTH_RADIUS_M, StraightLine

CASES, PEOPLE = 1_000, 10_000
ROUNDS, HOT_ROUNDS = 300, 20
SIDE_M, QUARTERS, QUARTER_M = 30_000.0, 40, 1_200.0
LON, LAT = 113.6, 24.8


def moment(seed: int, *, hot_spot: bool = False) -> Situation:
    """A moment in which everything is contended at once: three in ten on routine work, one case in five late."""
    rng = np.random.default_rng(seed)
    quarters = rng.uniform(0, SIDE_M, (QUARTERS, 2))
    where = np.broadcast_to(quarters[0], (CASES, 2)) if hot_spot else _around(rng, quarters, CASES)
    spread = rng.normal(0, 300.0, (CASES, 2)) if hot_spot else 0.0
    age = np.sort(rng.uniform(0, 1125, CASES))[::-1]
    cases = Cases(
        places=_places(where + spread),
        due=900 - age,
        age=age,
        holders=rng.integers(0, PEOPLE, (CASES, 3)),
        goer=np.full(CASES, NOBODY),
        pinned=np.full(CASES, NOBODY),
    )
    routine = rng.random(PEOPLE) < 0.3
    people = People(
        places=_places(_around(rng, quarters, PEOPLE)),
        modes=(rng.random(PEOPLE) < 0.4).astype(np.int8),
        standing=np.where(routine, Standing.ROUTINE, Standing.FREE).astype(np.int8),
        free_after=np.where(routine, 120.0, 0.0),
        asked_ago=rng.uniform(0, 7200, PEOPLE),
        load=rng.integers(0, 6, PEOPLE).astype(np.float64),
        nights=rng.integers(0, 10, PEOPLE).astype(np.float64),
        remaining=np.full(PEOPLE, np.inf),
        swappable=np.zeros(PEOPLE, dtype=bool),
        lost_swap=np.zeros(PEOPLE, dtype=bool),
    )
    barred = rng.integers(0, CASES, 500), rng.integers(0, PEOPLE, 500)
    return Situation(cases, people, StraightLine(), 10, barred=barred)


def _around(rng: np.random.Generator, quarters: Floats, count: int) -> Floats:
    """Two in three in some quarter, the rest anywhere."""
    anywhere = rng.uniform(0, SIDE_M, (count, 2))
    gathered = quarters[rng.integers(0, len(quarters), count)] + rng.normal(0, QUARTER_M, (count, 2))
    return np.where(rng.random((count, 1)) < 2 / 3, gathered, anywhere)


def _places(metres: Floats) -> Places:
    degree = np.radians(1) * EARTH_RADIUS_M
    return Places(LON + metres[:, 0] / (degree * np.cos(np.radians(LAT))), LAT + metres[:, 1] / degree)


def bare_seconds(situation: Situation, made: Assignment, weights: Weights) -> float:
    """scipy alone, on the matrix of everything that was weighed."""
    edges, cases = made.edges, situation.cases
    value = worth(cases, weights, scarce=False)
    problem = Problem(edges.case, edges.person, edges.cost, value, cases.due)
    matrix, _ = matrix_of(problem, np.lexsort((edges.person, edges.case)))
    began = time.perf_counter()
    min_weight_full_bipartite_matching(matrix)
    return time.perf_counter() - began


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    engine = Engine(Weights())
    engine(moment(0))
    ours, cpu, bare, matched, fallbacks = [], [], [], 0, 0
    for seed in range(rounds):
        situation = moment(seed)
        began, cpu_began = time.perf_counter(), time.process_time()
        made = engine(situation)
        ours.append(time.perf_counter() - began)
        cpu.append(time.process_time() - cpu_began)
        bare.append(bare_seconds(situation, made, engine.weights))
        matched += len(made.case)
        fallbacks += made.fallback is not None
    all_of_it = quantiles_ms(ours)
    return {
        "p50_ms": all_of_it["p50_ms"],
        "p99_ms": all_of_it["p99_ms"],
        "min_ms": round(min(ours) * 1000, 1),
        "max_ms": all_of_it["max_ms"],
        "cpu_p50_ms": quantiles_ms(cpu)["p50_ms"],
        "cpu_p99_ms": quantiles_ms(cpu)["p99_ms"],
        "bare_scipy_p50_ms": quantiles_ms(bare)["p50_ms"],
        "bare_scipy_p99_ms": quantiles_ms(bare)["p99_ms"],
        "rounds": rounds,
        "cases": CASES,
        "people": PEOPLE,
        "matched_share": round(matched / (rounds * CASES), 4),
        "fallback_rate": round(fallbacks / rounds, 4),
        "hot_spot": hot_spot(engine),
    }


def hot_spot(engine: Engine) -> dict[str, Any]:
    """All cases in one quarter: how long it takes, how many have somebody, how often the closest pair stood in."""
    taken, matched, fallbacks = [], 0, 0
    for seed in range(HOT_ROUNDS):
        situation = moment(seed, hot_spot=True)
        began = time.perf_counter()
        made = engine(situation)
        taken.append(time.perf_counter() - began)
        matched += len(made.case)
        fallbacks += made.fallback is not None
    return quantiles_ms(taken) | {
        "matched_share": round(matched / (HOT_ROUNDS * CASES), 4),
        "fallback_rate": round(fallbacks / HOT_ROUNDS, 4),
        "rounds": HOT_ROUNDS,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    result = measure(given.rounds)
    for name, value in result.items():
        print(f"{name:20} {value}", flush=True)
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
