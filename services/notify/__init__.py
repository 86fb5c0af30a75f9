"""Notify: tells people.

Owns: each person's feed, every message sent and what became of it, what was read and received; how each person wants
to be told, the devices that may be pushed to, and the words of notices as administrators edit them.
Listens to: what somebody must know or what keeps its replica of a case true: CaseRegistered, CaseAmended, CaseUrged,
CaseMerged, CaseUnmerged, CaseAnswered, CaseNotAccepted, CaseWithdrawn, InformationAsked, InformationGiven,
AppointmentAgreed, AttachmentAdded, RequesterErased, FollowUpOpened, CaseReopened, CaseClosed; CaseOffered,
OfferDeclined, OfferLapsed, OfferWithdrawn, CaseAccepted, CaseHandled, PartEnded, PartHandled, NobodyAvailable,
HelpRequested, HelpAnswered, CaseReturned, CaseHandedDown, CaseReassigned, CoHandlerAsked, EntryFlagged,
EntryCorrected, DeviceTimeAccepted, AlarmRaised, AlarmAnswered, AlarmEnded, MassTaskOpened, MassTaskSplit,
MassTaskClosed, PlaceAdvised; DeadlinesSet, DeadlineAmber, DeadlineMissed, DeadlinesCleared, DeadlineExtended,
CaseEscalated, EscalationVoided, SupervisionOrdered, SupervisionAnswered, ReturnRuled, ExtensionAsked,
ExtensionRefused, CaseParked, CaseUnparked, ReplyGiven, CaseListed;
and the registry's things, for people, posts and languages, and for who is called in or acts for whom from now on.
Publishes: NoticeDelivered, NoticeRead, NoticeFailed, NoticeReceived, and of an alarm AlarmNoticeDelivered,
AlarmNoticeRead, AlarmNoticeFailed, AlarmNoticeReceived.
Promises: at least once under one idempotency key per notice; a feed that resumes without loss or repetition; an
urgent offer left unread goes on to the person's next channel; alarms first, and again until somebody answers; nothing
urgent and no offer waits for the morning; no requester's address kept anywhere, nor the name of who comes to them; no
person's number or device unsealed.
"""
