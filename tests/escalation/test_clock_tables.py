"""Every kind of deadline under every kind of clock: over make-up workdays (调休), the festival, weekends, midnight."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.escalation.rules.case import Case, Order, Raise, Return
from services.escalation.rules.fold import apply
from services.escalation.rules.ladder import decide
from services.escalation.rules.limits import Clock, deadline_of, extension_ends_by
from services.registry.defaults.policies import ROUTINE
from shared.events.dispatch import CoHandlerAsked
from shared.ids import uuid7
from shared.things import LevelLimits, Limit, Policy
from shared.vocabulary import (
    ClockKind,
    DeadlineKind,
    EscalationCause,
    Level,
    PartRole,
    ReturnBasis,
    SupervisionKind,
    Urgency,
)
from tests.escalation.story import everybody_there, registered

CHINA = ZoneInfo("Asia/Shanghai")
MINUTES, HOURS, DAYS, NATURAL = ClockKind
ABOUT = UUID(int=7)
Facts = dict[str, Any]

ENDS = [
    # Natural time knows no night, weekend or festival.
    (MINUTES, 15, "2026-02-16 23:50", "2026-02-17 00:05"),
    (MINUTES, 1440, "2026-02-28 23:59", "2026-03-01 23:59"),
    (NATURAL, 1, "2026-02-13 00:00", "2026-02-14 00:00"),
    (NATURAL, 3, "2026-02-27 23:59", "2026-03-02 23:59"),
    # Working hours wait for the next opening; the Saturdays 14 and 28 February are worked (调休).
    (HOURS, 4, "2026-03-02 09:00", "2026-03-02 14:30"),
    (HOURS, 4, "2026-03-02 23:59", "2026-03-03 14:00"),
    (HOURS, 4, "2026-03-03 00:00", "2026-03-03 14:00"),
    (HOURS, 2, "2026-02-13 17:00", "2026-02-14 10:00"),
    (HOURS, 2, "2026-02-14 17:00", "2026-02-24 10:00"),
    (HOURS, 2, "2026-02-27 17:00", "2026-02-28 10:00"),
    (HOURS, 2, "2026-03-06 17:00", "2026-03-09 10:00"),
    # Working days do not count the day they begin in and end at closing time.
    (DAYS, 1, "2026-02-13 23:59", "2026-02-14 17:30"),
    (DAYS, 1, "2026-02-14 00:00", "2026-02-24 17:30"),
    (DAYS, 2, "2026-02-13 10:00", "2026-02-24 17:30"),
    (DAYS, 2, "2026-02-26 10:00", "2026-02-28 17:30"),
    (DAYS, 2, "2026-02-27 10:00", "2026-03-02 17:30"),
    (DAYS, 2, "2026-03-06 10:00", "2026-03-10 17:30"),
]


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)


def of_level(kind: DeadlineKind, limit: Limit) -> Policy:
    levels = tuple(LevelLimits(level=level, **{kind.value: limit}) for level in Level)
    return ROUTINE.model_copy(update={"levels": levels})


def a_case(start: datetime, policy: Policy, **more: Any) -> Case:
    """Registered at `start`, or long before where a side matter begins then."""
    event = registered(uuid7(), urgency=Urgency.ROUTINE, policy=policy, at=start)
    case = apply(None, event)
    assert case is not None
    return Case(**{**vars(case), **more})


def about(kind: DeadlineKind, start: datetime) -> dict[str, Any]:
    """What the clock of a side matter counts from."""
    here: Facts = {"id": ABOUT, "at": start, "round": 1}
    match kind:
        case DeadlineKind.FOLLOW_UP:
            return {"handled_at": start, "follow_up_from": start}
        case DeadlineKind.RULING:
            part: Facts = {
                "part_id": uuid7(),
                "part_role": PartRole.OWNER,
                "person_id": "p",
                "level": Level.GRID,
            }
            whose: Facts = {
                "basis": ReturnBasis.LAW,
                "rightful_unit_id": "x",
                "supervising_unit_id": "community-a",
            }
            return {"returns": (Return(**here | part | whose),)}
        case DeadlineKind.SUPERVISION:
            units: Facts = {
                "level": Level.GRID,
                "unit_id": "grid-a1",
                "supervising_unit_id": "street",
            }
            return {"orders": (Order(kind=SupervisionKind.LISTED, **here | units),)}
        case _:
            levels: Facts = {
                "from_level": Level.GRID,
                "to_level": Level.COMMUNITY,
                "to_unit_id": "community-a",
            }
            more: Facts = {"cause": EscalationCause.BY_HAND, "skipped": (), "counts_from": start}
            return {"raises": (Raise(**here | levels | more),)}


@pytest.mark.parametrize(
    "kind", [DeadlineKind.ACKNOWLEDGE, DeadlineKind.ARRIVE, DeadlineKind.CONTACT, DeadlineKind.HANDLE]
)
@pytest.mark.parametrize(("clock", "amount", "start", "end"), ENDS)
def test_the_case_itself(kind: DeadlineKind, clock: ClockKind, amount: int, start: str, end: str) -> None:
    case = a_case(local(start), of_level(kind, Limit(clock=clock, amount=amount)))
    found = deadline_of(case, Clock(kind, Level.GRID, 1), everybody_there())
    assert found is not None
    assert found.due_at == local(end)


@pytest.mark.parametrize(
    "kind",
    [DeadlineKind.FOLLOW_UP, DeadlineKind.RULING, DeadlineKind.SUPERVISION, DeadlineKind.REPLY],
)
@pytest.mark.parametrize(("clock", "amount", "start", "end"), ENDS)
def test_side_matters(kind: DeadlineKind, clock: ClockKind, amount: int, start: str, end: str) -> None:
    policy = ROUTINE.model_copy(update={kind.value: Limit(clock=clock, amount=amount)})
    case = a_case(local("2026-01-05 09:00"), policy, **about(kind, local(start)))
    found = deadline_of(case, Clock(kind, Level.GRID, 1, ABOUT), everybody_there())
    assert found is not None
    assert found.due_at == local(end)


@pytest.mark.parametrize(("clock", "amount", "start", "end"), ENDS)
def test_the_task_of_a_co_handler(clock: ClockKind, amount: int, start: str, end: str) -> None:
    policy = ROUTINE.model_copy(update={"co_handle": Limit(clock=clock, amount=amount)})
    case = a_case(local(start), policy)
    asked = CoHandlerAsked(
        case_id=case.case_id,
        at=local(start),
        part_id=ABOUT,
        part_role=PartRole.CO_HANDLER,
        level=Level.GRID,
        round=1,
        asked_by="p",
        unit_id="water-works",
        note_id=uuid7(),
        digest="d",
    )
    decision = decide(case, asked, everybody_there(), local(start))
    assert decision is not None
    assert [one.due_at for one in decision.case.open(DeadlineKind.CO_HANDLE)] == [local(end)]


@pytest.mark.parametrize(
    ("due", "end"),
    [
        ("2026-03-04 17:30", "2026-03-11 17:30"),
        (
            "2026-02-13 17:30",
            "2026-02-27 17:30",
        ),  # Saturday 14, then 24 to 27: the festival between does not count
        ("2026-02-24 17:30", "2026-03-02 17:30"),  # Saturday 28 counts
    ],
)
def test_the_longest_extension_is_five_working_days(due: str, end: str) -> None:
    working = everybody_there()[0].working
    assert extension_ends_by(a_case(local(due), ROUTINE), local(due), working) == local(end)
