"""State = fold(journal): what each event, heard or our own, changes in the facts of a case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

from services.dispatch.rules import heard, told
from services.dispatch.rules.facts import State
from shared.event import Event
from shared.events.intake import CaseRegistered

_STEPS: dict[type[Event], Callable[[State, Any], State]] = {**heard.STEPS, **told.STEPS}


def fold(events: Iterable[Event]) -> State | None:
    """The facts after all of `events`; `None` before the registration."""
    return reduce(lambda state, event: apply(state, event), events, None)


def apply(state: State | None, event: Event) -> State | None:
    """The facts after `event`; events dispatch has no opinion on change nothing."""
    if isinstance(event, CaseRegistered):
        return state or heard.registered(event)
    step = _STEPS.get(type(event))
    return state if state is None or step is None else step(state, event)


def follow(state: State, events: Iterable[Event]) -> State:
    """`apply` for events of a case that is known to exist."""
    for event in events:
        state = apply(state, event) or state
    return state
