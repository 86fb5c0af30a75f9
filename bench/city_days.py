"""Simulated days in processes of their own, and kept: what was finished before an interruption is not done again.

A day is known by what it is made of: the scenario's numbers, the seed, the policy, and the text of every file that
decides how a day goes. Change one of them and the days are new ones.
"""

from __future__ import annotations

import hashlib
import os
import signal
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from io import BytesIO
from multiprocessing import active_children, get_context
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import scipy

from services.dispatch.city.bounds import Plan, at_home, clairvoyant
from services.dispatch.city.foreknown import foreknown
from services.dispatch.city.run import Run
from services.dispatch.city.scenarios import Scenario
from services.dispatch.city.simulate import simulate
from services.dispatch.matching.policies import policies
from services.dispatch.matching.weights import Weights
from services.dispatch.travel.model import Flags, Floats
from shared.going import MatchingPolicy

PROJECT = Path(__file__).resolve().parent.parent
CITY, MATCHING, TRAVEL = "services/dispatch/city", "services/dispatch/matching", "services/dispatch/travel"
FIGURES, BOUNDS = {"report.py"}, {"bounds.py", "foreknown.py"}
UNADVISED = "engine_unadvised"
"""The engine in a city in which nobody is told where to wait."""
SYSTEMS = (*(policy.value for policy in MatchingPolicy), UNADVISED)
"""What is compared. Advice where to wait belongs to the engine; the simple policies do without."""
DAYS_APART = 1000
"""Of the seeds of the days of one recorded week, so that every day has its own chances."""
NOT_WHOLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class CannotRun(ValueError):
    """What was asked for is not there; the message says it in both languages."""


@dataclass(frozen=True, slots=True)
class Job:
    """One day to be simulated under one policy; without a policy its bounds. `part`: which day of a recorded week."""

    scenario: Scenario
    seed: int
    policy: str | None
    part: int = 0


@dataclass(frozen=True, slots=True)
class Bound:
    """What nobody could have done better, case by case."""

    registered: Floats
    at_home: Flags
    plan: Plan


Done = tuple[Job, Run | Bound]


@cache
def version(bounds: bool) -> str:
    """A digest of everything that decides how a day goes, or what its bounds are."""
    digest = hashlib.sha256(f"{np.__version__} {scipy.__version__}".encode())
    folders, left_out = ((CITY,), FIGURES) if bounds else ((CITY, MATCHING, TRAVEL), FIGURES | BOUNDS)
    for folder in folders:
        for file in sorted((PROJECT / folder).rglob("*.py")):
            if file.name not in left_out:
                digest.update(file.read_bytes())
    return digest.hexdigest()


def work(job: Job) -> Run | Bound:
    """The day itself; everything a process needs travels with the job."""
    seed = job.seed + DAYS_APART * job.part
    if job.policy is not None:
        policy = policies(Weights())[MatchingPolicy.ENGINE if job.policy == UNADVISED else job.policy]
        advised = job.policy == MatchingPolicy.ENGINE
        return simulate(job.scenario, seed, policy, name=job.policy, advised=advised)
    day = foreknown(job.scenario, seed)
    return Bound(day.registered, at_home(day), clairvoyant(day))


def finished(jobs: Sequence[Job], kept: Path, processes: int) -> Iterator[Done]:
    """Each day as soon as it is there, those kept from before first. Stopping early loses only days under way."""
    kept.mkdir(parents=True, exist_ok=True)
    todo: list[Job] = []
    for job in jobs:
        found = _read(kept / _name(job))
        if found is None:
            todo.append(job)
        else:
            yield job, found
    if todo:
        yield from _simulated(todo, kept, processes)


def _simulated(jobs: Sequence[Job], kept: Path, processes: int) -> Iterator[Done]:
    for name in SINGLE_THREADED:
        os.environ.setdefault(name, "1")
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_deaf)
    try:
        waiting: dict[Future[Run | Bound], Job] = {pool.submit(work, job): job for job in jobs}
        for done in as_completed(waiting):
            job = waiting.pop(done)
            result = done.result()
            _write(kept / _name(job), result)
            yield job, result
    except BaseException:
        for process in active_children():
            process.terminate()  # a day of a typhoon would keep whoever pressed Ctrl-C waiting for half a minute
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _deaf() -> None:
    """Ctrl-C is for the process that hands out the days."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _name(job: Job) -> str:
    told = f"{version(job.policy is None)} {job.scenario!r} {job.seed} {job.part} {job.policy}"
    return hashlib.sha256(told.encode()).hexdigest()[:40] + ".npz"


def _write(file: Path, result: Run | Bound) -> None:
    """All or nothing: a file that is there is whole."""
    with NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
        np.savez_compressed(part, **_arrays(result))
    Path(part.name).replace(file)


def _arrays(result: Run | Bound) -> dict[str, Any]:
    if isinstance(result, Run):
        return {field.name: getattr(result, field.name) for field in fields(Run)}
    plan = {f"plan_{field.name}": getattr(result.plan, field.name) for field in fields(Plan)}
    return {"bound_registered": result.registered, "at_home": result.at_home, **plan}


def _read(file: Path) -> Run | Bound | None:
    with suppress(*NOT_WHOLE), np.load(BytesIO(file.read_bytes())) as found:
        given = {name: _plain(found[name]) for name in found.files}
        if "at_home" not in given:
            return Run(**given)
        plan = Plan(**{field.name: given[f"plan_{field.name}"] for field in fields(Plan)})
        return Bound(given["bound_registered"], given["at_home"], plan)
    return None


def _plain(array: Any) -> Any:
    return array.item() if array.ndim == 0 else array
