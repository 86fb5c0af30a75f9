"""What gateways say of messages they took: it reached the device, or it never will."""

from __future__ import annotations

from dataclasses import dataclass

from services.notify import metrics
from services.notify.commands import GiveReceipts, ReceiptStatus
from services.notify.handlers import outcomes
from services.notify.handlers.office import Office
from services.notify.handlers.onward import go_on
from services.notify.handlers.sending import climb_at_once
from services.notify.queries import messages
from shared.database import Transaction


@dataclass(frozen=True, slots=True)
class Taken:
    """How many receipts said something new, and the ids that were never sent from here or are forgotten."""

    new: int
    unknown: tuple[str, ...]


async def take_receipts(office: Office, tx: Transaction, command: GiveReceipts) -> Taken:
    """Each message is received once and fails once, however often it is said."""
    said = {receipt.id: receipt for receipt in command.receipts}
    found = await messages.sent_as(tx, list(said))
    unknown = tuple(sorted(said.keys() - found.keys()))
    metrics.RECEIPTS.labels("unknown").inc(len(unknown))
    if not found:
        return Taken(0, unknown)
    now = await tx.lock(*{one.case_id for one in found.values()})
    reached = [one.notice_id for id, one in found.items() if said[id].status is ReceiptStatus.DELIVERED]
    lost = {
        one.notice_id: f"the gateway says {said[id].because or 'undelivered'}"
        for id, one in found.items()
        if said[id].status is ReceiptStatus.UNDELIVERED
    }
    received = await messages.mark_received(tx, reached, now) if reached else set()
    failed = await messages.mark_not_received(tx, lost) if lost else set()
    metrics.RECEIPTS.labels("delivered").inc(len(received))
    metrics.RECEIPTS.labels("undelivered").inc(len(failed))
    for one in found.values():
        told = outcomes.told(one, now)
        if one.notice_id in received:
            tx.announce(*outcomes.received(told))
        elif one.notice_id in failed:
            tx.announce(*outcomes.failed(told, max(1, one.attempts), lost[one.notice_id]))
            await climb_at_once(tx, one, now)
    await go_on(office, tx, [one for one in found.values() if one.notice_id in failed])
    return Taken(len(received) + len(failed), unknown)
