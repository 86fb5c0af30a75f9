"""Intake: takes a case in, keeps who asked for it, asks afterwards whether it was solved, and ends it.

Owns: the case's existence, number, public state, follow-up and end; the requester's personal data.
Listens to: CaseOffered, CaseAccepted, WorkerArrived, ResidentContacted, EvidenceAdded, ProgressNoted, CaseEscalated,
EscalationVoided, CaseReassigned, CaseReturned, ReturnRuled, CaseParked, CaseUnparked, DeadlineExtended, to keep the
case's public state; CaseHandled, to follow up; DeadlineMissed, to call a resident whose
case is not handled in time; NoticeFailed, for a link that reached nobody.
Publishes: CaseRegistered, CaseAnswered, CaseNotAccepted, CaseAmended, CaseUrged, CaseMerged, CaseUnmerged,
CaseWithdrawn, InformationAsked, InformationGiven, AppointmentAgreed, AttachmentAdded, FollowUpOpened, FollowUpRecorded,
CaseReopened, CaseClosed, RequesterErased.
Promises: 201 means committed; the same key never makes two cases; no case closes without a follow-up, three
attempts or a verification; names, phones and free text never leave unsealed but to who may and says why.
"""
