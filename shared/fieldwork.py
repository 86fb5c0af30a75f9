"""The terms of the work that is no case: the grids' rounds and the mass tasks. Beside vocabulary.py, and like it in
docs/glossary.md.
"""

from __future__ import annotations

from enum import StrEnum


class StopKind(StrEnum):
    """例行任务: a patrol point 巡查点, or a visit 走访 to somebody in need."""

    PATROL_POINT = "patrol_point"
    VISIT = "visit"


class PeriodUnit(StrEnum):
    """周期: every so many days, or so many times a week or a month."""

    DAYS = "days"
    WEEK = "week"
    MONTH = "month"


class NotDoneReason(StrEnum):
    """Why a stop of the round, or somebody of a mass task, was not done. COUNTED_ONLY are never entered."""

    NOT_REACHED = "not_reached"
    NOT_HOME = "not_home"
    MOVED_AWAY = "moved_away"
    REFUSED = "refused"
    ILL = "ill"
    DONE_ELSEWHERE = "done_elsewhere"
    WRONG_ENTRY = "wrong_entry"
    NO_ACCESS = "no_access"
    WEATHER = "weather"
    CALLED_AWAY = "called_away"
    OTHER = "other"
    TAKEN_BACK = "taken_back"


COUNTED_ONLY = frozenset({NotDoneReason.NOT_REACHED, NotDoneReason.TAKEN_BACK})
"""Nobody has tried yet; or it was entered as done, which was wrong."""
