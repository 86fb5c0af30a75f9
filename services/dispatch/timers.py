"""What time starts in dispatch: offers that lapse, searches that the clock may help, days of the rounds that end,
positions that are forgotten."""

from __future__ import annotations

import time
from datetime import timedelta

from services.dispatch import metrics
from services.dispatch.handlers import offers, round_days
from services.dispatch.handlers.mass_tasks import LOOK_AGAIN
from services.dispatch.handlers.records import OFFER_EXPIRES, SEARCH_AGAIN
from services.dispatch.handlers.search import Matching
from services.dispatch.handlers.task_duty import TaskDuty
from services.dispatch.queries import advice, rounds
from services.dispatch.queries import mass_tasks as listed
from services.dispatch.queries.sealed import delete_positions
from services.dispatch.queries.synced import forget_answers
from shared.database import Database
from shared.health import Beat
from shared.timers import TimerHandlers
from shared.wake import Wake

FORGET_EVERY_SECONDS = 60.0
BEAT_SECONDS = 1.0


def timers_of(matching: Matching, duty: TaskDuty) -> TimerHandlers:
    """Which timer calls what."""
    return {
        OFFER_EXPIRES: offers.lapse_offer,
        SEARCH_AGAIN: matching.look_again,
        LOOK_AGAIN: duty.note,
        round_days.DAY_ENDS: round_days.end_day,
    }


class Forgetting:
    """Deletes people's positions, and answers to phones' queues, once they are older than `kept_days`; and whom an
    ended visit or a closed mass task was about, once that is over for `people_kept_days`; and to whom it was said where
    they might wait, after a day."""

    def __init__(self, kept_days: int, people_kept_days: int = 90) -> None:
        self.kept, self.people_kept = timedelta(days=kept_days), timedelta(days=people_kept_days)

    async def run(self, database: Database, beat: Beat) -> None:
        nobody_calls, next_at = Wake(), 0.0
        while True:
            if time.monotonic() >= next_at and not await self.forget(database):
                next_at = time.monotonic() + FORGET_EVERY_SECONDS
            beat()
            await nobody_calls.wait(BEAT_SECONDS)

    async def forget(self, database: Database) -> int:
        """Some of what is too old, in a transaction of its own; how many there were."""
        async with database.transaction() as tx:
            now = await tx.now()
            before = now - self.kept
            positions = await delete_positions(tx, before)
            answers = await forget_answers(tx, before)
            visited = await rounds.forget(tx, now - self.people_kept)
            tasks = await listed.forget(tx, now - self.people_kept)
            await advice.forget(tx, now)
        metrics.POSITIONS_DELETED.inc(positions)
        return positions + answers + visited + tasks
