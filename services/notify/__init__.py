"""Notify: tells people.

Owns: each person's feed, every message sent and what became of it, what was read.
Listens to: what somebody must know or what keeps its replica of a case true: CaseRegistered, CaseOffered,
OfferDeclined, OfferLapsed, OfferWithdrawn, CaseAccepted, CaseHandled, PartEnded, NobodyAvailable, DeadlinesSet,
DeadlineAmber, DeadlineMissed, DeadlinesCleared, CaseEscalated, EscalationVoided, SupervisionOrdered, FollowUpOpened,
CaseReopened, CaseClosed; and the registry's things, for people, posts and languages.
Publishes: NoticeDelivered, NoticeRead, NoticeFailed.
Promises: at least once under one idempotency key per notice; a feed that resumes without loss or repetition; no
requester's address kept anywhere.
"""
