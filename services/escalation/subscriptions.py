"""What escalation listens to."""

from __future__ import annotations

from services.escalation import handlers
from shared.events import (
    CaseAccepted,
    CaseClosed,
    CaseHandled,
    CaseRegistered,
    CaseReopened,
    FollowUpRecorded,
    PartEnded,
    ResidentContacted,
    WorkerArrived,
)
from shared.inbox import Subscriptions

SUBSCRIPTIONS: Subscriptions = {
    CaseRegistered: handlers.take_up_case,
    CaseAccepted: handlers.follow,
    WorkerArrived: handlers.follow,
    ResidentContacted: handlers.follow,
    CaseHandled: handlers.follow,
    PartEnded: handlers.follow,
    FollowUpRecorded: handlers.follow,
    CaseReopened: handlers.follow,
    CaseClosed: handlers.follow,
}
