"""Dispatch: who goes, and who holds a case.

Owns: parts, offers, acceptance, arrival, evidence, notes, `handled`; positions taken at accept and arrive.
Listens to: CaseRegistered, CaseEscalated, CaseReopened, CaseClosed, and the registry's things.
Publishes: CaseOffered, OfferDeclined, OfferLapsed, OfferWithdrawn, CaseAccepted, WorkerArrived, ResidentContacted,
EvidenceAdded, ProgressNoted, CaseHandled, PartEnded, NobodyAvailable.
Promises: one live offer or acceptance per part, one live emergency per person who goes, a search that never ends
while a case is open, and no emergency `handled` before its musts are met. Who is offered a case: matching.py.
"""
