"""委托: whether a person may lend roles to another, and what of it still counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from services.registry.rules.things import Known
from shared.things import Delegation, Grant, Person

PERIOD_DAYS_MAX = 90
RUNNING_MAX = 20
"""How many delegations one person may have running, lent or borrowed."""


def unfit_because(
    lender: Person, borrower: Person, wanted: Delegation, running: int, known: Known, now: datetime
) -> tuple[str, str] | None:
    """Why it may not be: a code for programs, and words. Only what one holds oneself may be lent, so nothing is lent
    on."""
    if borrower.id == lender.id:
        return "to-oneself", "不能委托给自己 / Not to oneself"
    if borrower.retired_at is not None:
        return "borrower-left", "受托人已停用 / That person has left"
    if not wanted.grants:
        return "nothing-lent", "须写明委托的角色和单位 / Say which roles, in which units"
    if wanted.starts_at.tzinfo is None or wanted.ends_at.tzinfo is None:
        return "no-time-zone", "时间须带时区 / Times need a time zone"
    if not wanted.starts_at < wanted.ends_at or wanted.ends_at <= now:
        return "period-over", "结束须晚于开始和现在 / It has to end after its beginning, and after now"
    if wanted.ends_at - max(wanted.starts_at, now) > timedelta(days=PERIOD_DAYS_MAX):
        return "period-too-long", f"不得超过 {PERIOD_DAYS_MAX} 天 / {PERIOD_DAYS_MAX} days at most"
    if not all(holds(lender.grants, grant, known) for grant in wanted.grants):
        return "not-yours", "只能委托自己持有的角色 / You may lend only what you hold yourself"
    if running >= RUNNING_MAX:
        return "too-many", f"最多同时 {RUNNING_MAX} 项委托 / {RUNNING_MAX} at a time at most"
    return None


def holds(grants: Iterable[Grant], wanted: Grant, known: Known) -> bool:
    """Whether one of `grants` is the same power in the unit or above it, and held as what `wanted` says it is."""
    above = known.path(wanted.unit_id)
    return any(
        grant.role == wanted.role and grant.unit_id in above and wanted.held_as in (None, grant.held_as)
        for grant in grants
    )


def running(acts_for: Sequence[Delegation], now: datetime) -> tuple[Delegation, ...]:
    """Those that have not ended; what has is dropped with the next change."""
    return tuple(delegation for delegation in acts_for if now < delegation.ends_at)


def still_lent(person: Person, known: Known, now: datetime) -> list[tuple[Grant, str]]:
    """What `person` was lent and may use now, with whose it is; who leaves or loses a role takes along what hangs on
    it. As far as `known` has the lenders and the units."""
    return [
        (grant, delegation.person_id)
        for delegation in person.acts_for
        if delegation.starts_at <= now < delegation.ends_at
        for grant in delegation.grants
        if (lender := known.people.get(delegation.person_id)) is not None
        and lender.retired_at is None
        and holds(lender.grants, grant, known)
    ]
