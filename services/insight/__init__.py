"""Insight: the read side.

Owns: one row per case with its follow-ups, rounds and who worked on it, its timeline; one row per alarm, per mass task
and per day of a grid's rounds; all folded from events. The definitions of the figures; snapshots of a period and the
months published, which stay as they were.
Listens to: every event of `yike.cases` about a case, and about an alarm AlarmRaised, AlarmAnswered, AlarmEnded,
AlarmNoticeDelivered, AlarmNoticeRead, AlarmNoticeFailed, AlarmNoticeReceived; MassTaskOpened, MassTaskSplit,
MassTaskClosed, RoundDayClosed and PlaceAdvised; the registry's things, for names and duty only.
Publishes: nothing.
Promises: no event is skipped unseen (a gap parks the case and alarms); folding the topic again gives the same rows;
what was snapshot or published never changes; nobody is ranked on one number.
"""
