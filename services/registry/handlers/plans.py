"""Changes entered now that become valid later: entered, listed, taken back, and applied by a timer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.registry import metrics
from services.registry.handlers.things import (
    as_meant,
    hold_still,
    in_whose_place,
    must_be_allowed,
    must_be_sound,
    put_things,
)
from services.registry.queries import ahead
from services.registry.queries import things as stored
from services.registry.rules import plans as rules
from services.registry.rules.plans import Plan, PlanFlaw, PlanState
from services.registry.rules.things import Known, Thing
from services.registry.rules.told import PlanNoted
from shared.database import Transaction
from shared.event import Actor
from shared.events.things import REGISTRY_SUBJECT
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.problems import Problem, not_found
from shared.timers import Due
from shared.vocabulary import ActorKind, Channel, Role

BECOMES_VALID = "planned_change"
PLANS_WAITING_MAX = 500

log = logging.getLogger(__name__)


async def plan_change(tx: Transaction, things: Sequence[Thing], valid_from: datetime, who: SignedIn) -> Plan:
    """Enter what becomes valid at `valid_from`; checked against the registry as it will be by then."""
    now = await hold_still(tx)
    if not rules.may_begin(valid_from, now):
        raise _out_of_range(now)
    if await ahead.plans_waiting(tx) >= PLANS_WAITING_MAX:
        raise _too_many()
    earlier = await ahead.plans_until(tx, valid_from)
    roles_then = rules.after_all(earlier, await _known_then(tx, [], earlier, None)).roles
    wanted = await as_meant(tx, things, roles_then)
    known = await _known_then(tx, wanted, earlier, who.person_id)
    plan = Plan(
        id=uuid7(),
        state=PlanState.PLANNED,
        valid_from=valid_from,
        things=rules.planned(wanted, known),
        planned_by=who.person_id,
        planned_at=now,
    )
    if not plan.things:
        raise _nothing_changes()
    then = rules.after_all(earlier, known)
    must_be_sound(rules.become(plan.things, then), then)
    # Rights are today's; where things stand then is what they are needed for.
    as_now = replace(then, people={**then.people, **known.people})
    actor = _allowed(who, wanted, as_now, now)
    plan = plan.model_copy(update={"on_behalf_of": actor.on_behalf_of})
    await _keep(tx, plan, now, actor, Channel.DESK)
    tx.arm(REGISTRY_SUBJECT, BECOMES_VALID, valid_from, plan.id)
    return plan


async def cancel_plan(tx: Transaction, id: UUID, who: SignedIn) -> Plan:
    """Take a plan back; twice is no error. Whoever may make all of its changes may take it back."""
    now = await hold_still(tx)
    if (plan := await ahead.plan(tx, id)) is None:
        raise not_found()
    if plan.state is PlanState.CANCELLED:
        return plan
    if plan.state is not PlanState.PLANNED:
        raise Problem(
            409,
            "plan-over",
            "该计划已经生效或已被拒绝 / This plan is over",
            detail="如需恢复，请直接修改或另订计划 / To undo it, change the thing now or plan another change",
            state=plan.state,
        )
    known = await _known_then(tx, [], [plan], who.person_id)
    actor = _allowed(who, rules.become(plan.things, known), known, now)
    ended = {"state": PlanState.CANCELLED, "ended_at": now, "ended_by": who.person_id}
    plan = plan.model_copy(update=ended)
    await _keep(tx, plan, now, actor, Channel.DESK)
    tx.disarm(REGISTRY_SUBJECT, BECOMES_VALID, plan.id)
    return plan


async def apply_plan(tx: Transaction, due: Due, now: datetime) -> None:
    """A plan becomes valid. What no longer fits is refused with its reasons, and stands in the list of plans."""
    plan = await ahead.plan(tx, due.part_id) if due.part_id is not None else None
    if plan is None or plan.state is not PlanState.PLANNED:
        return
    actor = Actor(
        kind=ActorKind.STAFF,
        person_id=plan.planned_by,
        role=Role.ADMINISTRATOR,
        on_behalf_of=plan.on_behalf_of,
    )
    known = await _known_then(tx, [], [plan], None)
    try:
        revision = await put_things(tx, rules.become(plan.things, known), actor, Channel.SYSTEM)
        ended = {"state": PlanState.APPLIED, "revision": revision}
    except Problem as refused:
        log.warning("the plan %s was refused when it became valid: %s", plan.id, refused.extra.get("flaws"))
        flaws = tuple(PlanFlaw.model_validate(flaw) for flaw in refused.extra.get("flaws", ()))
        ended = {"state": PlanState.REFUSED, "flaws": flaws}
    metrics.PLANS.labels(end=ended["state"]).inc()
    plan = plan.model_copy(update={**ended, "ended_at": now})
    await _keep(tx, plan, now, actor, Channel.SYSTEM)


async def _known_then(
    tx: Transaction, things: Sequence[Thing], plans: Sequence[Plan], person_id: str | None
) -> Known:
    """As much as `things` and those of `plans` refer to."""
    changes = [change for plan in plans for change in plan.things]
    now_there = await stored.under(tx, [(rules.KIND_OF_NAME[change.kind], change.id) for change in changes])
    theirs = rules.become(changes, now_there)
    return await stored.known_about(tx, [*things, *theirs], person_id)


def _allowed(who: SignedIn, things: Sequence[Thing], known: Known, now: datetime) -> Actor:
    """Who plans it, if they may change all of it now."""
    must_be_allowed(who.person_id, things, known, now)
    return in_whose_place(who.actor(Role.ADMINISTRATOR), who.person_id, things, known, now)


async def _keep(tx: Transaction, plan: Plan, now: datetime, actor: Actor, channel: Channel) -> None:
    await ahead.save_plan(tx, plan)
    tx.note(PlanNoted(at=now, actor=actor, channel=channel, plan=plan))


def _out_of_range(now: datetime) -> Problem:
    return Problem(
        422,
        "valid-from-out-of-range",
        "生效时间不合适 / This time of becoming valid is not possible",
        detail=f"须晚于现在、在 {rules.AHEAD_DAYS_MAX} 天之内并带时区；立即生效请直接修改"
        f" / Choose a time with a zone, after now and within {rules.AHEAD_DAYS_MAX} days;"
        " for a change that is valid at once, put it directly",
        now=now.isoformat(),
    )


def _too_many() -> Problem:
    return Problem(
        409,
        "too-many-plans",
        f"未生效的计划已达 {PLANS_WAITING_MAX} 个 / {PLANS_WAITING_MAX} plans are waiting already",
        detail="请合并或取消一些计划 / Join some of them in one, or cancel some",
    )


def _nothing_changes() -> Problem:
    return Problem(
        422,
        "nothing-changes",
        "与现状相同，无需计划 / Everything is so already",
        detail="请检查要改的内容 / Check what was to be changed",
    )
