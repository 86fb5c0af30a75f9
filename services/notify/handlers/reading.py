"""What was on somebody's screen."""

from __future__ import annotations

from services.notify.commands import ReadFeed
from services.notify.handlers.outcomes import Told, read
from services.notify.queries import feeds
from services.notify.rules.ways import Via
from shared.database import Transaction
from shared.identity import SignedIn


async def read_feed(tx: Transaction, who: SignedIn, command: ReadFeed) -> tuple[int, int]:
    """Mark the caller's feed as read up to a number, and announce each notice that was not; last number, read up to."""
    last_seq, read_up_to = await feeds.numbers(tx, who.person_id)
    up_to = min(command.up_to, last_seq)
    case_ids = await feeds.cases_unread(tx, who.person_id, up_to) if up_to > read_up_to else []
    if not case_ids:
        return last_seq, read_up_to
    now = await tx.lock(*case_ids)
    for notice_id, case_id, kind in await feeds.move_read(tx, who.person_id, up_to, now):
        told = Told(now, case_id, notice_id, kind, who.person_id, Via.FEED)
        tx.announce(*read(told, who.actor()))
    return last_seq, up_to
