"""Escalation: the clocks of a case and the level it stands at.

Owns: every deadline of a case, its level, the raises up the ladder and their voids, rulings on returns, extensions,
parkings, supervision orders, the daily list.
Listens to: CaseRegistered, CaseAmended, AppointmentAgreed, CaseMerged, CaseUnmerged, CaseWithdrawn, CaseAccepted,
WorkerArrived, ResidentContacted, CaseReturned, CaseHandedDown, CaseReassigned, CoHandlerAsked, PartHandled, PartEnded,
CaseHandled, FollowUpOpened, FollowUpRecorded, CaseReopened, CaseClosed, RequesterErased.
Publishes: DeadlinesSet, DeadlineAmber, DeadlineMissed, DeadlinesCleared, CaseEscalated, EscalationVoided, ReturnRuled,
ExtensionAsked, DeadlineExtended, ExtensionRefused, CaseParked, CaseUnparked, SupervisionOrdered, SupervisionAnswered,
ReplyGiven, CaseListed.
Promises: deadlines are absolute; one not met fires once, never early, and says how late; a case nobody took is raised
like any other; the last level is never skipped.
"""
