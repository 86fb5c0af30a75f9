"""What gateways say of messages they took: it reached the device, or it never will."""

from __future__ import annotations

from dataclasses import dataclass

from services.notify import metrics
from services.notify.commands import GiveReceipts, ReceiptStatus
from services.notify.handlers.sending import said_of
from services.notify.handlers.telling import say
from services.notify.queries import messages
from services.notify.rules.ways import Via
from shared.database import Transaction
from shared.events.notify import NoticeFailed, NoticeReceived

BY_GATEWAY = (Via.SMS, Via.WEBHOOK)
"""Whose gateways send receipts."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How many receipts said something new, and the ids that were never sent from here or are forgotten."""

    new: int
    unknown: tuple[str, ...]


async def take_receipts(tx: Transaction, command: GiveReceipts) -> Taken:
    """Each message is received once and fails once, however often it is said."""
    said = {receipt.id: receipt for receipt in command.receipts}
    found = await messages.sent_as(tx, list(said), BY_GATEWAY)
    unknown = tuple(sorted(said.keys() - {one.key for one in found}))
    metrics.RECEIPTS.labels("unknown").inc(len(unknown))
    if not found:
        return Taken(0, unknown)
    now = await tx.lock(*{one.case_id for one in found})
    reached = [one.notice_id for one in found if said[one.key].status is ReceiptStatus.DELIVERED]
    lost = {
        one.notice_id: f"the gateway says {said[one.key].because or 'undelivered'}"
        for one in found
        if said[one.key].status is ReceiptStatus.UNDELIVERED
    }
    received = await messages.mark_received(tx, reached, now) if reached else set()
    failed = await messages.mark_not_received(tx, lost) if lost else set()
    metrics.RECEIPTS.labels("delivered").inc(len(received))
    metrics.RECEIPTS.labels("undelivered").inc(len(failed))
    for one in found:
        if one.notice_id in received:
            say(tx, NoticeReceived(**said_of(one, now)))
        elif one.notice_id in failed:
            attempt = max(1, one.attempts)
            say(tx, NoticeFailed(**said_of(one, now), attempt=attempt, because=lost[one.notice_id]))
    return Taken(len(received) + len(failed), unknown)
