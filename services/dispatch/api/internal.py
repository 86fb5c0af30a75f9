"""What other services may ask: who comes, as far as the community shows it to residents."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.dispatch.api.doing import Sealing
from services.dispatch.handlers.on_the_way import still_to_go
from services.dispatch.handlers.records import known_case
from services.dispatch.rules.coming import who_comes
from services.dispatch.rules.facts import State
from shared.directory import Directory
from shared.routes import Tx, internal_only, router_for
from shared.things import Name, Person
from shared.vocabulary import Level, Post, Role

router = router_for("dispatch")


class WhoComes(BaseModel):
    """`post` and `role` always, once somebody has taken the case; the posted name and badge only where the community
    shows them. No phone number: nobody here has one. `eta_seconds` count from `eta_at`: from the last position on the
    way, else from when they were asked."""

    case_id: UUID
    post: Post | None = None
    role: Role | None = None
    name: Name | None = None
    badge: str | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    eta_seconds: int | None = None
    eta_at: datetime | None = None


@router.get("/internal/who-comes/{case_id}", dependencies=[internal_only()])
async def coming(case_id: UUID, tx: Tx, sealer: Sealing) -> WhoComes:
    """For the resident's page and messages."""
    state = await known_case(tx, case_id)
    offer = who_comes(state)
    if offer is None:
        return WhoComes(case_id=case_id)
    person = tx.directory.people.get(offer.person_id)
    shown = person if person is not None and _shows_names(state, tx.directory) else None
    eta_seconds, eta_at = await still_to_go(tx, state, offer, sealer)
    return WhoComes(
        case_id=case_id,
        post=offer.post,
        role=_role(person, offer.unit_id, tx.directory),
        name=shown.name if shown else None,
        badge=shown.badge if shown else None,
        accepted_at=offer.accepted_at,
        arrived_at=offer.arrived_at,
        eta_seconds=eta_seconds,
        eta_at=eta_at,
    )


def _shows_names(state: State, directory: Directory) -> bool:
    """A setting of the community where the case is; without a community nothing is shown."""
    path = [directory.units[unit_id] for unit_id in state.case.unit_path if unit_id in directory.units]
    return any(unit.level is Level.COMMUNITY and unit.shows_posted_names for unit in path)


def _role(person: Person | None, unit_id: str, directory: Directory) -> Role | None:
    """The role by which they came: held in the unit they were asked for, or above it."""
    grants = person.grants if person is not None else ()
    here = [grant.role for grant in grants if directory.covers(grant.unit_id, unit_id)]
    return next(iter([*here, *(grant.role for grant in grants)]), None)
