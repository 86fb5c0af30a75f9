"""Escalation: the clocks of a case and the level it stands at.

Owns: every deadline of a case, its level, the raises up the ladder and their voids, supervision orders.
Listens to: CaseRegistered, CaseAccepted, WorkerArrived, ResidentContacted, CaseHandled, PartEnded, FollowUpRecorded,
CaseReopened, CaseClosed.
Publishes: DeadlinesSet, DeadlineAmber, DeadlineMissed, DeadlinesCleared, CaseEscalated, EscalationVoided,
SupervisionOrdered.
Promises: deadlines are absolute; one not met fires once, never early, and says how late; a case nobody took is raised
like any other; the last level is never skipped.
"""
