"""`make city SEEDS=100-129 JSON=city.json`: every policy on simulated days, held against each other and the bounds.

Days run in processes of their own and are kept under .yike/city: an interrupted run goes on where it was. The JSON file
is a plain list, one row per policy and scenario (services/dispatch/city/report.py: Row); beside it `….more.json` holds
what else is printed, the bounds, and the machine. Exit codes: 0 done, 2 asked for something there is not, 130 stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from bench.city_days import SYSTEMS, Bound, CannotRun, Done, Job, finished, version
from bench.city_table import Block, BoundRow, table
from deploy.demo.mapping import DEFAULT as DEFAULT_MAPPING
from deploy.local.names import STATE
from services.dispatch.city.report import as_json, further, joined, row
from services.dispatch.city.run import Run
from services.dispatch.city.scenarios import SCENARIOS, Scenario
from shared.going import MatchingPolicy

SEEDS_MAX = 1000
SEED_MAX = 999_999
BAD_ROWS_SHOWN_MAX = 5
SAY_EVERY_SECONDS = 15.0
REPLAY = "replay"
KEPT = STATE / "city"
SEEDS = re.compile(r"(\d+)(?:-(\d+))?")

Days = dict[str, dict[int, list[Run]]]
"""By policy and seed: one run, or one for each day of a recording."""


def seeds_of(text: str) -> list[int]:
    """'100-129', '3', '0-4,8': in order, each once."""
    found: set[int] = set()
    for part in text.split(","):
        given = SEEDS.fullmatch(part.strip())
        first, last = (int(given[1]), int(given[2] or given[1])) if given else (1, 0)
        if first > last or last > SEED_MAX or last - first >= SEEDS_MAX:
            raise CannotRun(
                f"SEEDS 应形如 100-129 或 0-4,8（最多 {SEEDS_MAX} 个，不超过 {SEED_MAX}），现为 {text!r} / "
                f"SEEDS looks like 100-129 or 0-4,8 (at most {SEEDS_MAX}, up to {SEED_MAX}), not {text!r}"
            )
        found |= set(range(first, last + 1))
    return sorted(found)


def names_of(text: str | None, known: Iterable[str], chinese: str, english: str) -> list[str]:
    """The names given, or all that are known, in the order they were given."""
    there = list(known)
    if not text:
        return there
    given = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in given if name not in there]
    if unknown or not given:
        raise CannotRun(
            f"没有这样的{chinese}：{'、'.join(unknown) or text}；可用：{'、'.join(there)} / "
            f"no such {english}: {', '.join(unknown) or text}; there are: {', '.join(there)}"
        )
    return given


def chosen_scenarios(given: argparse.Namespace) -> dict[str, list[Scenario]]:
    """By name, the days that make one seed: one, but for a recording."""
    known: dict[str, list[Scenario]] = {name: [scenario] for name, scenario in SCENARIOS.items()}
    if given.calls:
        from bench.city_replay import recorded_days  # loads the demo, which no process of a day needs

        days, bad = recorded_days(given.calls, given.mapping, REPLAY)
        for wrong in bad[:BAD_ROWS_SHOWN_MAX]:
            print(f"第 {wrong.line} 行略过 / line {wrong.line} left out: {wrong.because}")
        if len(bad) > BAD_ROWS_SHOWN_MAX:
            print(f"…共略过 {len(bad)} 行 / {len(bad)} lines left out in all")
        known[REPLAY] = days
    elif REPLAY in (given.scenarios or "").split(","):
        raise CannotRun("replay 需要 CALLS=文件 / replay needs CALLS=file")
    return {name: known[name] for name in names_of(given.scenarios, known, "场景", "scenario")}


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make city", description=__doc__)
    parser.add_argument("--seeds", default="100-129", help="100-129, or 0-4,8")
    parser.add_argument("--policies", help="names with commas; all by default")
    parser.add_argument(
        "--scenarios", help="names with commas; all by default, and replay if there are calls"
    )
    parser.add_argument(
        "--calls", type=Path, help="recorded calls, as for make demo: adds the scenario replay"
    )
    parser.add_argument("--mapping", type=Path, default=DEFAULT_MAPPING, help="which columns mean what")
    parser.add_argument("--json", type=Path, help="where the rows go")
    parser.add_argument("--plots", type=Path, help="folder of the pictures; beside the JSON file by default")
    parser.add_argument(
        "--bound-seeds", type=int, default=10, help="bounds over the first so many seeds; 0: none"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kept", type=Path, default=KEPT, help="where finished days are kept")
    return parser.parse_args(words)


def jobs_of(
    scenarios: Mapping[str, Sequence[Scenario]], policies: Sequence[str], seeds: Sequence[int], bounds: int
) -> list[Job]:
    """Scenario by scenario, the policies of a seed one after another."""
    return [
        Job(scenario, seed, policy, part)
        for days in scenarios.values()
        for place, seed in enumerate(seeds)
        for policy in [*policies, *([None] if place < bounds else [])]
        for part, scenario in enumerate(days)
    ]


def watched(done: Iterator[Done], total: int) -> Iterator[Done]:
    """With a bar on a terminal, with a plain line now and then elsewhere."""
    if sys.stderr.isatty():
        yield from tqdm(done, total=total, unit="天 day", smoothing=0.05)
        return
    began = said = time.monotonic()
    for count, one in enumerate(done, start=1):
        if (now := time.monotonic()) - said >= SAY_EVERY_SECONDS or count == total:
            said = now
            print(f"{count}/{total} 天 days, {now - began:.0f} s", file=sys.stderr, flush=True)
        yield one


def collect(done: Iterable[Done]) -> tuple[dict[str, Days], dict[str, dict[int, dict[int, Bound]]]]:
    """Runs by scenario, policy and seed, bounds by scenario, seed and day, however they came."""
    runs: dict[str, dict[str, dict[int, dict[int, Run]]]] = {}
    bounds: dict[str, dict[int, dict[int, Bound]]] = {}
    for job, result in done:
        if isinstance(result, Bound):
            bounds.setdefault(job.scenario.name, {}).setdefault(job.seed, {})[job.part] = result
        else:
            by_policy = runs.setdefault(job.scenario.name, {}).setdefault(result.policy, {})
            by_policy.setdefault(job.seed, {})[job.part] = result
    in_order: dict[str, Days] = {
        scenario: {
            policy: {seed: [parts[part] for part in sorted(parts)] for seed, parts in by_seed.items()}
            for policy, by_seed in by_policy.items()
        }
        for scenario, by_policy in runs.items()
    }
    return in_order, bounds


def bound_row(scenario: str, bounds: Mapping[int, Mapping[int, Bound]], days: Days) -> BoundRow:
    """The bounds of a scenario, every seed weighing the same, and each policy's distance to the plan on those seeds."""
    ordered = [[bounds[seed][part] for part in sorted(bounds[seed])] for seed in sorted(bounds)]
    home = [float(np.mean(np.concatenate([one.at_home for one in parts]))) for parts in ordered]
    plan = [float(np.mean(np.concatenate([one.plan.on_time for one in parts]))) for parts in ordered]
    plans = [one.plan for parts in ordered for one in parts]
    missed = 1.0 - float(np.mean(plan))
    late = {
        policy: float(
            np.mean([np.concatenate([run.late for run in by_seed[seed]]).mean() for seed in sorted(bounds)])
        )
        for policy, by_seed in days.items()
    }
    return BoundRow(
        scenario=scenario,
        seeds=len(ordered),
        at_home_pct=round(100.0 * float(np.mean(home)), 6),
        plan_pct=round(100.0 * float(np.mean(plan)), 6),
        late_vs_plan={
            name: round(share / missed, 6) if missed > 0.0 else None for name, share in late.items()
        },
        plan_gap=max(plan.gap for plan in plans),
        plan_windows=sum(plan.windows for plan in plans),
        plan_cut_windows=sum(plan.cut_windows for plan in plans),
    )


def blocks_of(
    scenarios: Iterable[str],
    policies: Sequence[str],
    runs: Mapping[str, Days],
    bounds: Mapping[str, Mapping[int, Mapping[int, Bound]]],
) -> Iterator[tuple[Block, dict[str, list[Run]]]]:
    """Everything to be said of each scenario, and its runs by policy."""
    for scenario in scenarios:
        days = runs[scenario]
        whole = {
            policy: {seed: joined(parts, seed) for seed, parts in sorted(days[policy].items())}
            for policy in policies
        }
        greedy, engine = whole.get(MatchingPolicy.GREEDY_PAIR), whole.get(MatchingPolicy.ENGINE)
        bound = bound_row(scenario, bounds[scenario], days) if scenario in bounds else None
        yield (
            Block(
                [row(one, greedy) for one in whole.values()],
                [further(one, greedy, engine) for one in whole.values()],
                bound,
            ),
            {policy: list(by_seed.values()) for policy, by_seed in whole.items()},
        )


def write(file: Path, blocks: Sequence[Block], seeds: Sequence[int], seconds: float) -> None:
    """The rows, and beside them everything else."""
    from bench.__main__ import machine  # loads half the services, which no process of a day needs

    rows = [as_json(one) for block in blocks for one in block.rows]
    file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    more = {
        "machine": machine(),
        "seconds": round(seconds, 1),
        "seeds": list(seeds),
        "made_by": version(bounds=False),
        "bounds": [asdict(block.bound) for block in blocks if block.bound],
        "further": [asdict(one) for block in blocks for one in block.further],
    }
    file.with_suffix(".more.json").write_text(json.dumps(more, indent=1) + "\n", encoding="utf-8")


def main(words: Sequence[str] | None = None) -> int:
    given = arguments(words)
    began = time.monotonic()
    try:
        seeds = seeds_of(given.seeds)
        policies = names_of(given.policies, SYSTEMS, "派单策略", "policy")
        scenarios = chosen_scenarios(given)
        plots = given.plots or (
            given.json.parent / f"{given.json.stem}-plots" if given.json else KEPT / "plots"
        )
        make_room(given.json, plots)
    except CannotRun as wrong:
        print(wrong, file=sys.stderr)
        return 2
    jobs = jobs_of(scenarios, policies, seeds, given.bound_seeds)
    try:
        runs, bounds = collect(watched(finished(jobs, given.kept, given.processes), len(jobs)))
    except KeyboardInterrupt:
        print(
            "已停止；做完的日子留着，再来一次接着做 / stopped; finished days are kept, go on with the same command",
            file=sys.stderr,
        )
        return 130
    made = list(blocks_of(scenarios, policies, runs, bounds))
    blocks = [block for block, _ in made]
    print(table(blocks))
    picture(made, plots)
    print(f"\n图 / pictures: {plots}  ·  {time.monotonic() - began:.0f} s")
    if given.json:
        write(given.json, blocks, seeds, time.monotonic() - began)
    return 0


def picture(made: Iterable[tuple[Block, Mapping[str, Sequence[Run]]]], folder: Path) -> None:
    from bench.city_plots import draw  # loads matplotlib, as above

    for block, by_policy in made:
        draw(folder, block, by_policy)


def make_room(file: Path | None, plots: Path) -> None:
    """Whether the results can be written is better known before an hour of simulated days."""
    try:
        plots.mkdir(parents=True, exist_ok=True)
        if file is not None:
            with file.open("a"):
                pass
    except OSError as wrong:
        raise CannotRun(f"写不了 / cannot write: {wrong}") from wrong


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what plays the days must not outlive this
    sys.exit(main())
