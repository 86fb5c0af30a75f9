"""How somebody sees one case: whole or without people and places, with what is odd or without, and, where they worked
on it themself, without whom is asked about it and what they said (product §7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.insight.api.reading import sees_masked, sees_whole, supervises, without_personal_data
from shared.events.dispatch import EntryFlagged
from shared.events.intake import FollowUpOpened, FollowUpRecorded
from shared.identity import SignedIn
from shared.vocabulary import NoticeKind

ASKING = {FollowUpOpened.type, FollowUpRecorded.type}
NOTICES_OF_ASKING = {NoticeKind.PLEASE_ANSWER, NoticeKind.FOLLOW_UP_DUE, NoticeKind.PROGRESS_CALL}


@dataclass(frozen=True)
class Sight:
    whole: bool
    oversees: bool
    held: bool

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The case as `queries.one` reads it."""
        seen = {name: value for name, value in row.items() if name != "held_by"}
        if not self.oversees:
            del seen["flagged"]
            seen["follow_ups"] = [_without(told, "coached") for told in seen["follow_ups"]]
        if self.held:
            seen |= {"follow_ups": [], "requester_can_be_asked": None}
        return seen if self.whole else dict(without_personal_data(seen))

    def shows(self, event: Mapping[str, Any]) -> bool:
        """Whether it stands on their timeline."""
        if event["type"] == EntryFlagged.type:
            return self.oversees
        asking = event["type"] in ASKING or event["data"].get("kind") in NOTICES_OF_ASKING
        return not (self.held and asking)

    def data(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The facts of an event. That somebody told the resident what to answer is for supervisors: whoever it was
        must not find out here."""
        if not self.whole:
            return {}
        told = event["data"] if self.oversees else _without(event["data"], "coached")
        return _without(told, "requester_can_be_asked") if self.held else dict(told)


def sight_of(who: SignedIn, row: Mapping[str, Any]) -> Sight | None:
    """None for whom the case does not concern."""
    path = row["unit_path"]
    whole = sees_whole(who, path, [part["person_id"] for part in row["parts"]])
    if not whole and not sees_masked(who, path):
        return None
    return Sight(whole, oversees=supervises(who, path), held=who.person_id in row["held_by"])


def _without(told: Mapping[str, Any], left_out: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != left_out}
