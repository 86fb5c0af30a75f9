"""A policy tried on cases that are over or under way, before it is switched on. Reads, and writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.escalation.commands import SimulatePolicy
from services.escalation.handlers.ground import working_time_of
from services.escalation.queries import stories
from services.escalation.rules.simulation import Lived, live_again
from services.escalation.rules.working_time import WorkingTime
from shared.database import Transaction
from shared.directory import Directory
from shared.event import CaseEvent
from shared.events.intake import CaseAmended, CaseRegistered


@dataclass(frozen=True)
class Compared:
    """One case under its own policy and under the new one."""

    case_id: UUID
    number: str
    registered_at: datetime
    old: Lived
    new: Lived


async def simulate(
    tx: Transaction, command: SimulatePolicy, after: tuple[datetime, UUID], most: int
) -> tuple[list[Compared], tuple[datetime, UUID] | None]:
    """Up to `most` cases behind `after`, and where to go on if there may be more."""
    now, directory = await tx.now(), tx.directory
    units = [unit_id for unit_id in directory.units if directory.covers(command.unit, unit_id)]
    policy_id = command.instead_of or command.policy.id
    rows = await stories.registered(tx, command.period, policy_id, units, command.category_code, after, most)
    told = await stories.stories(tx, [row["case_id"] for row in rows])
    compared = []
    for row in rows:
        story = told[row["case_id"]]
        working = _working_times(directory, story)
        old = live_again(story, working, now)
        new = live_again(story, working, now, command.policy, policy_id)
        if old is not None and new is not None:
            compared.append(Compared(row["case_id"], row["number"], row["registered_at"], old, new))
        await asyncio.sleep(0)  # a page takes a while: whoever else asks is served in between
    last = (rows[-1]["registered_at"], rows[-1]["case_id"]) if len(rows) == most else None
    return compared, last


def _working_times(directory: Directory, story: Sequence[CaseEvent]) -> dict[str, WorkingTime]:
    units = {
        rung.unit_id
        for event in story
        if isinstance(event, CaseRegistered | CaseAmended)
        for rung in event.ladder
    }
    return {unit_id: working_time_of(directory, unit_id) for unit_id in units}
