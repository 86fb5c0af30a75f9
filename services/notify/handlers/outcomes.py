"""What became of a notice, as an event of the story it belongs to: the case's, or the alarm's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.queries.messages import Outgoing
from services.notify.rules.facts import ALARMS
from shared.event import Actor, Event
from shared.events.notify import (
    AlarmNoticeDelivered,
    AlarmNoticeFailed,
    AlarmNoticeRead,
    AlarmNoticeReceived,
    NoticeDelivered,
    NoticeFailed,
    NoticeRead,
    NoticeReceived,
)
from shared.vocabulary import Channel, NoticeKind


@dataclass(frozen=True, slots=True)
class Told:
    """One notice to one person over one channel; `subject` is the case or the alarm."""

    at: datetime
    subject: UUID
    notice_id: UUID
    kind: NoticeKind
    person_id: str | None
    via: str

    @property
    def of_alarm(self) -> bool:
        return self.kind in ALARMS

    @property
    def said(self) -> dict[str, Any]:
        """What every event about it says."""
        return {
            "at": self.at,
            "alarm_id" if self.of_alarm else "case_id": self.subject,
            "notice_id": self.notice_id,
            "kind": self.kind,
            "person_id": self.person_id,
            "via": self.via,
        }


def told(outgoing: Outgoing, now: datetime) -> Told:
    return Told(
        now, outgoing.case_id, outgoing.notice_id, outgoing.kind, outgoing.person_id, str(outgoing.via)
    )


def delivered(notice: Told, attempt: int = 1) -> Event:
    if notice.of_alarm:
        return AlarmNoticeDelivered(**notice.said, attempt=attempt)
    return NoticeDelivered(**notice.said, attempt=attempt)


def failed(notice: Told, attempt: int, because: str) -> Event:
    if notice.of_alarm:
        return AlarmNoticeFailed(**notice.said, attempt=attempt, because=because)
    return NoticeFailed(**notice.said, attempt=attempt, because=because)


def received(notice: Told) -> Event:
    return AlarmNoticeReceived(**notice.said) if notice.of_alarm else NoticeReceived(**notice.said)


def read(notice: Told, actor: Actor) -> Event:
    said = notice.said | {"actor": actor, "channel": Channel.MOBILE}
    return AlarmNoticeRead(**said) if notice.of_alarm else NoticeRead(**said)
