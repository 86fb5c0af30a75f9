"""Who may do the work of a case, and who may read about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from services.dispatch.rules.facts import State
from services.dispatch.rules.work import Doer
from services.dispatch.settings import Settings
from shared.directory import Directory
from shared.files import Files
from shared.identity import SignedIn
from shared.routes import Caller, service_of
from shared.sealing import Sealer
from shared.vocabulary import Channel, Role

WORKING = (
    Role.GRID_WORKER,
    Role.GRID_LEADER,
    Role.BUILDING_HEAD,
    Role.RESIDENT_GROUP_LEADER,
    Role.VOLUNTEER,
    Role.SOCIAL_WORKER,
    Role.BEAT_POLICE,
    Role.PROPERTY_MANAGER,
    Role.UNIT_OFFICER,
)
"""Who may be offered a case; whether they hold this one is a rule of the case, not of the route."""

WATCHING = (Role.UNIT_OFFICER, Role.SUPERVISOR, Role.GRID_LEADER, Role.OPERATOR, Role.FOLLOW_UP_CALLER)
"""Who may read every case of their unit and below it."""

SUPERVISING = (Role.SUPERVISOR, Role.UNIT_OFFICER)
"""Who is shown what is odd about entries, in their unit and below it; but never of a case they had a part of."""


async def _doer(who: Caller) -> Doer:
    role = next((role for role in WORKING if who.has_role(role)), None)
    return Doer(who.actor(role), Channel.DESK if role is Role.UNIT_OFFICER else Channel.MOBILE)


def _sealer(request: Request) -> Sealer:
    return service_of(request).sealer


def _files(request: Request) -> Files:
    return service_of(request).files


def settings_of(request: Request) -> Settings:
    settings = service_of(request).settings
    if not isinstance(settings, Settings):
        raise TypeError("dispatch was assembled with the settings of another service")
    return settings


Doing = Annotated[Doer, Depends(_doer)]
"""The caller as somebody who works on cases: officers at their desk, everybody else on the phone."""

Sealing = Annotated[Sealer, Depends(_sealer)]
Store = Annotated[Files, Depends(_files)]


def must_see(who: SignedIn, state: State, directory: Directory) -> None:
    """Who is asked now, holds it or held it, and those who watch over its unit; 403 for anybody else. Having been
    asked once is no reason to read on."""
    if not state.concerns(who.person_id):
        who.must(WATCHING, state.case.lowest_unit_id, directory)


def may_supervise(who: SignedIn, state: State, directory: Directory) -> bool:
    """Nobody supervises what they did themselves."""
    if state.took_part(who.person_id):
        return False
    return any(who.may(role, state.case.lowest_unit_id, directory) for role in SUPERVISING)
