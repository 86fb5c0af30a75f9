"""What escalation listens to."""

from __future__ import annotations

from services.escalation.handlers.heard import (
    destroy_texts,
    follow,
    follow_amendment,
    follow_reopening,
    take_up_case,
)
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandedDown,
    CaseHandled,
    CaseReassigned,
    CaseReturned,
    CoHandlerAsked,
    PartEnded,
    PartHandled,
    ResidentContacted,
    WorkerArrived,
)
from shared.events.intake import (
    AppointmentAgreed,
    CaseAmended,
    CaseClosed,
    CaseMerged,
    CaseRegistered,
    CaseReopened,
    CaseUnmerged,
    CaseWithdrawn,
    FollowUpOpened,
    FollowUpRecorded,
    RequesterErased,
)
from shared.inbox import Subscriptions

SUBSCRIPTIONS: Subscriptions = {
    CaseRegistered: take_up_case,
    CaseAmended: follow_amendment,
    AppointmentAgreed: follow,
    CaseMerged: follow,
    CaseUnmerged: follow,
    CaseWithdrawn: follow,
    CaseAccepted: follow,
    WorkerArrived: follow,
    ResidentContacted: follow,
    CaseReturned: follow,
    CaseHandedDown: follow,
    CaseReassigned: follow,
    CoHandlerAsked: follow,
    PartHandled: follow,
    PartEnded: follow,
    CaseHandled: follow,
    FollowUpOpened: follow,
    FollowUpRecorded: follow,
    CaseReopened: follow_reopening,
    CaseClosed: follow,
    RequesterErased: destroy_texts,
}
