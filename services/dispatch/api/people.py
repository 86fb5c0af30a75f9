"""交接: all that a person holds goes to somebody else."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from services.dispatch.api.doing import WORKING
from services.dispatch.commands import HandOver
from services.dispatch.handlers.hand_over import hand_over
from services.dispatch.handlers.records import refuse
from services.dispatch.rules import refusals
from services.dispatch.rules.work import Doer
from shared.directory import Directory
from shared.identity import SignedIn, not_allowed
from shared.problems import not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Person
from shared.vocabulary import Channel, Role

router = router_for("dispatch")

GIVING = (Role.GRID_LEADER, Role.UNIT_OFFICER, Role.SUPERVISOR)
"""Who may give away what others hold, in their unit and below it."""


class HandOverAnswer(BaseModel):
    """`kept_part_ids` stay: emergencies under way when a shift ends."""

    person_id: str
    to_person_id: str | None
    part_ids: list[UUID]
    kept_part_ids: list[UUID]


@router.post("/people/{person_id}/hand-over", dependencies=[allow(*WORKING, *GIVING)])
async def give(person_id: str, body: HandOver, tx: Tx, who: Caller) -> HandOverAnswer:
    """By the person, or by who leads them. Without `to_person_id` everything is searched anew; what has to be taken up
    within minutes is offered to whoever is named, the rest is theirs at once."""
    doer = _giver(who, person_id, tx.directory)
    if body.to_person_id is not None:
        _may_get(who, person_id, body.to_person_id, tx.directory)
    done = await hand_over(tx, person_id, body, doer)
    return HandOverAnswer(
        person_id=person_id,
        to_person_id=body.to_person_id,
        part_ids=list(done.part_ids),
        kept_part_ids=list(done.kept_part_ids),
    )


def _giver(who: SignedIn, person_id: str, directory: Directory) -> Doer:
    if who.person_id == person_id:
        return Doer(who.actor(next((role for role in WORKING if who.has_role(role)), None)))
    person = directory.people.get(person_id)
    if person is None:
        raise not_found("没有这个人 / No such person")
    for unit_id in _units(person):
        for role in GIVING:
            if who.may(role, unit_id, directory):
                return Doer(who.actor(role), Channel.DESK)
    raise not_allowed(GIVING)


def _may_get(who: SignedIn, person_id: str, to: str, directory: Directory) -> None:
    """One gives to one's own unit; who leads gives to all they lead."""
    person, giver = directory.people.get(to), directory.people.get(person_id)
    if person is None or person.retired_at is not None or not _works(person):
        refuse(refusals.may_not_be_given(to))
    led = any(who.may(role, unit_id, directory) for role in GIVING for unit_id in _units(person))
    beside = giver is not None and bool({*_units(giver)} & {*_units(person)})
    if not led and not (who.person_id == person_id and beside):
        refuse(refusals.may_not_be_given(to))


def _works(person: Person) -> bool:
    return any(grant.role in WORKING for grant in person.grants)


def _units(person: Person) -> list[str]:
    return [post.unit_id for post in person.posts] or [grant.unit_id for grant in person.grants]
