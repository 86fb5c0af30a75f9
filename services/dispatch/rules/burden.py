"""What the work costs those who do it: cases, offers at night, taps, fields, photos, minutes. For the person's own
eyes; nobody is ranked by it (figures of a unit are insight's).

A tap here is what it is in insight's figure `burden_taps`: the fewest that what was received can have taken, one for
each act, one for each value chosen or written for it, one for each photo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from shared.event import Event
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandedDown,
    CaseHandled,
    CaseReturned,
    CoHandlerAsked,
    EntryCorrected,
    EvidenceAdded,
    HelpRequested,
    OfferDeclined,
    PartHandled,
    ProgressNoted,
    ResidentContacted,
    WorkerArrived,
)

NIGHT_BEGINS, NIGHT_ENDS = time(22), time(6)

FIELDS: dict[type[Event], int] = {
    CaseAccepted: 0,
    OfferDeclined: 1,
    WorkerArrived: 1,
    ResidentContacted: 0,
    EvidenceAdded: 0,
    ProgressNoted: 1,
    CaseHandled: 1,
    PartHandled: 0,
    CaseReturned: 3,
    CaseHandedDown: 2,
    CoHandlerAsked: 2,
    HelpRequested: 1,
    EntryCorrected: 1,
}
"""What somebody does on a case, with how many fields they fill in for it at least. A hand-over is of no one case."""


@dataclass(frozen=True, slots=True)
class Burden:
    """Of one case, or summed over many. `minutes` from accepting to the end of one's part."""

    offers: int = 0
    night_offers: int = 0
    taps: int = 0
    fields: int = 0
    photos: int = 0
    minutes: int = 0

    def __add__(self, other: Burden) -> Burden:
        return Burden(
            self.offers + other.offers,
            self.night_offers + other.night_offers,
            self.taps + other.taps,
            self.fields + other.fields,
            self.photos + other.photos,
            self.minutes + other.minutes,
        )


@dataclass(frozen=True, slots=True)
class Held:
    """One offer to the person, and how long they had the part; `until` is now for what still goes on."""

    offered_at: datetime
    accepted_at: datetime | None
    until: datetime


def is_night(moment: datetime, zone: ZoneInfo) -> bool:
    """By the clock on the wall where the person works."""
    at = moment.astimezone(zone).time()
    return at >= NIGHT_BEGINS or at < NIGHT_ENDS


def burden(held: Iterable[Held], acts: Iterable[Event], zone: ZoneInfo) -> Burden:
    """`acts` are the events that the person caused. A co-handler asked as part of a request for help is one act with
    it."""
    offers, done = list(held), [act for act in acts if type(act) in FIELDS and not _comes_along(act)]
    fields = sum(_fields(act) for act in done)
    photos = sum(isinstance(act, EvidenceAdded) and act.media_type.startswith("image/") for act in done)
    return Burden(
        offers=len(offers),
        night_offers=sum(is_night(offer.offered_at, zone) for offer in offers),
        taps=len(done) + fields + photos,
        fields=fields,
        photos=photos,
        minutes=sum(
            int((offer.until - offer.accepted_at).total_seconds() // 60)
            for offer in offers
            if offer.accepted_at is not None
        ),
    )


def of_entries(entries: int, *, with_a_value: int, taken_back: int) -> Burden:
    """Of rounds, or of the lists of mass tasks. Each entry is an act, and taking one back is another, in words."""
    fields = with_a_value + taken_back
    return Burden(taps=entries + taken_back + fields, fields=fields)


def _comes_along(act: Event) -> bool:
    return isinstance(act, CoHandlerAsked) and act.help_id is not None


def _fields(act: Event) -> int:
    """A late arrival's cause is one field more, and so is a task's limit."""
    more = (isinstance(act, CaseHandled) and act.late_cause is not None) or (
        isinstance(act, CoHandlerAsked) and act.due_at is not None
    )
    return FIELDS[type(act)] + more
