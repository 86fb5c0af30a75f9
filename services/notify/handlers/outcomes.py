"""What became of a notice, as an event of the story it belongs to: the case's, or the alarm's; none of what belongs to
neither."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

from services.notify.queries.messages import Outgoing
from services.notify.rules.facts import ALARMS, OF_NO_STORY
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


class Story(Enum):
    CASE = auto()
    ALARM = auto()


@dataclass(frozen=True, slots=True)
class Told:
    """One notice to one person over one channel; `subject` is the case or the alarm, where it is of one."""

    at: datetime
    subject: UUID
    notice_id: UUID
    kind: NoticeKind
    person_id: str | None
    via: str
    follow_up_id: UUID | None = None

    @property
    def story(self) -> Story | None:
        if self.kind in OF_NO_STORY:
            return None
        return Story.ALARM if self.kind in ALARMS else Story.CASE

    @property
    def said(self) -> dict[str, Any]:
        """What every event about it says."""
        return {
            "at": self.at,
            "alarm_id" if self.story is Story.ALARM else "case_id": self.subject,
            "notice_id": self.notice_id,
            "kind": self.kind,
            "person_id": self.person_id,
            "via": self.via,
        }


def told(outgoing: Outgoing, now: datetime) -> Told:
    link = outgoing.body if outgoing.kind is NoticeKind.PLEASE_ANSWER and outgoing.body else {}
    return Told(
        now,
        outgoing.case_id,
        outgoing.notice_id,
        outgoing.kind,
        outgoing.person_id,
        str(outgoing.via),
        link.get("follow_up_id"),
    )


def delivered(notice: Told, attempt: int = 1) -> tuple[Event, ...]:
    match notice.story:
        case Story.CASE:
            return (NoticeDelivered(**notice.said, attempt=attempt),)
        case Story.ALARM:
            return (AlarmNoticeDelivered(**notice.said, attempt=attempt),)
    return ()


def failed(notice: Told, attempt: int, because: str) -> tuple[Event, ...]:
    match notice.story:
        case Story.CASE:
            link = {"follow_up_id": notice.follow_up_id}
            return (NoticeFailed(**notice.said, **link, attempt=attempt, because=because),)
        case Story.ALARM:
            return (AlarmNoticeFailed(**notice.said, attempt=attempt, because=because),)
    return ()


def received(notice: Told) -> tuple[Event, ...]:
    match notice.story:
        case Story.CASE:
            return (NoticeReceived(**notice.said),)
        case Story.ALARM:
            return (AlarmNoticeReceived(**notice.said),)
    return ()


def read(notice: Told, actor: Actor) -> tuple[Event, ...]:
    by = {"actor": actor, "channel": Channel.MOBILE}
    match notice.story:
        case Story.CASE:
            return (NoticeRead(**notice.said, **by),)
        case Story.ALARM:
            return (AlarmNoticeRead(**notice.said, **by),)
    return ()
