"""What was on somebody's screen."""

from __future__ import annotations

from services.notify.commands import ReadFeed
from services.notify.handlers.telling import say
from services.notify.queries import feeds
from services.notify.rules.ways import Via
from shared.database import Transaction
from shared.events.notify import NoticeRead
from shared.identity import SignedIn
from shared.vocabulary import Channel


async def read_feed(tx: Transaction, who: SignedIn, command: ReadFeed) -> tuple[int, int]:
    """Mark the caller's feed as read up to a number, and announce each notice that was not; last number, read up to."""
    last_seq, read_up_to = await feeds.numbers(tx, who.person_id)
    up_to = min(command.up_to, last_seq)
    case_ids = await feeds.cases_unread(tx, who.person_id, up_to) if up_to > read_up_to else []
    if not case_ids:
        return last_seq, read_up_to
    now = await tx.lock(*case_ids)
    for notice_id, case_id, kind in await feeds.move_read(tx, who.person_id, up_to, now):
        say(
            tx,
            NoticeRead(
                at=now,
                actor=who.actor(),
                channel=Channel.MOBILE,
                case_id=case_id,
                notice_id=notice_id,
                kind=kind,
                person_id=who.person_id,
                via=Via.FEED,
            ),
        )
    return last_seq, up_to
