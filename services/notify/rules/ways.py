"""Over which ways a notice goes, how urgent it is, and whether it may wait for the morning.

The feed is always written. Beside it go what is worth a ring, and for an emergency offer that stays unread one channel
after the other in the order the person chose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import IntEnum, StrEnum

from services.notify.rules.facts import ALARMS, MASS_TASKS, Notice
from shared.vocabulary import Language, NoticeKind


class Via(StrEnum):
    """The channels by name."""

    FEED = "feed"
    WEBPUSH = "webpush"
    SMS = "sms"
    WEBHOOK = "webhook"
    SMTP = "smtp"
    CONSOLE = "console"


CHOSEN = (Via.FEED, Via.WEBPUSH, Via.SMS, Via.WEBHOOK, Via.SMTP)
"""What people order as they like; this is the order of who never did."""


class Priority(IntEnum):
    """What is sent first when there is more than a channel takes."""

    ALARM = 0
    EMERGENCY = 1
    ORDINARY = 2


class DigestMode(StrEnum):
    """What becomes of several messages that waited: sent one by one, as one when quiet hours end, or gathered all
    day for an hour of the person's choice."""

    OFF = "off"
    AFTER_QUIET = "after_quiet"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """In the community's time; over midnight where `starts` is later than `ends`."""

    starts: time
    ends: time

    def covers(self, at: time) -> bool:
        if self.starts <= self.ends:
            return self.starts <= at < self.ends
        return at >= self.starts or at < self.ends


@dataclass(frozen=True, slots=True)
class Preferences:
    """How one person wants to be told. `language` is `None` where the registry's holds."""

    channels: tuple[Via, ...] = CHOSEN
    quiet: QuietHours | None = None
    digest: DigestMode = DigestMode.AFTER_QUIET
    digest_at: time | None = None
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """Which channels lead to a person now: they are open here, and the person has an address or device for them."""

    channels: frozenset[Via]


MAILED = frozenset(
    {
        NoticeKind.CASE_RAISED,
        NoticeKind.RAISE_VOIDED,
        NoticeKind.DEADLINE_MISSED,
        NoticeKind.NOBODY_AVAILABLE,
        NoticeKind.SUPERVISION_ORDERED,
        NoticeKind.CASE_REOPENED,
        NoticeKind.RETURN_ASKED,
        NoticeKind.EXTENSION_ASKED,
        NoticeKind.REPLY_OWED,
        NoticeKind.CASE_LISTED,
    }
)
"""Worth an e-mail beside the feed: what a supervisor or officer must see without looking at a screen."""

PUSHED = frozenset(
    {
        NoticeKind.OFFER,
        NoticeKind.NOBODY_AVAILABLE,
        NoticeKind.SUPERVISION_ORDERED,
        NoticeKind.HELP_REQUESTED,
        NoticeKind.HELP_ANSWERED,
        NoticeKind.RETURN_ASKED,
        NoticeKind.RETURN_RULED,
        NoticeKind.EXTENSION_ASKED,
        NoticeKind.EXTENSION_ANSWERED,
        NoticeKind.REPLY_OWED,
        NoticeKind.REASSIGNED,
        NoticeKind.CO_HANDLER_ASKED,
        NoticeKind.CASE_AMENDED,
        NoticeKind.CASE_URGED,
        NoticeKind.APPOINTMENT_AGREED,
        NoticeKind.DEADLINE_AMBER,
        NoticeKind.DEADLINE_MISSED,
        NoticeKind.PROGRESS_CALL,
        NoticeKind.ACTING_FOR,
        *MASS_TASKS,
    }
)
"""Worth a ring on the phone: somebody has to act, or what they are doing has changed."""

ANSWERS_AT_ONCE = frozenset(
    {
        NoticeKind.REGISTERED,
        NoticeKind.WORKER_COMING,
        NoticeKind.CASE_ANSWERED,
        NoticeKind.NOT_ACCEPTED,
        NoticeKind.CASE_WITHDRAWN,
    }
)
"""To a requester who is awake and waits for it: they have just said something, or somebody is at the door."""


def priority_of(kind: NoticeKind, *, urgent: bool) -> Priority:
    """`urgent`: of the case it is about."""
    if kind in ALARMS:
        return Priority.ALARM
    return Priority.EMERGENCY if urgent else Priority.ORDINARY


def climbs(notice: Notice) -> bool:
    """Whether the unread ladder carries it from channel to channel: offers of emergencies."""
    return notice.kind is NoticeKind.OFFER and bool(notice.says.get("emergency"))


def ways_at_once(notice: Notice, preferences: Preferences, reach: Reach) -> tuple[Via, ...]:
    """Which channels a member of staff is told over now. Alarms take every way there is, and so does the word to
    somebody who is at home that they are on duty; an emergency offer the
    feed and what the person put before it, the rest follows while it is unread; advice is worth no ring."""
    order = [via for via in preferences.channels if via is not Via.FEED and via in reach.channels]
    if notice.kind in ALARMS or notice.kind is NoticeKind.CALLED_IN:
        return (Via.FEED, *order)
    if notice.kind is NoticeKind.ADVICE:
        return (Via.FEED,)
    if climbs(notice):
        return (Via.FEED, *_before_the_feed(preferences, reach))
    wanted = {
        Via.WEBPUSH: notice.kind in PUSHED,
        Via.WEBHOOK: True,
        Via.SMTP: notice.kind in MAILED,
    }
    return (Via.FEED, *(via for via in order if wanted.get(via, False)))


def _before_the_feed(preferences: Preferences, reach: Reach) -> list[Via]:
    place = preferences.channels.index(Via.FEED) if Via.FEED in preferences.channels else 0
    return [via for via in preferences.channels[:place] if via in reach.channels]


def next_way(
    preferences: Preferences, reach: Reach, used: Collection[Via], resting: Collection[Via]
) -> Via | None:
    """The channel an unread offer goes to next; one that is known to be down only if there is no other."""
    left = [via for via in preferences.channels if via in reach.channels and via not in used]
    return next((via for via in left if via not in resting), next(iter(left), None))


TRIES_MAX = 3
"""So often one channel is tried, a few seconds in all, before another takes over from it."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How far a notice came over one channel. `done`: handed over, or waiting for the person's morning; `failed`: for
    good; else it may still be sent, after so many `tries`."""

    done: bool = False
    failed: bool = False
    tries: int = 0


def takes_over(
    preferences: Preferences, reach: Reach, tried: Mapping[Via, Tried], resting: Collection[Via]
) -> Via | None:
    """The channel that takes over, where all that were tried are stuck; `None` while one of them may still do, or
    if none is left that is not known to be down."""
    if not all(one.failed or _is_stuck(via, one, resting) for via, one in tried.items()):
        return None
    left = (via for via in preferences.channels if via is not Via.FEED and via in reach.channels)
    return next((via for via in left if via not in tried and via not in resting), None)


def _is_stuck(via: Via, one: Tried, resting: Collection[Via]) -> bool:
    return not one.done and (one.tries >= TRIES_MAX or via in resting)


def is_last(preferences: Preferences, reach: Reach, used: Collection[Via]) -> bool:
    """Whether no channel is left to climb to."""
    return next_way(preferences, reach, used, ()) is None


def held_until(
    kind: NoticeKind, priority: Priority, preferences: Preferences, at: datetime, zone: tzinfo
) -> datetime | None:
    """Until when a message waits: the end of the quiet hours, or the hour of the daily digest; `None` goes now.
    Alarms and what is urgent always go now, and offers: they are made to whoever is on duty, and run out."""
    if priority is not Priority.ORDINARY or kind is NoticeKind.OFFER:
        return None
    local = at.astimezone(zone)
    quiet = preferences.quiet
    if preferences.digest is DigestMode.DAILY and preferences.digest_at is not None:
        return _next(preferences.digest_at, local)
    if quiet is None or not quiet.covers(local.time()):
        return None
    return _next(quiet.ends, local)


def requester_held_until(
    kind: NoticeKind, priority: Priority, quiet: QuietHours | None, at: datetime, zone: tzinfo
) -> datetime | None:
    """The same for a requester, who has the community's quiet hours."""
    if kind in ANSWERS_AT_ONCE:
        return None
    return held_until(kind, priority, Preferences(quiet=quiet), at, zone)


def _next(clock: time, local: datetime) -> datetime:
    """The next time the clock shows that, in the zone of `local`."""
    today = local.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return today if today > local else today + timedelta(days=1)


def usable(channels: Iterable[Via], open_here: Collection[Via]) -> Reach:
    """The reach of somebody with these addresses where these channels are open."""
    return Reach(frozenset(via for via in channels if via in open_here))
