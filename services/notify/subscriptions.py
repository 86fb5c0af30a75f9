"""What notify listens to: everything somebody must know, and what keeps its replica of a case true."""

from __future__ import annotations

from services.notify import handlers
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    NobodyAvailable,
    OfferDeclined,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
)
from shared.events.escalation import (
    CaseEscalated,
    DeadlineAmber,
    DeadlineMissed,
    DeadlinesCleared,
    DeadlinesSet,
    EscalationVoided,
    SupervisionOrdered,
)
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened, FollowUpOpened
from shared.inbox import Subscriptions

SUBSCRIPTIONS: Subscriptions = {
    CaseRegistered: handlers.take_up_case,
    CaseOffered: handlers.follow_case,
    OfferDeclined: handlers.follow_case,
    OfferLapsed: handlers.follow_case,
    OfferWithdrawn: handlers.follow_case,
    CaseAccepted: handlers.follow_case,
    CaseHandled: handlers.follow_case,
    PartEnded: handlers.follow_case,
    NobodyAvailable: handlers.follow_case,
    DeadlinesSet: handlers.follow_case,
    DeadlineAmber: handlers.follow_case,
    DeadlineMissed: handlers.follow_case,
    DeadlinesCleared: handlers.follow_case,
    CaseEscalated: handlers.follow_case,
    EscalationVoided: handlers.follow_case,
    SupervisionOrdered: handlers.follow_case,
    FollowUpOpened: handlers.follow_case,
    CaseReopened: handlers.follow_case,
    CaseClosed: handlers.follow_case,
}
