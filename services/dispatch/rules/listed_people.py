"""Somebody on the list of a mass task: done, not done and why, tried again, or corrected. Every try stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.dispatch.rules.refusals import NOT_YOUR_ENTRY, Refused, correction_too_late
from shared.fieldwork import COUNTED_ONLY, NotDoneReason

FINAL = frozenset(
    {
        NotDoneReason.MOVED_AWAY,
        NotDoneReason.REFUSED,
        NotDoneReason.DONE_ELSEWHERE,
        NotDoneReason.WRONG_ENTRY,
    }
)
"""Nobody goes there again by himself; for every other reason somebody is still on a worker's list."""
TRIED_AGAIN = tuple(sorted(set(NotDoneReason) - FINAL - COUNTED_ONLY))


class ListedState(StrEnum):
    OPEN = "open"
    DONE = "done"
    NOT_DONE = "not_done"


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """`worker_id` is on whose list; `tried_by` who was there last."""

    id: UUID
    task_id: UUID
    grid_id: str
    state: ListedState
    worker_id: str | None = None
    reason: NotDoneReason | None = None
    tries: int = 0
    try_id: UUID | None = None
    tried_by: str | None = None
    tried_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Try:
    id: UUID
    person_id: str
    at: datetime
    done: bool
    reason: NotDoneReason | None = None


def done_already(by: str | None) -> Refused:
    return Refused(
        "done-already",
        "此人已完成 / This one is done",
        f"由 {by} 完成；如记错请由其更正 / {by} did it; if that is wrong, they correct it",
        {"done_by": by},
    )


def not_on_your_list(worker_id: str | None) -> Refused:
    return Refused(
        "not-on-your-list",
        "此人不在您的名单上 / This one is not on your list",
        "请刷新名单；如已到过，请告诉名单上的人员 / Refresh your list; if you were there, tell whose list it is",
        {"worker_id": worker_id},
    )


def try_(listed: ListedPerson, now_try: Try, *, helps: bool) -> tuple[ListedPerson, Try] | Refused | None:
    """Entered by whose list it is, or by a colleague of the grid (`helps`). `None` changes nothing."""
    if listed.worker_id != now_try.person_id and not helps:
        return not_on_your_list(listed.worker_id)
    if listed.state is ListedState.DONE:
        same = now_try.done and listed.tried_by == now_try.person_id
        return None if same else done_already(listed.tried_by)
    return with_try(replace(listed, tries=listed.tries + 1), now_try), now_try


def with_try(listed: ListedPerson, last: Try | None) -> ListedPerson:
    """As the last try left it; as if nobody had been there without one."""
    if last is None:
        return replace(listed, state=ListedState.OPEN, reason=None, try_id=None, tried_by=None, tried_at=None)
    state = ListedState.DONE if last.done else ListedState.NOT_DONE
    return replace(
        listed,
        state=state,
        reason=last.reason,
        try_id=last.id,
        tried_by=last.person_id,
        tried_at=last.at,
    )


def correct(
    listed: ListedPerson,
    wrong: Try,
    before: Try | None,
    person_id: str,
    now: datetime,
    *,
    within_hours: int,
) -> ListedPerson | Refused:
    """更正: the wrong try stays and says so. As the latest it is as if it had not been, `before` being the one then."""
    if wrong.person_id != person_id:
        return NOT_YOUR_ENTRY
    if now - wrong.at > timedelta(hours=within_hours):
        return correction_too_late(within_hours)
    fewer = replace(listed, tries=listed.tries - 1)
    return with_try(fewer, before) if listed.try_id == wrong.id else fewer
