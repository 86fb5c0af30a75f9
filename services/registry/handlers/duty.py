"""Going on and off duty by oneself."""

from __future__ import annotations

from datetime import datetime

from services.registry.commands import GoOnDuty
from services.registry.handlers.things import put_things
from services.registry.queries import things as stored
from services.registry.rules import duty
from shared.database import Transaction
from shared.events.things import REGISTRY_SUBJECT
from shared.identity import SignedIn
from shared.problems import Problem
from shared.things import Person, Shift
from shared.vocabulary import Channel


async def go_on_duty(tx: Transaction, command: GoOnDuty, who: SignedIn) -> Shift:
    """Make a shift from now on, or stay longer on the running one."""
    now = await tx.lock(REGISTRY_SUBJECT)
    if command.until.tzinfo is None or not duty.may_stay_until(now, command.until):
        raise Problem(
            422,
            "until-out-of-range",
            "下班时间不合适 / This end of the shift is not possible",
            detail=f"须在现在之后、{duty.SHIFT_HOURS_MAX} 小时之内，并带时区"
            f" / Choose a time with a zone, after now and within {duty.SHIFT_HOURS_MAX} hours",
            now=now.isoformat(),
        )
    person = await _person(tx, who.person_id)
    shift = duty.on_duty(person, await stored.shifts_now(tx, person.id, now), now, command.until)
    if shift is None:
        raise Problem(
            409,
            "no-post",
            "您没有岗位，无法上岗 / You hold no post, so you cannot be on duty",
            detail="请管理员先安排岗位 / Ask an administrator for a post first",
        )
    await _put(tx, [shift], who)
    return shift


async def go_off_duty(tx: Transaction, who: SignedIn) -> list[Shift]:
    """End every running shift now; none running is no error, because a phone may repeat itself."""
    now: datetime = await tx.lock(REGISTRY_SUBJECT)
    ended = duty.off_duty(await stored.shifts_now(tx, who.person_id, now), now)
    await _put(tx, ended, who)
    return ended


async def _person(tx: Transaction, person_id: str) -> Person:
    found = await stored.one(tx, Person, person_id)
    if found is None or found[0].retired_at is not None:
        raise Problem(404, "not-found", "登记中没有您 / The registry does not know you")
    return found[0]


async def _put(tx: Transaction, shifts: list[Shift], who: SignedIn) -> None:
    await put_things(tx, shifts, who.actor(), Channel.MOBILE)
