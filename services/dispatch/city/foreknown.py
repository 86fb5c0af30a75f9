"""A simulated day with nothing hidden, for the bounds: the very draws that the simulator reveals one by one.

Where the truth depends on what a policy did, the bound is given the better case: nobody has had a case before they are
asked, nobody lacks the skill, a wrongly registered emergency is known as one at once, a second trip costs the time on
site again but no way. Whoever's phone is off when the call comes answers nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from services.dispatch.city import behaviour as people_do
from services.dispatch.city.bounds import HOME, Foreknown
from services.dispatch.city.demand import Demand, demand
from services.dispatch.city.draws import Draw, Draws
from services.dispatch.city.people import BREAK_SECONDS, Roster, roster
from services.dispatch.city.run import ON_TIME_SECONDS
from services.dispatch.city.scenarios import Scenario
from services.dispatch.travel.model import Flags, Floats, Indices
from services.dispatch.travel.straight import DETOUR


def foreknown(scenario: Scenario, seed: int) -> Foreknown:
    """Everything that will happen on this day of the scenario."""
    draws = Draws.of(seed)
    calls, people = demand(scenario, draws), roster(scenario, draws)
    case, person = np.arange(len(calls))[:, None], np.arange(len(people))[None, :]
    metres = np.hypot(calls.x[:, None] - people.base_x[None, :], calls.y[:, None] - people.base_y[None, :])
    yes = draws.uniforms(Draw.ACCEPTS, case, person, 0) < acceptances(scenario, calls.registered, metres)
    silent = ~yes & (draws.uniforms(Draw.SILENT, case, person, 0) < people_do.SILENT_SHARE)
    reached = ~_phone_off(draws, people, calls.registered)
    answers = np.where(silent | ~reached, scenario.offer_seconds, _answers(scenario, draws, case, person))
    stretched = np.exp(scenario.travel_sigma * draws.normals(Draw.WAY, case, person)) / scenario.speed_factor
    speeds = people.speeds(scenario)

    def ways(who: Indices, at: Indices, to: Indices) -> Floats:
        from_case, home = np.maximum(at, 0), at == HOME
        x = np.where(home, people.base_x[who], calls.x[from_case])
        y = np.where(home, people.base_y[who], calls.y[from_case])
        crow = np.hypot(calls.x[to] - x, calls.y[to] - y)
        seconds: Floats = crow * DETOUR / speeds[who] * stretched[to, who]
        return seconds

    return Foreknown(
        registered=calls.registered,
        due=calls.registered + ON_TIME_SECONDS,
        on_site=_on_site(scenario, draws, calls),
        answers=answers,
        accepts=yes & reached,
        may_go=_on_duty(people, calls.registered),
        ways=ways,
        from_home=metres * DETOUR / speeds[None, :] / scenario.speed_factor,
        spread=np.full(metres.shape, max(scenario.travel_sigma, 1e-9)),
    )


def acceptances(scenario: Scenario, at: Floats, metres: Floats) -> Floats:
    """(m, n) The chance that an offer is accepted by somebody with no case behind them: `behaviour.acceptance` of
    arrays."""
    hour = ((scenario.starts_at_hour + at / 3600.0) % 24).astype(np.intp)
    night = np.isin(hour, list(people_do.NIGHT_HOURS))[:, None]
    moved = people_do.CENTRED + people_do.NIGHT_WEIGHT * night
    moved = moved + people_do.FAR_WEIGHT * np.clip(metres / 1_000.0 - 1.0, 0.0, 3.0)
    chance: Floats = expit(logit(scenario.acceptance) + moved)
    return chance


def _answers(scenario: Scenario, draws: Draws, case: Indices, person: Indices) -> Floats:
    """`behaviour.answer_after` of arrays, for a first offer."""
    ends = np.log(scenario.offer_seconds / scenario.answer_median_seconds) / people_do.ANSWER_SIGMA
    chance = draws.uniforms(Draw.ANSWER_AFTER, case, person, 0) * ndtr(ends)
    seconds: Floats = scenario.answer_median_seconds * np.exp(people_do.ANSWER_SIGMA * ndtri(chance))
    return seconds


def _on_site(scenario: Scenario, draws: Draws, calls: Demand) -> Floats:
    stays = np.empty(len(calls))
    for case in range(len(calls)):
        once = people_do.service(scenario, draws, case, lacking=False)
        twice = people_do.wrong(scenario, draws, case) is people_do.Wrong.SECOND_TRIP
        stays[case] = once * (2 if twice else 1)
    return stays


def _on_duty(people: Roster, at: Floats) -> Flags:
    when = at[:, None]
    working = (people.starts[None, :] <= when) & (when < people.ends[None, :])
    resting = (people.break_from[None, :] <= when) & (when < people.break_from[None, :] + BREAK_SECONDS)
    may: Flags = working & ~resting
    return may


def _phone_off(draws: Draws, people: Roster, at: Floats) -> Flags:
    off = np.zeros((len(at), len(people)), dtype=np.bool_)
    until = float(at[-1]) + 1.0 if len(at) else 0.0
    for person in range(len(people)):
        for begin, end in people_do.offline(draws, person, until):
            off[:, person] |= (begin <= at) & (at < end)
    return off
