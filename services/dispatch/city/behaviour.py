"""What people do, given what happens to them: the truth of the city, which dispatch never sees beforehand.

- Answer: an offer reaches a phone that is on; it is accepted with a chance around `acceptance` (less at night, after
  many cases and from far away), else declined, or not answered at all (three in ten of those). Answers come after a
  lognormal time that ends before the offer does. A phone that is off answers nothing.
- Way: nominal median × a lognormal factor drawn per (case, person) / the weather's speed factor.
- Wrong "arrived" (2 %): pressed on the way, after half to nine tenths of it. It counts for nothing; dispatch believes
  it until the true arrival.
- Time on site: lognormal, drawn per case; a quarter longer without a skill the work needs.
- Wrong category (`wrong_category_share`): two in four were given the wrong skill and take half as long again on site;
  one in four needs a second trip: back to the base for what is missing, and the time on site again; one in four was
  registered as routine: dispatch hears of an emergency only when that is put right (median 4 minutes later), while
  the resident's clock runs from the registration.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import exp, inf, log

from scipy.special import expit, logit, ndtr, ndtri

from services.dispatch.city.draws import Draw, Draws
from services.dispatch.city.scenarios import Scenario
from services.dispatch.travel.straight import DETOUR

ANSWER_SIGMA = 0.6
SILENT_SHARE = 0.3
NIGHT_HOURS = frozenset({22, 23, 0, 1, 2, 3, 4, 5})
NIGHT_WEIGHT, LOAD_WEIGHT, FAR_WEIGHT, CENTRED = -0.30, -0.06, -0.25, 0.04
"""Logits of acceptance: at night, per emergency taken beyond two (five at most), per km beyond one (three at most);
CENTRED keeps the mean of a normal day where the scenario says."""

WRAP_UP_SECONDS = 150.0
WRAP_UP_SIGMA = 0.4
"""Until routine work can be left; its median is known, each one's own time is not."""

WRONG_ARRIVED_SHARE = 0.02
LACKING_FACTOR = 1.25
WRONG_SKILL_FACTOR = 1.5
CORRECTED_MEDIAN_SECONDS, CORRECTED_SIGMA = 240.0, 0.5
STAYS_MEDIAN_SECONDS, STAYS_SIGMA = 480.0, 0.5


class Wrong(StrEnum):
    """What was wrong with a case's category."""

    SKILL = "skill"
    SECOND_TRIP = "second_trip"
    URGENCY = "urgency"


@dataclass(frozen=True, slots=True)
class Reply:
    """What becomes of an offer: accepted, declined, or neither (it lapses); `after` is infinite if it lapses."""

    accepted: bool
    after: float


def reply(
    scenario: Scenario,
    draws: Draws,
    case: int,
    person: int,
    attempt: int,
    *,
    hour: int,
    load: int,
    metres: float,
) -> Reply:
    """How somebody whose phone is on answers. `attempt` counts their offers of this case from 0; `load`: emergencies
    taken in this shift; `metres`: straight line from where they really are."""
    chance = draws.uniform(Draw.ACCEPTS, case, person, attempt)
    if chance < acceptance(scenario, hour=hour, load=load, metres=metres):
        return Reply(True, answer_after(scenario, draws, case, person, attempt))
    if draws.uniform(Draw.SILENT, case, person, attempt) < SILENT_SHARE:
        return Reply(False, inf)
    return Reply(False, answer_after(scenario, draws, case, person, attempt))


def acceptance(scenario: Scenario, *, hour: int, load: int, metres: float) -> float:
    """The chance that an offer is accepted."""
    moved = CENTRED + NIGHT_WEIGHT * (hour in NIGHT_HOURS) + LOAD_WEIGHT * min(5, max(0, load - 2))
    moved += FAR_WEIGHT * min(3.0, max(0.0, metres / 1_000.0 - 1.0))
    return float(expit(logit(scenario.acceptance) + moved))


def answer_after(scenario: Scenario, draws: Draws, case: int, person: int, attempt: int) -> float:
    """Seconds to an answer that does come: lognormal, cut off where the offer ends."""
    end = ndtr(log(scenario.offer_seconds / scenario.answer_median_seconds) / ANSWER_SIGMA)
    quantile = draws.uniform(Draw.ANSWER_AFTER, case, person, attempt) * float(end)
    return scenario.answer_median_seconds * exp(ANSWER_SIGMA * float(ndtri(quantile)))


def way_factor(scenario: Scenario, draws: Draws, case: int, person: int) -> float:
    """How much longer than nominal this person's way to this case takes, weather included; the median is
    1 / `speed_factor`."""
    return exp(scenario.travel_sigma * draws.normal(Draw.WAY, case, person)) / scenario.speed_factor


def nominal_seconds(metres: float, metres_per_second: float) -> float:
    """Time over the ground for this straight line."""
    return metres * DETOUR / metres_per_second


def wrap_up(draws: Draws, case: int, person: int) -> float:
    return WRAP_UP_SECONDS * exp(WRAP_UP_SIGMA * draws.normal(Draw.WRAP_UP, case, person))


def service(scenario: Scenario, draws: Draws, case: int, *, lacking: bool) -> float:
    """Seconds on site, without a second trip."""
    median = scenario.service_median_minutes * 60.0
    seconds = median * exp(scenario.service_sigma * draws.normal(Draw.SERVICE, case))
    if wrong(scenario, draws, case) is Wrong.SKILL:
        return seconds * WRONG_SKILL_FACTOR
    return seconds * (LACKING_FACTOR if lacking else 1.0)


def wrong(scenario: Scenario, draws: Draws, case: int) -> Wrong | None:
    if draws.uniform(Draw.WRONG, case) >= scenario.wrong_category_share:
        return None
    kinds = (Wrong.SKILL, Wrong.SKILL, Wrong.SECOND_TRIP, Wrong.URGENCY)
    return kinds[int(draws.uniform(Draw.WRONG_KIND, case) * len(kinds))]


def corrected_after(scenario: Scenario, draws: Draws, case: int) -> float:
    """Seconds until dispatch hears of this emergency; 0 for all that were registered as one."""
    if wrong(scenario, draws, case) is not Wrong.URGENCY:
        return 0.0
    return CORRECTED_MEDIAN_SECONDS * exp(CORRECTED_SIGMA * draws.normal(Draw.CORRECTED_AFTER, case))


def wrong_arrived_at(draws: Draws, case: int, person: int) -> float | None:
    """Which part of the way was done when "arrived" was pressed wrongly; None if it was not."""
    if draws.uniform(Draw.WRONG_ARRIVED, case, person) >= WRONG_ARRIVED_SHARE:
        return None
    return 0.5 + 0.4 * draws.uniform(Draw.WRONG_ARRIVED_AT, case, person)


def stays(draws: Draws, person: int, emergency: int) -> float:
    """Seconds somebody stays where an emergency of theirs ended, before they drift back to their base."""
    return STAYS_MEDIAN_SECONDS * exp(STAYS_SIGMA * draws.normal(Draw.STAYS, person, emergency))


# ── away from cases ───────────────────────────────────────────────────────────────────────────────────────────────

ROUND_MEAN_SECONDS = 1800.0
OFFLINE_EVERY_SECONDS = 6 * 3600.0
OFFLINE_MEAN_SECONDS = 240.0


def round_lasts(draws: Draws, person: int, number: int) -> float:
    return -ROUND_MEAN_SECONDS * log(draws.uniform(Draw.ROUND_LASTS, person, number))


def round_after(scenario: Scenario, draws: Draws, person: int, number: int) -> float:
    """Seconds at the base before a routine round, so that rounds fill `routine_share` of the free time."""
    if scenario.routine_share <= 0.0:
        return inf
    mean = ROUND_MEAN_SECONDS * (1.0 - scenario.routine_share) / scenario.routine_share
    return -mean * log(draws.uniform(Draw.ROUND_AFTER, person, number))


def offline(draws: Draws, person: int, until: float) -> list[tuple[float, float]]:
    """When this person's phone cannot be reached: from, to."""
    windows: list[tuple[float, float]] = []
    at = 0.0
    while True:
        number = len(windows)
        at -= OFFLINE_EVERY_SECONDS * log(draws.uniform(Draw.OFFLINE_AFTER, person, number))
        if at >= until:
            return windows
        back = at - OFFLINE_MEAN_SECONDS * log(draws.uniform(Draw.OFFLINE_LASTS, person, number))
        windows.append((at, back))
        at = back
