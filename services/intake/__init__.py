"""Intake: takes a case in, keeps who asked for it, asks afterwards whether it was solved, and ends it.

Owns: the case's existence, number, public state, follow-up and end; the requester's personal data.
Listens to: what dispatch and escalation tell of the case, to keep its public state and to follow up on `handled`.
Publishes: CaseRegistered, FollowUpOpened, FollowUpRecorded, CaseReopened, CaseClosed.
Promises: 201 means committed; the same key never makes two cases; no case closes without a follow-up, three
attempts or a verification; names, phones and free text never leave unsealed but to who may and says why.
"""
