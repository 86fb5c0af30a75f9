"""Insight: the read side.

Owns: nothing that is true by itself; one row per case, its timeline, the figures and the board, all folded from events.
Listens to: every event of `yike.cases`; the registry's things, for names and duty only.
Publishes: nothing.
Promises: no event is skipped unseen (a gap parks the case and alarms); folding the topic again gives the same rows.
"""
