"""How good could anybody be on this day? Two figures to hold a policy against, from everything the day holds, also what
nobody in it can know. They bound different things, and neither is a bound in every sense:

- **everyone free at home** (`at_home`): each case alone, everybody on duty free at their base, the likeliest to be in
  time asked first, then the next, with the day's own answers and ways. It says what the staff could do if cases never
  met. A policy may still beat it: its people come from their last case, which can lie nearer than their base.
- **the clairvoyant plan** (`clairvoyant`): who goes where, knowing every call, answer, way and stay of the next hour,
  solved to optimality window by window. It leaves what it cannot reach in time to nobody, and a person may set out from
  the last case or from home, whichever is nearer: both only make it better. It sees no further than its window, sends
  nobody before the call, and whoever declined a case is not asked for it again: so a whole-day optimum could be better
  still, and late(policy)/late(plan) is a distance to a very good plan, not to a proven limit. Where the solver ran out
  of time, its gap is in the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.special import ndtr

from services.dispatch.travel.model import Flags, Floats, Indices

HOME = -1
"""In place of a case: the person's base."""

Ways = Callable[[Indices, Indices, Indices], Floats]
"""True seconds of aligned trips: person, from case (or HOME), to case."""


@dataclass(frozen=True, slots=True)
class Foreknown:
    """A day as nobody in it can see it: m cases in order of registration, n people. Seconds from the start of the day.

    `on_site`: how long whoever comes stays, wrap-up included. `answers` (m, n): seconds from being asked about that
    case to the answer; `accepts` (m, n): whether it would be yes. `may_go` (m, n): on duty and within reach of a phone
    at registration. `ways`: true travel; `from_home` and `spread` (m, n): median seconds and sigma of its logarithm, of
    the way from the base, as people expect it who do not know better."""

    registered: Floats
    due: Floats
    on_site: Floats
    answers: Floats
    accepts: Flags
    may_go: Flags
    ways: Ways
    from_home: Floats
    spread: Floats


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one window of the clairvoyant plan. `ahead_seconds` of calls are foreseen at most, and `cases_max` of them;
    the first `settled_share` of them are settled, then the window moves on. `columns_max` ends the listing of chains,
    `chain_max` their length, `seconds_max` each call of the solver, `gap` relative: a plan with one case more is ruled
    out by any below 1/(2 × cases_max). A window that cannot be solved so is halved, down to `cases_min`."""

    ahead_seconds: float = 3600.0
    cases_max: int = 80
    cases_min: int = 16
    settled_share: float = 0.4
    chain_max: int = 5
    columns_max: int = 15_000
    seconds_max: float = 3.0
    gap: float = 0.0005


@dataclass(frozen=True, slots=True)
class Plan:
    """`on_time` (m): whether the plan reaches the case within its time; `who` (m): by whom, −1 by nobody. `gap`: the
    largest relative gap any window's solution was left with (below 0.0001: all optimal); `cut_windows`: how many of
    `windows` had more chains than were listed or ran out of time."""

    on_time: Flags
    who: Indices
    windows: int
    cut_windows: int
    gap: float


def at_home(day: Foreknown) -> Flags:
    """(m) Would the case be on time if it were the only one? The likeliest to be in time is asked first."""
    cases, people = day.may_go.shape
    slack = (day.due - day.registered)[:, None] - np.median(day.answers)
    with np.errstate(divide="ignore"):
        chance = ndtr((np.log(np.maximum(slack, 1e-9)) - np.log(day.from_home)) / day.spread)
    chance = np.where(day.may_go, chance, -1.0)
    order = np.lexsort((np.where(np.isfinite(day.from_home), day.from_home, np.inf), -chance), axis=1)
    rows = np.arange(cases)[:, None]
    may, yes = day.may_go[rows, order], day.accepts[rows, order]
    asked = np.cumsum(np.where(may, day.answers[rows, order], 0.0), axis=1)
    first = np.argmax(may & yes, axis=1)
    some = (may & yes).any(axis=1)
    one = np.arange(cases)
    who = order[one, first] if people else np.zeros(cases, dtype=np.intp)
    came = day.registered + asked[one, first] + day.ways(who, np.full(cases, HOME), one)
    on_time: Flags = some & (came <= day.due)
    return on_time


@dataclass(frozen=True, slots=True)
class _Chains:
    """Cases one person could reach in time one after the other: `steps` (k, chain_max) of cases, −1 after the end."""

    who: Indices
    steps: Indices
    ends: Floats
    effort: Floats

    def __len__(self) -> int:
        return len(self.who)


@dataclass(slots=True)
class _State:
    """Where the plan has brought everybody: free from when, at which case (HOME at first)."""

    free: Floats
    at: Indices


def clairvoyant(day: Foreknown, limits: Limits = Limits()) -> Plan:
    """The plan that reaches most cases in time, window by window; of equal plans the one that takes people least."""
    cases, people = day.may_go.shape
    state = _State(np.full(people, -np.inf), np.full(people, HOME, dtype=np.intp))
    plan = Plan(np.zeros(cases, dtype=np.bool_), np.full(cases, -1, dtype=np.intp), 0, 0, 0.0)
    windows, cut, gap, first = 0, 0, 0.0, 0
    while first < cases:
        last, stop = _window(day, first, limits)
        seen = first + np.flatnonzero(~plan.on_time[first:stop])
        chains, chosen, left, whole = _solve(day, state, seen, limits)
        while not whole and len(seen) > limits.cases_min:
            stop = first + (stop - first) // 2
            last = min(last, stop - 1)
            seen = seen[seen < stop]
            chains, chosen, left, whole = _solve(day, state, seen, limits)
        windows, cut, gap = windows + 1, cut + (not whole), max(gap, left)
        _settle(day, state, plan, chains, chosen, last)
        first = last + 1
    return Plan(plan.on_time, plan.who, windows, cut, gap)


def _window(day: Foreknown, first: int, limits: Limits) -> tuple[int, int]:
    """The last case that is settled now, and the first that is not foreseen yet."""
    ahead = int(np.searchsorted(day.registered, day.registered[first] + limits.ahead_seconds, side="right"))
    stop = min(ahead, first + limits.cases_max)
    if stop == len(day.registered):
        return stop - 1, stop
    return first + max(1, round((stop - first) * limits.settled_share)) - 1, stop


def _arrivals(day: Foreknown, who: Indices, free: Floats, at: Indices, case: Indices) -> Floats:
    """When they would be at the door: the call, their answer and the end of what they do before come first."""
    way = day.ways(who, at, case)
    home = day.ways(who, np.full(len(who), HOME, dtype=np.intp), case)
    start = np.maximum(day.registered[case] + day.answers[case, who], free)
    return start + np.minimum(way, home)


def _solve(
    day: Foreknown, state: _State, seen: Indices, limits: Limits
) -> tuple[_Chains, Indices, float, bool]:
    """The chains of a window, which of them to take, the gap left, and whether nothing was left out: chains grow only
    until no case is left over. One solution that ends in time is kept when a longer listing does not."""
    people = np.arange(len(state.free), dtype=np.intp)
    blank = np.full((len(people), limits.chain_max), -1, dtype=np.intp)
    ends = _Chains(people, blank, state.free, np.zeros(len(people)))
    listed = _Chains(people[:0], blank[:0], state.free[:0], state.free[:0])
    chosen, gap = np.empty(0, dtype=np.intp), 0.0
    for length in range(limits.chain_max):
        ends = _longer(
            day, ends, state.at[ends.who] if length == 0 else ends.steps[:, length - 1], seen, length
        )
        if not len(ends):
            return listed, chosen, gap, True
        if len(listed) + len(ends) > limits.columns_max:
            return listed, chosen, gap, False
        longer = _together(listed, ends)
        found, left = _choose(longer, seen, limits)
        if left > limits.gap:
            return listed, chosen, gap, False
        listed, chosen, gap = longer, found, left
        if (listed.steps[chosen] >= 0).sum() == len(seen):
            return listed, chosen, gap, True
    return listed, chosen, gap, not len(_longer(day, ends, ends.steps[:, -1], seen, limits.chain_max))


def _longer(day: Foreknown, ends: _Chains, at: Indices, seen: Indices, length: int) -> _Chains:
    """Each chain by one more case that is still reached in time, in whatever order the calls came."""
    row, column = np.divmod(np.arange(len(ends) * len(seen), dtype=np.intp), max(1, len(seen)))
    case, who = seen[column], ends.who[row]
    keep = day.may_go[case, who] & day.accepts[case, who] & ~(ends.steps[row] == case[:, None]).any(axis=1)
    keep &= np.maximum(ends.ends[row], day.registered[case]) < day.due[case]
    row, case, who = row[keep], case[keep], who[keep]
    arrived = _arrivals(day, who, ends.ends[row], at[row], case)
    soon = arrived <= day.due[case]
    row, case, who, arrived = row[soon], case[soon], who[soon], arrived[soon]
    steps = ends.steps[row].copy()
    if length < steps.shape[1]:
        steps[:, length] = case
    begun = np.maximum(ends.ends[row], day.registered[case])
    done = arrived + day.on_site[case]
    return _Chains(who, steps, done, ends.effort[row] + done - begun)


def _together(one: _Chains, other: _Chains) -> _Chains:
    return _Chains(
        np.concatenate([one.who, other.who]),
        np.concatenate([one.steps, other.steps]),
        np.concatenate([one.ends, other.ends]),
        np.concatenate([one.effort, other.effort]),
    )


def _choose(chains: _Chains, seen: Indices, limits: Limits) -> tuple[Indices, float]:
    """The chains to take: each case once, each person once, most cases first, then the least of people's time; and the
    relative gap the solver left, endless if its time ran out with nothing to show."""
    length = (chains.steps >= 0).sum(axis=1)
    lightly = chains.effort / (1.0 + chains.effort.max() * 2.0 * len(seen))
    rows, columns = _memberships(chains, seen)
    groups, rows = np.unique(rows, return_inverse=True)
    once = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(groups), len(chains)))
    found = milp(
        -(length - lightly),
        integrality=np.ones(len(chains), dtype=np.int8),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(once, -np.inf, 1),
        options={"time_limit": limits.seconds_max, "mip_rel_gap": limits.gap},
    )
    if found.x is None:
        return np.empty(0, dtype=np.intp), np.inf
    return np.flatnonzero(found.x > 0.5), float(found.mip_gap or 0.0)


def _memberships(chains: _Chains, seen: Indices) -> tuple[Indices, Indices]:
    """Row and column of each one in the matrix: a chain uses its person and each of its cases."""
    column, step = np.nonzero(chains.steps >= 0)
    cases = np.searchsorted(seen, chains.steps[column, step])
    people = chains.who + len(seen)
    return np.concatenate([cases, people]), np.concatenate([column, np.arange(len(chains), dtype=np.intp)])


def _settle(day: Foreknown, state: _State, plan: Plan, chains: _Chains, chosen: Indices, last: int) -> None:
    """Carry out the chains as far as they have cases up to `last`; the rest is planned anew."""
    for chain in chosen.tolist():
        who = int(chains.who[chain])
        for case in _leading(chains.steps[chain], last):
            one, at = np.array([who]), np.array([state.at[who]])
            came = _arrivals(day, one, np.array([state.free[who]]), at, np.array([case]))
            state.free[who] = float(came[0]) + float(day.on_site[case])
            state.at[who] = case
            plan.on_time[case], plan.who[case] = True, who


def _leading(steps: Indices, last: int) -> list[int]:
    """The chain up to its last case that has to be settled now."""
    settled = np.flatnonzero((steps >= 0) & (steps <= last))
    return steps[: settled[-1] + 1].tolist() if len(settled) else []
