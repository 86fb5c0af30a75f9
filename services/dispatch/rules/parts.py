"""How parts open, are freed, and stop being searched: what the steps of the story have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.dispatch.rules.facts import (
    Case,
    Offer,
    OfferState,
    Part,
    PartState,
    State,
    with_offer,
    with_part,
)
from shared.events.intake import Rung
from shared.vocabulary import Level, PartRole


def street_of(ladder: Sequence[Rung], unit_path: Sequence[str]) -> str:
    """Whose matching the case belongs to, and whose people may be sent to it: the street it lies in, else the top of
    its ladder. A department on the street's rung has officers, and nobody who goes."""
    street = next((rung.unit_id for rung in ladder if rung.level is Level.STREET), ladder[-1].unit_id)
    top = ladder[-1].unit_id
    if street in unit_path or top not in unit_path[:-1]:
        return street
    return unit_path[unit_path.index(top) + 1]


def fresh_parts(case: Case, event_id: UUID, at: datetime) -> tuple[Part, ...]:
    """The owner's part where the case stands; what is urgent above the grids also needs somebody who goes.

    A part takes the id of the event that opened it, so that the journal alone says which parts there are."""
    at_grid = case.level is Level.GRID
    owner = open_part(case, event_id, PartRole.OWNER, goes=at_grid, at=at)
    if at_grid or not case.urgent:
        return (owner,)
    return owner, open_part(case, _sibling(event_id), PartRole.CO_HANDLER, goes=True, at=at)


def _sibling(event_id: UUID) -> UUID:
    return UUID(int=event_id.int ^ 1)


def open_part(case: Case, part_id: UUID, role: PartRole, *, goes: bool, at: datetime, **more: Any) -> Part:
    """`more` says what differs from a part at the level where the case stands."""
    given: dict[str, Any] = {
        "level": case.level,
        "unit_id": case.unit_id,
        "state": PartState.WAITING,
        "round": case.round,
    }
    return Part(id=part_id, role=role, goes=goes, opened_at=at, searched_from=at, **(given | more))


def without_search(state: State) -> tuple[Part, ...]:
    return tuple(
        replace(part, state=PartState.ENDED) if part.state is PartState.WAITING else part
        for part in state.parts
    )


def sent_home(state: State) -> tuple[Offer, ...]:
    """Nobody travels any more: all of them may be sent to the next emergency."""
    return tuple(replace(offer, goes=False) if offer.goes else offer for offer in state.offers)


def hold(state: State, part_id: UUID, to: OfferState, offer_id: UUID | None = None, **changed: Any) -> State:
    """The part's live offer, or the one named, and the part move on together."""
    offer = state.live_offer(part_id) if offer_id is None else state.offer(offer_id)
    if offer is None or not offer.live:
        return state
    state = with_offer(state, replace(offer, state=to, **changed))
    return with_part(state, replace(state.part(part_id), state=PartState(to.value)))


def let_go(state: State, part_id: UUID, at: datetime, passed_on: str) -> State:
    """Whoever took the part is free of it; an offer that nobody answered is left to its own withdrawal."""
    taken = state.taken_by(part_id)
    if taken is None:
        return state
    return with_offer(
        state, replace(taken, state=OfferState.ENDED, goes=False, ended_at=at, passed_on=passed_on)
    )


def searched_anew(part: Part, at: datetime, **changed: Any) -> Part:
    """A search of its own turn, so that nobody counts as asked already."""
    return replace(part, turn=part.turn + 1, searched_from=at, nobody_since=None, **changed)
