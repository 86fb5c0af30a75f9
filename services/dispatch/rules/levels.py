"""The level of a case, which escalation decides: dispatch follows every raise and every void of the round, whatever
has become of the case meanwhile, so that a case that goes on (taken out of another, reopened) goes on where escalation
has it. Parts open and move only while the case is open.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.dispatch.rules.facts import Case, CaseState, Part, PartState, State, with_part
from services.dispatch.rules.parts import open_part, searched_anew
from shared.events.escalation import CaseEscalated, EscalationVoided, ReturnRuled
from shared.events.intake import Rung
from shared.vocabulary import EscalationCause, Level, PartRole

NOT_TAKEN = frozenset({PartState.WAITING, PartState.OFFERED})
"""Nobody has accepted the part yet."""


def escalated(state: State, event: CaseEscalated) -> State:
    """A raise of an older round is past. One that crossed an amendment leads to this ladder's own unit of its level:
    to none where the ladder has no such level (escalation takes that raise back), or where the case stands there."""
    before = state.case
    if event.round < before.round:
        return state
    rung = rung_at(before, event.to_level)
    reopened = event.cause is EscalationCause.REOPENED
    above = rung is not None and _place(before, rung.level) > _place(before, before.level)
    case = replace(before, round=event.round)
    if rung is not None and (above or reopened or before.state is not CaseState.OPEN):
        case = replace(case, level=rung.level, unit_id=rung.unit_id)
    state = replace(state, case=case)
    if case.state is not CaseState.OPEN or not (above or reopened) or _opened_already(state, event):
        return state
    below = tuple(_pass_on(part) for part in state.parts)
    owner = open_part(case, event.id, PartRole.OWNER, goes=False, at=event.at)
    return replace(state, parts=(*below, owner))


def voided(state: State, event: EscalationVoided) -> State:
    """Back where the case was before those raises. An officer who took it keeps it; an owner's part that nobody took
    is searched at that level."""
    if event.round != state.case.round:
        return state
    rung = rung_at(state.case, event.level) or state.case.ladder[0]
    if rung.level is state.case.level:
        return state
    case = replace(state.case, level=rung.level, unit_id=rung.unit_id)
    state = replace(state, case=case)
    owner = state.owner
    if case.state is not CaseState.OPEN or owner is None or owner.state not in NOT_TAKEN:
        return state
    return with_part(state, _moved_to(owner, state, event.at))


def _moved_to(owner: Part, state: State, at: datetime) -> Part:
    """Where somebody goes already, or is being searched for, the grid's own holder answers for it and stays."""
    case, others = state.case, [part for part in state.parts if part.id != owner.id]
    somebody_goes = any(part.goes and part.state is not PartState.ENDED for part in others)
    at_grid = case.level is Level.GRID
    return searched_anew(
        owner,
        at,
        level=case.level,
        unit_id=case.unit_id,
        goes=at_grid and not somebody_goes,
        own_people_only=at_grid and somebody_goes,
    )


def owner_instead(state: State, event: ReturnRuled) -> Part | None:
    """The owner's part that goes where the case is ruled to go, if a raise opened it after the return and nobody has
    taken it since the case came back to the level of the return."""
    owner, stands = state.owner, state.case.state is CaseState.OPEN and event.level is state.case.level
    if not (event.as_owner and stands) or owner is None or owner.id == event.part_id:
        return None
    return owner if owner.state in NOT_TAKEN else None


def rung_at(case: Case, level: Level) -> Rung | None:
    return next((rung for rung in case.ladder if rung.level is level), None)


def _place(case: Case, level: Level) -> int:
    return next((place for place, rung in enumerate(case.ladder) if rung.level is level), -1)


def _opened_already(state: State, event: CaseEscalated) -> bool:
    """The contest of an answer opened the part of this very unit; the raise that answers it says the same again."""
    owner = state.owner
    return (
        event.cause is EscalationCause.REOPENED
        and owner is not None
        and (owner.round, owner.unit_id) == (event.round, state.case.unit_id)
    )


def _pass_on(part: Part) -> Part:
    """Below a raise everybody who went, or is still being looked for, goes on beside the officer; an officer's
    part that nobody holds has lost its purpose."""
    if part.role is not PartRole.OWNER or part.state is PartState.ENDED:
        return part
    unneeded = part.state is PartState.WAITING and not part.goes
    return replace(part, role=PartRole.CO_HANDLER, state=PartState.ENDED if unneeded else part.state)
