"""Who may do what about a case's time and level, and which version of the case they looked at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends, Header

from services.escalation.handlers.refusals import cannot
from services.escalation.rules.case import Case
from services.escalation.rules.clocks import By
from shared.directory import Directory
from shared.identity import SignedIn, not_allowed
from shared.problems import Problem
from shared.vocabulary import Channel, Role

IN_CHARGE = (Role.UNIT_OFFICER, Role.SUPERVISOR)
"""May raise any case of their unit and below, and read what was written about it."""

WATCHING = (*IN_CHARGE, Role.GRID_LEADER, Role.OPERATOR, Role.ADMINISTRATOR)
"""May see clocks, levels and who raised a case of their unit and below; so may whoever holds a part of it."""

SEEING = (*WATCHING, Role.READER)
"""The same without names."""

SENT = (
    Role.GRID_WORKER,
    Role.GRID_LEADER,
    Role.BUILDING_HEAD,
    Role.RESIDENT_GROUP_LEADER,
    Role.VOLUNTEER,
    Role.SOCIAL_WORKER,
    Role.BEAT_POLICE,
    Role.PROPERTY_MANAGER,
)
"""May hold a case of another unit as well, so a refusal may only mean that we have not heard of it yet."""

ANSWERING = (Role.UNIT_OFFICER, Role.GRID_LEADER)
"""Speak for a unit under supervision."""

SIMULATING = (Role.ADMINISTRATOR, Role.SUPERVISOR)


def in_charge(found: Case, who: SignedIn, directory: Directory) -> Role | None:
    """Officers and supervisors of the case's lowest unit, of any above that, and of the one that has it now."""
    held = (role for role in IN_CHARGE if who.may(role, found.ladder[0].unit_id, directory))
    here = (role for role in IN_CHARGE if who.may(role, found.unit_id, directory))
    return next(held, next(here, None))


def holds(found: Case, who: SignedIn) -> bool:
    return any(holder.person_id == who.person_id for holder in found.holders)


def owns(found: Case, who: SignedIn) -> bool:
    return found.owner is not None and found.owner.person_id == who.person_id


def by(who: SignedIn, role: Role | None) -> By:
    """A holder acts on the way; whoever acts in a role, from a desk."""
    return By(who.actor(role), Channel.MOBILE if role is None else Channel.DESK)


def who_raises(found: Case, who: SignedIn, directory: Directory) -> Role | None:
    """The role in which somebody raises the case; `None` for a holder. 403, or 409 where waiting may help."""
    if holds(found, who):
        return None
    role = in_charge(found, who, directory)
    if role is None:
        raise cannot("holder-unknown") if who.has_role(*SENT) else not_allowed(IN_CHARGE)
    return role


def must_own(found: Case, who: SignedIn) -> None:
    """The owner's part at the level the case stands at: 409 where it may not be known yet, 403 for a desk."""
    if not owns(found, who):
        known_here = who.has_role(*SENT, Role.UNIT_OFFICER)
        raise cannot("holder-unknown") if known_here else not_allowed(SENT)


def must_rule(unit_id: str, who: SignedIn, directory: Directory, *, not_by: str | None) -> Role:
    """An officer or supervisor of the unit that decides, and never whoever asked."""
    role = who.must(IN_CHARGE, unit_id, directory)
    if who.person_id == not_by:
        title = "不能审批自己的申请 / Nobody decides what they asked for themselves"
        raise Problem(
            403, "own-request", title, detail="请由本单位其他人审批 / Somebody else of the unit decides"
        )
    return role


def approves(found: Case, who: SignedIn, directory: Directory) -> bool:
    """A supervisor of the unit that has the case, or an officer one level up."""
    above = found.above(found.level)
    is_above = above.level is not found.level and who.may(Role.UNIT_OFFICER, above.unit_id, directory)
    return is_above or who.may(Role.SUPERVISOR, found.unit_id, directory)


def must_not_be_next_door(
    named: Iterable[str], unit_id: str, role: Role, who: SignedIn, directory: Directory
) -> None:
    """403 where none of the units named is one that `unit_id` may hand something to: its own, one below or above it, a
    department of theirs, or whatever else the caller has charge of."""
    if not any(not _next_door(one, unit_id, directory) or who.may(role, one, directory) for one in named):
        title = "那是别的辖区 / That is next door"
        detail = "请选择本单位、其上下级或部门 / Name your own unit, one above or below it, or a department"
        raise Problem(403, "next-door", title, detail=detail)


def _next_door(named: str, unit_id: str, directory: Directory) -> bool:
    """Whether it is, or belongs to, a rung beside the unit."""
    return any(
        one.level is not None
        and not directory.covers(one.id, unit_id)
        and not directory.covers(unit_id, one.id)
        for one in directory.path(named)
    )


def units_of(
    who: SignedIn, unit: str | None, directory: Directory, roles: tuple[Role, ...] = SEEING
) -> list[str]:
    """The unit and everything below, or all where the caller holds one of the roles."""
    if unit is not None:
        who.must(roles, unit, directory)
    tops = {unit} if unit else {grant.unit_id for grant in who.grants if grant.role in roles}
    return [one for one in directory.units if any(directory.covers(top, one) for top in tops)]


def _expected(if_match: Annotated[str | None, Header()] = None) -> int | None:
    """The version of the case that the caller looked at, as GET gave it in `ETag`."""
    if if_match is None or if_match.strip() == "*":
        return None
    version = if_match.strip().removeprefix("W/").strip('"')
    if not version.isdecimal():
        detail = "请使用查看工单时得到的 ETag / Use the ETag that came with the case"
        raise Problem(412, "changed-meanwhile", "版本不符 / That is no version of the case", detail=detail)
    return int(version)


Expected = Annotated[int | None, Depends(_expected)]
"""`If-Match`, optional: act only on the version of the case that was looked at."""


def etag(version: int) -> str:
    return f'"{version}"'
