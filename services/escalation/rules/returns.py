"""退单 and 裁定: the supervising unit says whose a case is; the resident's clock goes on meanwhile."""

from __future__ import annotations

from uuid import UUID

from services.escalation.rules.case import Case, Return
from services.escalation.rules.clocks import By, Telling, deadlines_of, start, stop
from services.escalation.rules.limits import Clock
from shared.events.dispatch import CaseReturned
from shared.events.escalation import ReturnRuled
from shared.vocabulary import DeadlineKind, Ruling


def await_ruling(telling: Telling, heard: CaseReturned) -> None:
    """A return that was heard waits for its ruling, by a deadline of its own."""
    returned = return_of(telling.case, heard.return_id)
    if returned is not None and returned.is_open:
        clock = Clock(DeadlineKind.RULING, telling.case.level, telling.case.round, returned.id)
        start(telling, deadlines_of(telling, [clock]))


def may_be_ruled(returned: Return) -> str | None:
    """Why it cannot be ruled any more: `ruled-before` or `return-over`; `None` if it can."""
    if returned.ruling is not None:
        return "ruled-before"
    return "return-over" if returned.over else None


def rule_return(
    telling: Telling, returned: Return, by: By, ruling: Ruling, to_unit_id: str | None, digest: str | None
) -> None:
    """The ruling of somebody who may; a unit that the case is sent to has its own time to take it."""
    _tell(telling, returned, by, ruling, to_unit_id=to_unit_id, digest=digest)
    if telling.case.sent_to is not None and telling.case.is_worked_on and ruling is Ruling.REDISPATCH:
        case = telling.case
        clock = Clock(DeadlineKind.ACKNOWLEDGE, case.level, case.round)
        start(telling, deadlines_of(telling, [clock]) if case.owner is None else [])


def refuse_unruled(telling: Telling, return_id: UUID) -> None:
    """Nobody ruled in time: refused (product rule: silence is no way out)."""
    returned = return_of(telling.case, return_id)
    if returned is not None and returned.is_open:
        _tell(telling, returned, By(), Ruling.REFUSE, unanswered=True)


def return_of(case: Case, return_id: UUID) -> Return | None:
    return next((one for one in case.returns if one.id == return_id), None)


def _tell(
    telling: Telling,
    returned: Return,
    by: By,
    ruling: Ruling,
    *,
    to_unit_id: str | None = None,
    unanswered: bool = False,
    digest: str | None = None,
) -> None:
    telling.tell(
        ReturnRuled(
            **telling.said(by),
            return_id=returned.id,
            part_id=returned.part_id,
            ruling=ruling,
            to_unit_id=to_unit_id,
            as_owner=ruling is Ruling.REDISPATCH and telling.case.is_the_owners(returned),
            unanswered=unanswered,
            level=returned.level,
            round=returned.round,
            digest=digest,
        )
    )
    stop(telling, DeadlineKind.RULING, about=returned.id, at=telling.now)
