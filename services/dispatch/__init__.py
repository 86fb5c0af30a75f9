"""Dispatch: who goes, and who holds a case.

Owns: parts, offers, acceptance, arrival, evidence, notes, `handled`; returns, tasks, requests for help, hand-overs,
corrections and flags; calls for help (SOS); positions taken at accept and arrive, and on the way to an emergency.
Beside the cases: the grids' rounds by period, mass tasks split over many workers, and advice where free people might
wait.
Listens to: CaseRegistered, CaseAmended, CaseMerged, CaseUnmerged, CaseWithdrawn, CaseReopened, CaseClosed,
InformationAsked, InformationGiven, AppointmentAgreed, RequesterErased, CaseEscalated, EscalationVoided, ReturnRuled,
CaseParked, CaseUnparked, ExtensionAsked, DeadlineExtended, ExtensionRefused, and the registry's things.
Publishes: CaseOffered, OfferDeclined, OfferLapsed, OfferWithdrawn, CaseAccepted, WorkerArrived, ResidentContacted,
EvidenceAdded, ProgressNoted, CaseHandled, PartHandled, PartEnded, NobodyAvailable, CaseReturned, CaseHandedDown,
CoHandlerAsked, HelpRequested, HelpAnswered, CaseReassigned, EntryFlagged, EntryCorrected, DeviceTimeAccepted,
AlarmRaised, AlarmAnswered, AlarmEnded, MassTaskOpened, MassTaskSplit, MassTaskClosed, RoundDayClosed, PlaceAdvised.
Promises: one live offer or acceptance per part, one live emergency per person who goes, a search that never ends
while a case is open, and no emergency `handled` before its musts are met. Who is offered a case: matching/.
"""
