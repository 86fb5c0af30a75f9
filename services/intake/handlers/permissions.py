"""Who may do what with a case: roles over its units, and whoever held it."""

from __future__ import annotations

from collections.abc import Iterable

from services.intake.commands.changes import ConsentPurpose
from services.intake.handlers.refusals import problem_of
from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.directory import Directory
from shared.identity import SignedIn
from shared.vocabulary import CaseState, Role

MAY_REGISTER = (
    Role.OPERATOR,
    Role.GRID_WORKER,
    Role.GRID_LEADER,
    Role.BUILDING_HEAD,
    Role.RESIDENT_GROUP_LEADER,
    Role.VOLUNTEER,
    Role.SOCIAL_WORKER,
    Role.BEAT_POLICE,
    Role.PROPERTY_MANAGER,
    Role.UNIT_OFFICER,
    Role.SUPERVISOR,
)
MAY_ANSWER = (Role.OPERATOR, Role.UNIT_OFFICER, Role.SUPERVISOR, Role.SOCIAL_WORKER)
"""Whoever keeps a desk, a window or a walk-in post may end a case with an answer."""
MAY_REFUSE = (Role.OPERATOR, Role.UNIT_OFFICER, Role.SUPERVISOR)
MAY_READ_OUT = (Role.OPERATOR,)
"""The desk reads the pickup code out to whoever calls, and is sent no case."""
MAY_CHANGE = (Role.OPERATOR, Role.UNIT_OFFICER, Role.SUPERVISOR)
"""Amend, merge, withdraw for a caller; whoever holds the case may ask the requester and agree an appointment."""
MAY_SEE = (*MAY_REGISTER, Role.FOLLOW_UP_CALLER, Role.DATA_PROTECTION_OFFICER)
"""Masked. A reader sees figures only; an evaluator sees cases without names, elsewhere."""

MAY_REVEAL_IN_UNIT = (
    Role.OPERATOR,
    Role.UNIT_OFFICER,
    Role.SUPERVISOR,
    Role.FOLLOW_UP_CALLER,
    Role.DATA_PROTECTION_OFFICER,
)
"""By their office; a worker or a volunteer sees who asked only of a case they hold."""

MAY_EXPORT = MAY_ERASE = (Role.DATA_PROTECTION_OFFICER,)

MAY_SEARCH = MAY_REVEAL_IN_UNIT
"""A search reads what callers said, so it is for those who may see who asked."""

MAY_ASK = (Role.FOLLOW_UP_CALLER,)
MAY_READ_ANSWERS = (Role.SUPERVISOR, Role.FOLLOW_UP_CALLER, Role.UNIT_OFFICER, Role.DATA_PROTECTION_OFFICER)
MAY_VERIFY = (Role.FOLLOW_UP_CALLER, Role.SUPERVISOR, Role.UNIT_OFFICER)


def units_of(who: SignedIn, roles: Iterable[Role]) -> list[str]:
    """The units somebody holds one of these roles in; everything below them counts too."""
    return [grant.unit_id for grant in who.grants if grant.role in roles]


def must_see(who: SignedIn, case: Case, directory: Directory) -> None:
    if who.person_id not in case.holders:
        who.must(MAY_SEE, case.unit_id, directory)


def must_reveal(who: SignedIn, case: Case, directory: Directory) -> None:
    """Whoever holds it sees who asked while there is work to do. Once it is handled they may not, whatever their
    office: nobody who handled a case prepares the resident for the questions."""
    held = who.person_id in case.holders
    if held and case.state in {CaseState.HANDLED, CaseState.MERGED}:
        raise problem_of(Refused(RefusedBecause.ANSWERS_NOT_FOR_HOLDERS))
    if held and ConsentPurpose.SHARE_WITH_HANDLER in case.refused_consents:
        raise problem_of(Refused(RefusedBecause.NOT_SHARED))
    if not held:
        who.must(MAY_REVEAL_IN_UNIT, case.unit_id, directory)


def must_change(who: SignedIn, case: Case, directory: Directory) -> None:
    who.must(MAY_CHANGE, case.unit_id, directory)


def must_hold_or_change(who: SignedIn, case: Case, directory: Directory) -> None:
    if who.person_id not in case.holders:
        must_change(who, case, directory)
