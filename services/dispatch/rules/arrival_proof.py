"""到场凭证: what has to be shown for an arrival, by each of its four methods. The rounds' stops are proven alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.dispatch.rules import refusals
from services.dispatch.rules.refusals import Refused
from shared.going import ArrivalMethod
from shared.sealing import Sealer

PHOTO_FRESH_FOR = timedelta(minutes=10)
CLOCKS_DIFFER = timedelta(minutes=2)
"""A camera's clock may be so far off without meaning anything."""


def code_of(unit_id: str, sealer: Sealer) -> str:
    """What is printed and hung up in a grid or at a post; good as long as the master key it was signed under."""
    return f"{unit_id}.{sealer.sign(_signed_text(unit_id))}"


def unit_of(code: str, sealer: Sealer) -> str | None:
    """Whose code it is; `None` for one that we never printed."""
    unit_id, _, signature = code.rpartition(".")
    return unit_id if sealer.signed(_signed_text(unit_id), signature) else None


def _signed_text(unit_id: str) -> str:
    return f"arrival-code:{unit_id}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody sent along. `code_fits`: the code they read is ours and hangs where they have to be.
    `photo_taken_at` is of a photo of their own, added to what they arrive for."""

    method: ArrivalMethod
    position: bool = False
    reason: bool = False
    code: bool = False
    code_fits: bool = False
    photo: bool = False
    photo_taken_at: datetime | None = None


def lacking(shown: Shown, *, said_at: datetime, since: datetime) -> Refused | None:
    """Why this shows nobody to be there. `said_at` is when they say they arrived: by the phone's clock if it was sent,
    which took the photo's time as well. `since`: nothing from before they were asked shows anything."""
    match shown.method:
        case ArrivalMethod.POSITION:
            return None if shown.position else refusals.POSITION_NEEDED
        case ArrivalMethod.SELF_DECLARED:
            return None if shown.reason else refusals.REASON_NEEDED
        case ArrivalMethod.QR_CODE:
            if not shown.code:
                return refusals.CODE_NEEDED
            return None if shown.code_fits else refusals.CODE_NOT_OF_HERE
        case ArrivalMethod.PHOTO_TIME:
            if not shown.photo:
                return refusals.PHOTO_NEEDED
            return None if _just_taken(shown.photo_taken_at, said_at, since) else refusals.PHOTO_NOT_FRESH


def _just_taken(taken_at: datetime | None, said_at: datetime, since: datetime) -> bool:
    if taken_at is None or taken_at < since - CLOCKS_DIFFER:
        return False
    return said_at - PHOTO_FRESH_FOR <= taken_at <= said_at + CLOCKS_DIFFER
