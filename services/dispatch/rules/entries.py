"""What somebody entered, looked at again: what is odd about it, corrected by whoever entered it, or with the phone's
own time accepted. The first entry always stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.dispatch.rules import refusals
from services.dispatch.rules.facts import Case, Part, State
from services.dispatch.rules.offers import Decision, about
from services.dispatch.rules.passing import Words
from services.dispatch.rules.work import Doer
from shared.event import Event
from shared.events.dispatch import DeviceTimeAccepted, EntryCorrected, EntryFlagged
from shared.going import EntryFlag, EntryKind

FAR_M = 500
"""From the place of the case: beyond what a phone's position is wrong by between high houses."""
MOVED_M_MIN = 500
"""Below it two positions of one phone may differ without anybody having moved."""
METRES_PER_SECOND_MAX = 35.0
"""Faster than that (126 km/h) nobody travels through a town."""
CLOCKS_DIFFER = timedelta(minutes=2)
"""A camera's clock may be so far off without meaning anything."""


# ── what is odd ───────────────────────────────────────────────────────────────────────────────────────────────────


def odd_photo(
    case: Case, *, taken_at: datetime | None, distance_m: int | None, seen_before: bool
) -> tuple[EntryFlag, ...]:
    """Seen on another case, taken before anybody asked for anything, or far from the place."""
    began = min(case.registered_at, case.reported_at or case.registered_at) - CLOCKS_DIFFER
    found = {
        EntryFlag.SEEN_BEFORE: seen_before,
        EntryFlag.OLDER_THAN_CASE: taken_at is not None and taken_at < began,
        EntryFlag.FAR_FROM_PLACE: distance_m is not None and distance_m > FAR_M,
    }
    return tuple(flag for flag, holds in found.items() if holds)


@dataclass(frozen=True)
class Moved:
    """From the last position known of the person: how far, in how long by the server's clock and, where both were
    sent along, by the phone's."""

    metres: float
    server: timedelta
    phone: timedelta | None = None

    @property
    def impossible(self) -> bool:
        """By the longer of the two times: what waited in a queue arrives at the server all at once."""
        seconds = max(self.server, self.phone or self.server).total_seconds()
        return self.metres > MOVED_M_MIN and self.metres > METRES_PER_SECOND_MAX * seconds


def odd_arrival(distance_m: int | None, moved: Moved | None) -> tuple[EntryFlag, ...]:
    found = {
        EntryFlag.FAR_FROM_PLACE: distance_m is not None and distance_m > FAR_M,
        EntryFlag.IMPOSSIBLE_SPEED: moved is not None and moved.impossible,
    }
    return tuple(flag for flag, holds in found.items() if holds)


def flagged(
    state: State,
    part: Part,
    person_id: str,
    now: datetime,
    entry_id: UUID,
    entry: EntryKind,
    flags: tuple[EntryFlag, ...],
) -> list[Event]:
    """For the supervisor's eyes; the entry counts like any other."""
    if not flags:
        return []
    common = about(state, part.id, now)
    return [EntryFlagged(**common, entry_id=entry_id, entry=entry, person_id=person_id, flags=flags)]


# ── corrected by its author ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Entry:
    id: UUID
    part_id: UUID
    person_id: str
    at: datetime
    kind: EntryKind


def find(state: State, entry_id: UUID) -> Entry | None:
    """The arrival, photo or note of this id."""
    for arrival in state.arrivals:
        if arrival.id == entry_id:
            return Entry(entry_id, arrival.part_id, arrival.person_id, arrival.at, EntryKind.ARRIVAL)
    for file in state.evidence:
        if file.id == entry_id:
            return Entry(entry_id, file.part_id, file.person_id, file.at, EntryKind.EVIDENCE)
    for note in state.notes:
        if note.id == entry_id:
            return Entry(entry_id, note.part_id, note.person_id, note.at, EntryKind(note.note.value))
    return None


def correct(
    state: State, entry: Entry, doer: Doer, now: datetime, *, words: Words, within_hours: int
) -> Decision:
    """更正, also after the case was handled or closed: the words stand beside the first entry."""
    if entry.person_id != doer.person_id:
        return refusals.NOT_YOUR_ENTRY
    if now - entry.at > timedelta(hours=within_hours):
        return refusals.correction_too_late(within_hours)
    return [
        EntryCorrected(
            **about(state, entry.part_id, now, doer.actor, doer.channel),
            entry_id=entry.id,
            entry=entry.kind,
            person_id=doer.person_id,
            note_id=words.id,
            digest=words.digest,
        )
    ]


# ── the phone's own time ──────────────────────────────────────────────────────────────────────────────────────────


def accept_device_time(state: State, part: Part, doer: Doer, now: datetime, *, words: Words) -> Decision:
    """A supervisor accepts when the phone says somebody arrived; both times stay, and figures say how many were."""
    arrival = next((one for one in reversed(state.arrivals) if one.part_id == part.id), None)
    if arrival is None or arrival.device_at is None:
        return refusals.NO_DEVICE_TIME
    if arrival.device_time_accepted:
        return []
    if not state.case.registered_at <= arrival.device_at <= arrival.at:
        return refusals.NO_DEVICE_TIME
    return [
        DeviceTimeAccepted(
            **about(state, part.id, now, doer.actor, doer.channel),
            id=words.id,
            person_id=arrival.person_id,
            device_at=arrival.device_at,
            received_at=arrival.at,
            digest=words.digest,
        )
    ]
