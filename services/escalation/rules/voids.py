"""Raises that were taken back: the case stands where it stood before them, and nobody is owed a reply."""

from __future__ import annotations

from collections.abc import Sequence

from services.escalation.rules.case import Case, Raise
from services.escalation.rules.clocks import Telling, stop
from shared.events.escalation import EscalationVoided
from shared.vocabulary import DeadlineKind


def void(telling: Telling, raises: Sequence[Raise], rung: int) -> None:
    """Say so, whoever acted on them meanwhile: the case is back at `rung`."""
    to = telling.case.ladder[rung]
    telling.tell(
        EscalationVoided(
            **telling.said(),
            voids=tuple(one.id for one in raises),
            level=to.level,
            unit_id=to.unit_id,
            round=telling.case.round,
        )
    )
    for one in raises:
        stop(telling, DeadlineKind.REPLY, about=one.id)


def without_a_level(case: Case) -> list[Raise]:
    """The last raises of this round, oldest first, that led to levels the amended ladder does not have."""
    found: list[Raise] = []
    for one in reversed(case.raises):
        if one.round != case.round or one.voided:
            continue
        if case.rung_of(one.to_level) is not None:
            break
        found.insert(0, one)
    return found


def void_what_led_nowhere(telling: Telling) -> None:
    """An amended ladder has no such level: the case is where it was before the raises that led there, else at the
    lowest rung. It is said even if no raise did, since others may hear of older raises after the amendment."""
    case = telling.case
    gone = without_a_level(case)
    back = case.rung_of(gone[0].from_level) if gone else None
    void(telling, gone, case.rung if back is None else back)
