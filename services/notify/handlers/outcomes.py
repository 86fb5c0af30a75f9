"""What became of a notice, as an event of the story it belongs to: the case's, or the alarm's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.queries.messages import Outgoing
from services.notify.rules.facts import ALARMS, OF_NO_STORY
from shared.event import Actor, Event
from shared.events.notify import (
    AlarmNoticeDelivered,
    AlarmNoticeEvent,
    AlarmNoticeFailed,
    AlarmNoticeRead,
    AlarmNoticeReceived,
    NoticeDelivered,
    NoticeEvent,
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


def told(outgoing: Outgoing, now: datetime) -> Told:
    return Told(
        now, outgoing.case_id, outgoing.notice_id, outgoing.kind, outgoing.person_id, str(outgoing.via)
    )


def delivered(notice: Told, attempt: int = 1) -> tuple[Event, ...]:
    return _said(notice, NoticeDelivered, AlarmNoticeDelivered, attempt=attempt)


def failed(notice: Told, attempt: int, because: str) -> tuple[Event, ...]:
    return _said(notice, NoticeFailed, AlarmNoticeFailed, attempt=attempt, because=because)


def received(notice: Told) -> tuple[Event, ...]:
    return _said(notice, NoticeReceived, AlarmNoticeReceived)


def read(notice: Told, actor: Actor) -> tuple[Event, ...]:
    return _said(notice, NoticeRead, AlarmNoticeRead, actor=actor, channel=Channel.MOBILE)


def _said(
    notice: Told, of_case: type[NoticeEvent], of_alarm: type[AlarmNoticeEvent], **more: Any
) -> tuple[Event, ...]:
    """The one event of it; none of what belongs to no story."""
    if notice.kind in OF_NO_STORY:
        return ()
    known = {
        "at": notice.at,
        "notice_id": notice.notice_id,
        "kind": notice.kind,
        "person_id": notice.person_id,
        "via": notice.via,
    }
    if notice.kind in ALARMS:
        return (of_alarm(**known, **more, alarm_id=notice.subject),)
    return (of_case(**known, **more, case_id=notice.subject),)
