"""How much a requester may attach."""

from __future__ import annotations

from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.vocabulary import CaseState

ATTACHMENTS_PER_CASE_MAX = 10


def refuse_attachment(case: Case) -> Refused | None:
    if case.state is CaseState.CLOSED:
        return Refused(RefusedBecause.CASE_ENDED)
    if len(case.attachments) >= ATTACHMENTS_PER_CASE_MAX:
        return Refused(RefusedBecause.TOO_MANY_ATTACHMENTS)
    return None
