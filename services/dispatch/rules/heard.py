"""What others tell, step by step: intake of the case's existence and end, escalation of its time and level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.dispatch.rules.facts import (
    Case,
    CaseState,
    ExtensionState,
    Part,
    PartState,
    State,
    with_part,
)
from services.dispatch.rules.levels import NOT_TAKEN, escalated, owner_instead, voided
from services.dispatch.rules.parts import (
    fresh_parts,
    let_go,
    open_part,
    searched_anew,
    sent_home,
    street_of,
    without_search,
)
from shared.event import Event
from shared.events.escalation import (
    CaseEscalated,
    CaseParked,
    CaseUnparked,
    DeadlineExtended,
    EscalationVoided,
    ExtensionAsked,
    ExtensionRefused,
    ReturnRuled,
)
from shared.events.intake import (
    AppointmentAgreed,
    CaseAmended,
    CaseClosed,
    CaseMerged,
    CaseRegistered,
    CaseReopened,
    CaseUnmerged,
    CaseWithdrawn,
    InformationAsked,
    InformationGiven,
    RequesterErased,
)
from shared.vocabulary import Level, Outcome, PartRole, ReopenReason, Ruling

# ── intake ────────────────────────────────────────────────────────────────────────────────────────────────────────


def registered(event: CaseRegistered) -> State:
    """The case with its first parts; none where it was answered or refused at once."""
    lowest = event.ladder[0]
    case = Case(
        id=event.case_id,
        number=event.number,
        category_code=event.category_code,
        urgency=event.urgency,
        headline=event.headline,
        place=event.place,
        grid_id=event.grid_id,
        unit_path=event.unit_path,
        ladder=event.ladder,
        policy=event.policy,
        street_id=street_of(event.ladder, event.unit_path),
        level=lowest.level,
        unit_id=lowest.unit_id,
        state=CaseState.OPEN,
        round=event.round,
        registered_at=event.at,
        reported_at=event.reported_at,
        excluded=event.excluded,
        care=event.care,
        ends_at_once=event.ends_at_once,
        appointment=event.appointment,
    )
    if event.ends_at_once is not None:
        return State(case=case)
    return State(case=case, parts=fresh_parts(case, event.id, event.at))


def _amended(state: State, event: CaseAmended) -> State:
    """Whoever is on it keeps it; what nobody has taken yet is searched where the case belongs now. A ruling on a return
    stands while the level does: it may have been heard before the amendment or after it."""
    case = replace(
        state.case,
        category_code=event.category_code,
        urgency=event.urgency,
        headline=event.headline,
        place=event.place,
        grid_id=event.grid_id,
        unit_path=event.unit_path,
        ladder=event.ladder,
        policy=event.policy,
        excluded=event.excluded,
        care=event.care,
        street_id=street_of(event.ladder, event.unit_path),
    )
    rung = next((rung for rung in case.ladder if rung.level is case.level), case.ladder[0])
    case = replace(case, level=rung.level, unit_id=rung.unit_id)
    same_ladder, same_level = event.ladder == state.case.ladder, case.level is state.case.level
    state = replace(state, case=case)
    if case.state is not CaseState.OPEN:
        return state
    for part in state.parts:
        stays = same_ladder or part.role is not PartRole.OWNER or (same_level and _is_ruled(state, part))
        if part.state in NOT_TAKEN and not (part.own_people_only and stays):
            state = with_part(state, _moved(part, case, event))
    if case.urgent and state.owner is not None and not _somebody_goes(state):
        going = open_part(case, event.id, PartRole.CO_HANDLER, goes=True, at=event.at)
        state = replace(state, parts=(*state.parts, going))
    return state


def _is_ruled(state: State, part: Part) -> bool:
    return any(one.to_unit_id == part.unit_id for one in state.returns)


def _moved(part: Part, case: Case, event: CaseAmended) -> Part:
    """The leader's step still counts from where the search began: an amendment gives nobody more time."""
    began = part.searched_from
    if part.role is PartRole.OWNER:
        part = searched_anew(part, event.at, **_where_it_belongs(case))
    elif part.goes:
        part = searched_anew(part, event.at, unit_id=case.ladder[0].unit_id)
    return replace(part, searched_from=began)


def _where_it_belongs(case: Case) -> dict[str, Any]:
    return {
        "level": case.level,
        "unit_id": case.unit_id,
        "goes": case.level is Level.GRID,
        "own_people_only": False,
    }


def _somebody_goes(state: State) -> bool:
    return any(part.goes and part.state is not PartState.ENDED for part in state.parts)


def _merged(state: State, event: CaseMerged) -> State:
    """Also a part that was closed, and whose end is contested."""
    case = replace(state.case, state=CaseState.MERGED, merged_into=event.parent_number)
    case = replace(case, closed_at=None, outcome=None if case.closed_at else case.outcome)
    return replace(state, case=case, parts=without_search(state), offers=sent_home(state))


def _unmerged(state: State, event: CaseUnmerged) -> State:
    """It goes on by itself where it stood; nobody holds it yet. Handled before the merge was heard, it stays so."""
    if state.case.state is not CaseState.MERGED:
        return state
    if state.case.handled_at is not None:
        return replace(state, case=replace(state.case, state=CaseState.HANDLED, merged_into=None))
    case = replace(state.case, state=CaseState.OPEN, merged_into=None)
    return replace(state, case=case, parts=(*state.parts, *fresh_parts(case, event.id, event.at)))


def _withdrawn(state: State, event: CaseWithdrawn) -> State:
    case = replace(state.case, state=CaseState.CLOSED, closed_at=event.at, outcome=Outcome.WITHDRAWN)
    return replace(state, case=case, parts=without_search(state), offers=sent_home(state))


def _reopened(state: State, event: CaseReopened) -> State:
    case = replace(
        state.case,
        state=CaseState.OPEN,
        round=event.round,
        handled_at=None,
        outcome=None,
        closed_at=None,
        merged_into=None,
    )
    state = replace(state, case=case, parts=without_search(state))
    if event.because is not ReopenReason.CONTESTED or case.ends_at_once is None:
        return state
    # An answer had no holder, so there is nobody to raise it from: the first unit above the grids takes it up.
    rung = next((rung for rung in case.ladder if rung.level is not Level.GRID), case.ladder[-1])
    case = replace(case, level=rung.level, unit_id=rung.unit_id, ends_at_once=None)
    return replace(state, case=case, parts=(*state.parts, *fresh_parts(case, event.id, event.at)))


def _closed(state: State, event: CaseClosed) -> State:
    case = replace(state.case, state=CaseState.CLOSED, closed_at=event.at, outcome=event.outcome)
    return replace(state, case=case, parts=without_search(state), offers=sent_home(state))


def _asked(state: State, event: InformationAsked) -> State:
    questions = tuple(sorted({*state.case.questions, event.question_id}))
    return replace(state, case=replace(state.case, questions=questions))


def _given(state: State, event: InformationGiven) -> State:
    questions = tuple(one for one in state.case.questions if one != event.question_id)
    return replace(state, case=replace(state.case, questions=questions))


def _appointed(state: State, event: AppointmentAgreed) -> State:
    return replace(state, case=replace(state.case, appointment=event.appointment))


def _erased(state: State, event: RequesterErased) -> State:
    return replace(state, case=replace(state.case, erased_at=event.at))


# ── escalation ────────────────────────────────────────────────────────────────────────────────────────────────────


def _ruled(state: State, event: ReturnRuled) -> State:
    """裁定. Ruled to be another unit's: the holder is free and that unit's people are asked; refused: it goes on as
    it is. A part that ended meanwhile stays ended; an owner's part of a level the case has left is searched where the
    case belongs now."""
    returns = tuple(
        replace(one, ruling=event.ruling, to_unit_id=event.to_unit_id, ruled_at=event.at)
        if one.id == event.return_id
        else one
        for one in state.returns
    )
    state = replace(state, returns=returns)
    part = next((part for part in state.parts if part.id == event.part_id), None)
    if event.ruling is not Ruling.REDISPATCH or event.to_unit_id is None or part is None:
        return state
    owner = owner_instead(state, event)
    if owner is not None:
        return _sent_with_the_case(state, part, owner, event)
    if state.case.state is not CaseState.OPEN or part.state in (PartState.HANDLED, PartState.ENDED):
        return state
    if part.role is PartRole.OWNER and event.level is not state.case.level:
        goes_on = searched_anew(part, event.at, **_where_it_belongs(state.case))
    else:
        goes_on = searched_anew(part, event.at, unit_id=event.to_unit_id, own_people_only=True)
    if part.state is not PartState.OFFERED:
        state = let_go(state, part.id, event.at, "returned")
        goes_on = replace(goes_on, state=PartState.WAITING)
    return with_part(state, goes_on)


def _sent_with_the_case(state: State, returned: Part, owner: Part, event: ReturnRuled) -> State:
    """Whoever returned it is free and has no successor beside the owner; an offer of either part is taken back."""
    unit_id, goes = event.to_unit_id, owner.goes or returned.goes
    state = with_part(state, searched_anew(owner, event.at, unit_id=unit_id, goes=goes, own_people_only=True))
    if returned.state in (PartState.OFFERED, PartState.HANDLED):
        return state
    state = let_go(state, returned.id, event.at, "returned")
    return with_part(state, replace(returned, state=PartState.ENDED))


def _parked(state: State, event: CaseParked) -> State:
    return replace(state, case=replace(state.case, review_at=event.review_at))


def _unparked(state: State, event: CaseUnparked) -> State:
    return replace(state, case=replace(state.case, review_at=None))


def _extension_asked(state: State, event: ExtensionAsked) -> State:
    case = replace(state.case, extension=ExtensionState.ASKED, extended_until=event.until)
    return replace(state, case=case)


def _extended(state: State, event: DeadlineExtended) -> State:
    case = replace(state.case, extension=ExtensionState.GRANTED, extended_until=event.due_at)
    return replace(state, case=case)


def _extension_refused(state: State, event: ExtensionRefused) -> State:
    case = replace(state.case, extension=ExtensionState.REFUSED, extended_until=None)
    return replace(state, case=case)


STEPS: dict[type[Event], Callable[[State, Any], State]] = {
    CaseAmended: _amended,
    CaseMerged: _merged,
    CaseUnmerged: _unmerged,
    CaseWithdrawn: _withdrawn,
    CaseReopened: _reopened,
    CaseClosed: _closed,
    InformationAsked: _asked,
    InformationGiven: _given,
    AppointmentAgreed: _appointed,
    RequesterErased: _erased,
    CaseEscalated: escalated,
    EscalationVoided: voided,
    ReturnRuled: _ruled,
    CaseParked: _parked,
    CaseUnparked: _unparked,
    ExtensionAsked: _extension_asked,
    DeadlineExtended: _extended,
    ExtensionRefused: _extension_refused,
}
