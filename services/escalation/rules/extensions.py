"""延期: once per case, asked for by the owner before `handle` is due, decided one level up."""

from __future__ import annotations

from datetime import datetime

from services.escalation.rules.case import Case, CaseDeadline, Colour, Extension, ExtensionState
from services.escalation.rules.clocks import By, Telling
from services.escalation.rules.limits import Clock, begins_at, extension_ends_by
from services.escalation.rules.working_time import amber_at
from shared.events.escalation import DeadlineExtended, ExtensionAsked, ExtensionRefused
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, ExtensionReason


def may_ask(telling: Telling, until: datetime) -> str | None:
    """Why `handle` cannot be put off until then; `None` if it can be asked for."""
    case = telling.case
    if not case.is_worked_on:
        return "not-worked-on"
    if any(one.state is ExtensionState.GRANTED for one in case.extensions):
        return "extended-before"
    if case.asked_extension is not None:
        return "extension-undecided"
    refused = (one for one in case.extensions if one.state is ExtensionState.REFUSED)
    if any((one.level, one.round) == (case.level, case.round) for one in refused):
        return "extension-refused-before"
    handle = _handle(case)
    if handle is None:
        return "nothing-to-extend"
    if until <= handle.due_at:
        return "extension-not-later"
    return "extension-too-long" if until > longest(telling, handle) else None


def longest(telling: Telling, handle: CaseDeadline) -> datetime:
    """How far this `handle` may be put off."""
    working = telling.stations[telling.case.rung].working
    return extension_ends_by(telling.case, handle.due_at, working)


def ask_extension(telling: Telling, by: By, until: datetime, reason: ExtensionReason) -> Extension:
    """`may_ask` was asked before."""
    case, handle = telling.case, _handle(telling.case)
    assert handle is not None
    telling.tell(
        ExtensionAsked(
            **telling.said(by),
            **telling.here(),
            extension_id=uuid7(),
            person_id=by.person_id,
            due_at=handle.due_at,
            until=until,
            reason=reason,
            unit_id=case.unit_id,
            approving_unit_id=case.above(case.level).unit_id,
        )
    )
    return telling.case.extensions[-1]


def decide_extension(telling: Telling, asked: Extension, by: By, *, approved: bool) -> None:
    """Approved: `handle` of this level ends later, and everybody is told. Refused: the clock goes on as it was. Where
    the case changed meanwhile, it is the clock as it stands now that is moved, and never to an earlier time."""
    case, handle = telling.case, _handle(telling.case)
    if not approved or handle is None:
        _refuse(telling, asked, by)
        return
    due_at = max(asked.until, handle.due_at)
    begun_at = begins_at(case, Clock(DeadlineKind.HANDLE, asked.level, asked.round))
    telling.tell(
        DeadlineExtended(
            **telling.said(by),
            **telling.here(),
            extension_id=asked.id,
            kind=DeadlineKind.HANDLE,
            due_before=handle.due_at,
            due_at=due_at,
            amber_at=amber_at(begun_at, due_at, case.policy.amber_percent),
        )
    )


def refuse_undecided(telling: Telling) -> None:
    """The due time or a raise came before anybody decided: refused."""
    if (asked := telling.case.asked_extension) is not None:
        _refuse(telling, asked, By(), unanswered=True)


def _refuse(telling: Telling, asked: Extension, by: By, *, unanswered: bool = False) -> None:
    telling.tell(
        ExtensionRefused(
            **telling.said(by),
            extension_id=asked.id,
            unanswered=unanswered,
            level=asked.level,
            round=asked.round,
        )
    )


def _handle(case: Case) -> CaseDeadline | None:
    """The clock that may be put off: one that was missed may not."""
    return next((one for one in case.open(DeadlineKind.HANDLE) if one.colour is not Colour.RED), None)
