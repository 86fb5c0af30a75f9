"""What notify tells: what was told to whom."""

from __future__ import annotations

from uuid import UUID

from shared.event import AlarmEvent, CaseEvent
from shared.vocabulary import NoticeKind


class NoticeEvent(CaseEvent):
    """A message to one person; `person_id` is `None` for the requester, who is never named. `via` is the channel's
    name: feed, webpush, sms, webhook, smtp, console."""

    notice_id: UUID
    kind: NoticeKind
    person_id: str | None
    via: str


class NoticeDelivered(NoticeEvent, type="yike.notice.delivered", source="notify"):
    """Handed over to the channel, at least once."""

    attempt: int = 1


class NoticeRead(NoticeEvent, type="yike.notice.read", source="notify"):
    """Seen by the person on their own screen."""


class NoticeFailed(NoticeEvent, type="yike.notice.failed", source="notify"):
    """Refused by the channel for good, or not reached after the last attempt. `follow_up_id` is whose link it was to
    bring, where it was one."""

    attempt: int
    because: str
    follow_up_id: UUID | None = None


class NoticeReceived(NoticeEvent, type="yike.notice.received", source="notify"):
    """The channel confirms that it reached the device."""


class AlarmNoticeEvent(AlarmEvent):
    """A message about a worker's call for help, in the alarm's own story: who was reached, over what, and when."""

    notice_id: UUID
    kind: NoticeKind
    person_id: str
    via: str


class AlarmNoticeDelivered(AlarmNoticeEvent, type="yike.alarm_notice.delivered", source="notify"):
    """Handed over to the channel, at least once."""

    attempt: int = 1


class AlarmNoticeRead(AlarmNoticeEvent, type="yike.alarm_notice.read", source="notify"):
    """Seen by the person on their own screen."""


class AlarmNoticeFailed(AlarmNoticeEvent, type="yike.alarm_notice.failed", source="notify"):
    """Refused by the channel for good, or not reached after the last attempt."""

    attempt: int
    because: str


class AlarmNoticeReceived(AlarmNoticeEvent, type="yike.alarm_notice.received", source="notify"):
    """The channel confirms that it reached the device."""
