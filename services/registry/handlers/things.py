"""Changing what the registry knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.registry import metrics
from services.registry.queries import things as stored
from services.registry.rules.delegation import still_lent
from services.registry.rules.flaws import Flaw, flaws, unknown_roles
from services.registry.rules.things import (
    Known,
    Thing,
    changed,
    first_not_allowed,
    id_of,
    kind_name,
    kind_of,
    may_act,
    plain,
    stamped,
    with_its_delegations,
)
from shared.database import Transaction
from shared.event import SYSTEM, Actor
from shared.events.things import REGISTRY_SUBJECT
from shared.identity import SignedIn, not_allowed
from shared.problems import Problem
from shared.things import Grant, JobRole, Person
from shared.vocabulary import Channel, Role

FLAWS_SHOWN_MAX = 50


async def hold_still(tx: Transaction) -> datetime:
    """Nobody changes the registry until this transaction ends; business time."""
    return await tx.lock(REGISTRY_SUBJECT)


async def change_things(tx: Transaction, things: Sequence[Thing], who: SignedIn, channel: Channel) -> int:
    """Put `things` into the registry for an administrator, within the units they administer."""
    return await _put(tx, things, who.actor(Role.ADMINISTRATOR), channel, asker_id=who.person_id)


async def put_things(
    tx: Transaction,
    things: Sequence[Thing],
    actor: Actor = SYSTEM,
    channel: Channel = Channel.SYSTEM,
    *,
    lending: bool = False,
) -> int:
    """Make the registry hold `things`, all of them or none; the revision after it.

    What is stored already as it is makes no change, no revision and no event. Only with `lending` does it change what
    people were lent: whoever may change a person must not give them somebody else's rights by it.
    """
    return await _put(tx, things, actor, channel, asker_id=None, lending=lending)


async def _put(
    tx: Transaction,
    things: Sequence[Thing],
    actor: Actor,
    channel: Channel,
    asker_id: str | None,
    *,
    lending: bool = False,
) -> int:
    now = await tx.lock(REGISTRY_SUBJECT)
    meant = await as_meant(tx, _last_of_each(things))
    candidates = await stored.really_changed(tx, [*meant, *await _holders_of_changed(tx, meant)])
    before = await stored.known_about(tx, candidates, asker_id)
    wanted = candidates if lending else [with_its_delegations(thing, before) for thing in candidates]
    final = [stamped(thing, before.get(thing), now) for thing in wanted]
    new = [thing for thing in final if thing != before.get(thing)]
    must_be_sound(new, before)
    must_be_allowed(asker_id, new, before, now)
    actor = in_whose_place(actor, asker_id, new, before, now)
    revision = await stored.revision(tx)
    await stored.save(tx, new, revision + 1)
    tx.announce(*(changed(thing, now, actor, channel) for thing in new))
    _count(new)
    return revision + len(new)


def _last_of_each(things: Sequence[Thing]) -> list[Thing]:
    return list({(kind_of(thing), id_of(thing)): thing for thing in things}.values())


async def as_meant(
    tx: Transaction, things: Sequence[Thing], planned: Mapping[str, JobRole] = {}
) -> list[Thing]:
    """The things themselves, people with the powers of the roles they are given: as these are now, or will be by
    `planned` or by `things` themselves."""
    roles: dict[str, JobRole] = {}
    if any(isinstance(thing, Person) for thing in things):
        new = {thing.id: thing for thing in things if isinstance(thing, JobRole)}
        roles = {**await stored.roles(tx), **planned, **new}
    if found := unknown_roles(things, roles):
        raise _flawed(found)
    return [plain(thing, roles) for thing in things]


async def _holders_of_changed(tx: Transaction, things: Sequence[Thing]) -> list[Thing]:
    """Who has other powers by what `things` make of the roles they hold, and is not among `things` already."""
    new = {thing.id: thing for thing in things if isinstance(thing, JobRole)}
    roles = await stored.roles(tx) if new else {}
    changed = [id for id, role in new.items() if id in roles and roles[id].powers != role.powers]
    named = {thing.id for thing in things if isinstance(thing, Person)}
    holders = await stored.holders(tx, changed) if changed else []
    return [plain(person, {**roles, **new}) for person in holders if person.id not in named]


def must_be_allowed(person_id: str | None, new: Sequence[Thing], before: Known, now: datetime) -> None:
    """Rights are those the registry knows now, not those of a token made a while ago."""
    if person_id is None:
        return
    if (thing := first_not_allowed(rights_of(person_id, before, now), new, before)) is not None:
        raise Problem(
            403,
            "forbidden",
            "没有权限 / Not allowed",
            detail=f"{id_of(thing)} 不在您管理的单位之内 / {id_of(thing)} is not within the units you administer",
            roles=[Role.ADMINISTRATOR],
        )


def rights_of(person_id: str, known: Known, now: datetime) -> tuple[Grant, ...]:
    """What a person may do by what is known, with what is lent to them now; nothing for one who is retired."""
    person = known.people.get(person_id)
    if person is None or person.retired_at is not None:
        return ()
    return (*person.grants, *(grant for grant, _ in still_lent(person, known, now)))


def in_whose_place(
    actor: Actor, person_id: str | None, new: Sequence[Thing], before: Known, now: datetime
) -> Actor:
    """Who changes by a lent role what they may not change by their own is named with the lender."""
    person = before.people.get(person_id or "")
    if person is None or first_not_allowed(person.grants, new, before) is None:
        return actor
    lenders = (id for grant, id in still_lent(person, before, now) if grant.role is Role.ADMINISTRATOR)
    return actor.model_copy(update={"on_behalf_of": next(lenders, None)})


def actor_in(
    who: SignedIn, roles: Sequence[Role], unit_ids: Sequence[str], known: Known, now: datetime
) -> Actor:
    """`who`, as what they may act in all of these units, with the lender where their own roles do not reach; 403
    where neither does."""

    def may(grants: Sequence[Grant], roles: Sequence[Role]) -> bool:
        return bool(unit_ids) and all(may_act(grants, roles, unit_id, known) for unit_id in unit_ids)

    rights = rights_of(who.person_id, known, now)
    if not may(rights, roles):
        raise not_allowed(roles)
    person = known.people[who.person_id]
    used = person.grants if may(person.grants, roles) else rights
    actor = who.actor(next((role for role in roles if may(used, [role])), None))
    if who.done_by is not None:
        return actor
    lent = still_lent(person, known, now) if used is rights else []
    lenders = (id for grant, id in lent if any(may_act([grant], roles, at, known) for at in unit_ids))
    return actor.model_copy(update={"on_behalf_of": next(lenders, None)})


def must_be_sound(new: Sequence[Thing], before: Known) -> None:
    if found := flaws(new, before):
        raise _flawed(found)


def _flawed(found: Sequence[Flaw]) -> Problem:
    metrics.REFUSED_CHANGES.labels(flaw=found[0].code).inc()
    return Problem(
        422,
        "things-flawed",
        "改动有误，未作任何更改 / The change has flaws; nothing was changed",
        flaws=[vars(flaw) for flaw in found[:FLAWS_SHOWN_MAX]],
        flaws_found=len(found),
    )


def _count(new: Sequence[Thing]) -> None:
    for thing in new:
        metrics.CHANGES.labels(thing=kind_name(thing)).inc()
