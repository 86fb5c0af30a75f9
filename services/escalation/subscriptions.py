"""What escalation listens to."""

from __future__ import annotations

from services.escalation import handlers
from shared.events.dispatch import CaseAccepted, CaseHandled, PartEnded, ResidentContacted, WorkerArrived
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened, FollowUpRecorded
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
