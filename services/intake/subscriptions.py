"""What intake listens to: everything that moves the public state of a case, and what becomes of its links."""

from services.intake.handlers.follow_up import link_never_sent
from services.intake.handlers.progress import open_progress_call
from services.intake.handlers.story import follow_story
from shared.events.dispatch import (
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    CaseReassigned,
    CaseReturned,
    EvidenceAdded,
    ProgressNoted,
    ResidentContacted,
    WorkerArrived,
)
from shared.events.escalation import (
    CaseEscalated,
    CaseParked,
    CaseUnparked,
    DeadlineExtended,
    DeadlineMissed,
    EscalationVoided,
    ReturnRuled,
)
from shared.events.notify import NoticeFailed
from shared.inbox import Subscriptions

SUBSCRIPTIONS: Subscriptions = {
    CaseOffered: follow_story,
    CaseAccepted: follow_story,
    WorkerArrived: follow_story,
    ResidentContacted: follow_story,
    EvidenceAdded: follow_story,
    ProgressNoted: follow_story,
    CaseHandled: follow_story,
    CaseEscalated: follow_story,
    EscalationVoided: follow_story,
    CaseReassigned: follow_story,
    CaseReturned: follow_story,
    ReturnRuled: follow_story,
    CaseParked: follow_story,
    CaseUnparked: follow_story,
    DeadlineExtended: follow_story,
    DeadlineMissed: open_progress_call,
    NoticeFailed: link_never_sent,
}
