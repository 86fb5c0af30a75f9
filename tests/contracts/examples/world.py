"""What every example shares: fixed ids, times and people, and one policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared import event as base
from shared import things as t
from shared import vocabulary as v

AT = datetime(2026, 11, 22, 2, 10, 0, 250_000, tzinfo=UTC)
CASE = UUID("01937a10-0000-7000-8000-000000000001")
PART = UUID("01937a10-0000-7000-8000-000000000002")
OFFER = UUID("01937a10-0000-7000-8000-000000000003")
OTHER = UUID("01937a10-0000-7000-8000-000000000004")
WORKER, OFFICER = "p-w1-3-a", "p-w1-officer"
GRID, COMMUNITY, STREET, CIVIL = "grid-w1-3", "community-w1", "street-w", "civil-affairs"

BY_WORKER = base.Actor(kind=v.ActorKind.STAFF, person_id=WORKER, role=v.Role.GRID_WORKER)
BY_OFFICER = base.Actor(
    kind=v.ActorKind.STAFF, person_id=OFFICER, role=v.Role.UNIT_OFFICER, on_behalf_of="p-w1-chief"
)
BY_OPERATOR = base.Actor(kind=v.ActorKind.STAFF, person_id="p-operator-1", role=v.Role.OPERATOR)


def attributes(number: int) -> dict[str, Any]:
    """What the headers hold; every example has an id of its own."""
    return {"id": UUID(int=CASE.int + 0x100 + number), "at": AT, "sequence": number}


def of_case(
    number: int, actor: base.Actor = base.SYSTEM, channel: v.Channel = v.Channel.SYSTEM
) -> dict[str, Any]:
    return {**attributes(number), "case_id": CASE, "actor": actor, "channel": channel}


def of_alarm(
    number: int, actor: base.Actor = base.SYSTEM, channel: v.Channel = v.Channel.SYSTEM
) -> dict[str, Any]:
    return {**attributes(number), "alarm_id": OTHER, "actor": actor, "channel": channel}


def of_part(
    number: int, actor: base.Actor = base.SYSTEM, channel: v.Channel = v.Channel.SYSTEM
) -> dict[str, Any]:
    part = {"part_id": PART, "part_role": v.PartRole.OWNER, "level": v.Level.GRID, "round": 1}
    return {**of_case(number, actor, channel), **part}


def of_registry(number: int) -> dict[str, Any]:
    by = base.Actor(kind=v.ActorKind.STAFF, person_id="p-admin", role=v.Role.ADMINISTRATOR)
    return {**attributes(number), "actor": by, "channel": v.Channel.DESK}


PHONE = (BY_WORKER, v.Channel.MOBILE)

MINUTES, DAYS = v.ClockKind.MINUTES, v.ClockKind.WORKING_DAYS
POLICY = t.Policy(
    id="emergency",
    urgency=v.Urgency.EMERGENCY,
    levels=(
        t.LevelLimits(
            level=v.Level.GRID,
            acknowledge=t.Limit(clock=MINUTES, amount=6),
            arrive=t.Limit(clock=MINUTES, amount=15),
            contact=t.Limit(clock=v.ClockKind.WORKING_HOURS, amount=24),
            handle=t.Limit(clock=MINUTES, amount=240),
        ),
        t.LevelLimits(level=v.Level.COMMUNITY, handle=t.Limit(clock=DAYS, amount=1)),
    ),
    follow_up=t.Limit(clock=v.ClockKind.NATURAL_DAYS, amount=1),
    ruling=t.Limit(clock=v.ClockKind.WORKING_HOURS, amount=4),
    supervision=t.Limit(clock=DAYS, amount=3),
    co_handle=t.Limit(clock=DAYS, amount=2),
    reply=t.Limit(clock=DAYS, amount=1),
    extension_max=t.Limit(clock=DAYS, amount=5),
    unread_after_seconds=15,
    amber_percent=80,
    offer_expires_after_seconds=60,
    leader_after_seconds=180,
    retired_at=AT + timedelta(days=365),
)
