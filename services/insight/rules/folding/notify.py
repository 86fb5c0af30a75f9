"""What notify told: how many messages came to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.insight.rules.facts import CaseRow
from services.insight.rules.folding.small import changed
from shared.event import CaseEvent
from shared.events.notify import NoticeDelivered, NoticeFailed, NoticeRead, NoticeReceived


def notice_delivered(row: CaseRow, event: NoticeDelivered) -> CaseRow:
    return changed(row, notices_delivered=row.notices_delivered + 1)


def notice_read(row: CaseRow, event: NoticeRead) -> CaseRow:
    return changed(row, notices_read=row.notices_read + 1)


def notice_failed(row: CaseRow, event: NoticeFailed) -> CaseRow:
    return changed(row, notices_failed=row.notices_failed + 1)


def notice_received(row: CaseRow, event: NoticeReceived) -> CaseRow:
    return changed(row, notices_received=row.notices_received + 1)


FOLDS: dict[type[CaseEvent], Callable[[CaseRow, Any], CaseRow]] = {
    NoticeDelivered: notice_delivered,
    NoticeRead: notice_read,
    NoticeFailed: notice_failed,
    NoticeReceived: notice_received,
}
