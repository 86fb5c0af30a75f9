"""Dispatch put together. `python -m services.dispatch.main`."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import Any

from services.dispatch.api import (
    advice,
    alarms,
    arrival_codes,
    cases,
    day_plans,
    entries,
    evidence,
    explanations,
    internal,
    mass_task_lists,
    mass_tasks,
    mine,
    passing,
    people,
    phone,
    rounds,
    shadow,
    sync,
    walking,
)
from services.dispatch.field_tables import METADATA
from services.dispatch.handlers.advising import Advising
from services.dispatch.handlers.day_plans import DayPlans
from services.dispatch.handlers.lessons import Lessons
from services.dispatch.handlers.search import Matching
from services.dispatch.handlers.shift_ends import ShiftEnds
from services.dispatch.handlers.task_duty import TaskDuty
from services.dispatch.handlers.ways import Ways
from services.dispatch.matching.policies import policies
from services.dispatch.matching.weights import Weights
from services.dispatch.settings import Settings
from services.dispatch.subscriptions import SUBSCRIPTIONS
from services.dispatch.timers import Forgetting, timers_of
from shared.sealing import Sealer
from shared.service import Loop, Service


def assemble(settings: Settings, **given: Any) -> Service:
    """The service of these settings; tests give a directory and a verifier of their own."""
    # A simulated clock stands still while a street is matched: nothing may depend on how fast this machine is.
    clock = (lambda: 0.0) if settings.simulation else monotonic
    ways = Ways.of(settings)
    matching = Matching(Sealer(settings.master_keys), ways=ways, policies=policies(Weights(), clock))
    ending = ShiftEnds(matching, timedelta(minutes=settings.hand_over_grace_minutes))
    duty, advising = TaskDuty(), Advising(Sealer(settings.master_keys), matching.rosters)
    days = DayPlans(settings, ways)
    service = Service(
        name="dispatch",
        settings=settings,
        routers=[
            phone.router,
            passing.router,
            entries.router,
            evidence.router,
            evidence.uploads,
            sync.router,
            mine.router,
            day_plans.router,
            cases.router,
            explanations.router,
            shadow.router,
            advice.router,
            people.router,
            alarms.router,
            arrival_codes.router,
            walking.router,
            rounds.router,
            mass_task_lists.router,
            mass_task_lists.streams,
            mass_tasks.router,
            internal.router,
        ],
        subscriptions=SUBSCRIPTIONS,
        timers=timers_of(matching, duty),
        loops=[
            Loop("matching", matching.run, pending=matching.pending),
            Loop("shift_ends", ending.run, pending=ending.pending),
            Loop("mass_tasks", duty.run, pending=duty.pending),
            Loop("advice", advising.run, pending=advising.pending),
            Loop("day_plans", days.solver.run),
            Loop("travel", Lessons(ways, Sealer(settings.master_keys)).run),
            Loop("forgetting", Forgetting(settings.positions_kept_days, settings.people_kept_days).run),
        ],
        tables=METADATA,
        **given,
    )
    service.app.state.day_plans = days
    return service


if __name__ == "__main__":
    assemble(Settings()).run()
