"""What is searched for, from the facts of a case, and the offer that comes of a choice."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.dispatch import metrics
from services.dispatch.matching.chain import HELPING_POSTS, OWNING_POSTS, Choice, Search
from services.dispatch.rules import musts
from services.dispatch.rules.facts import OfferState, Part, State
from services.dispatch.rules.offers import about
from services.dispatch.rules.passing import on_case, unfit
from services.dispatch.rules.told import REASSIGNED
from shared.directory import Directory
from shared.events.dispatch import CaseOffered
from shared.ids import uuid7
from shared.things import Point

HAND_OVER_RESTS = timedelta(hours=8)
"""A shift's length."""


def search_for(
    state: State, part: Part, centre: Point | None, skills: frozenset[str] = frozenset()
) -> Search:
    """What is searched for, from the facts of the case; `skills` are those its category wishes for."""
    case = state.case
    rest = timedelta(seconds=case.offer_seconds)
    declined = [offer for offer in state.offers if offer.state is OfferState.DECLINED and offer.ended_at]
    own_people = part.own_people_only
    leader_after = case.leader_after_seconds if case.urgent and part.goes and not own_people else None
    return Search(
        unit_id=part.unit_id,
        emergency=case.urgent,
        goes=part.goes,
        place=place_of(state) or centre,
        started_at=part.searched_from,
        expires_after=rest,
        leader_after=None if leader_after is None else timedelta(seconds=leader_after),
        asked=frozenset(state.asked(part)),
        ever_asked=frozenset(offer.person_id for offer in state.offers if offer.part_id == part.id),
        excluded=unfit(state),
        resting={offer.person_id: offer.ended_at + rest for offer in declined if offer.ended_at}
        | _gave_away(state, part),
        own_people=() if not own_people else HELPING_POSTS if part.asked_for else OWNING_POSTS,
        barred=frozenset(case.excluded),
        on_case=frozenset(on_case(state, but=part.id)),
        skills=skills,
        arrive_by=musts.arrive_by(case) if case.urgent else None,
    )


def search_in(directory: Directory, state: State, part: Part) -> Search:
    """`search_for` with what the registry says of the category and of the place."""
    wished = skills_wanted(directory, state.case.category_code)
    return search_for(state, part, _centre(directory, state), wished)


def skills_wanted(directory: Directory, category_code: str) -> frozenset[str]:
    """What emergencies of this kind wish for, never demand."""
    category = directory.categories.get(category_code)
    return frozenset(category.skills_wanted) if category else frozenset()


def _gave_away(state: State, part: Part) -> dict[str, datetime]:
    """Who handed this part over is not asked at once to take it back, though the shift may last minutes more."""
    return {
        offer.person_id: offer.ended_at + HAND_OVER_RESTS
        for offer in state.offers
        if offer.part_id == part.id and offer.passed_on == REASSIGNED and offer.ended_at
    }


def place_of(state: State) -> Point | None:
    place = state.case.place
    return None if place.lon is None or place.lat is None else Point(lon=place.lon, lat=place.lat)


def _centre(directory: Directory, state: State) -> Point | None:
    """Where the place is not known, the middle of the lowest unit known has to do."""
    known = [directory.units[unit_id] for unit_id in state.case.unit_path if unit_id in directory.units]
    return next((unit.centre for unit in reversed(known) if unit.centre is not None), None)


def offered(state: State, part: Part, search: Search, chosen: Choice, now: datetime) -> CaseOffered:
    return CaseOffered(
        **about(state, part.id, now),
        offer_id=uuid7(),
        person_id=chosen.responder.person_id,
        unit_id=chosen.responder.unit_id,
        post=chosen.responder.post,
        emergency=search.emergency,
        goes=search.goes,
        expires_at=chosen.expires_at,
        eta_seconds=chosen.eta_seconds,
        chosen_because=chosen.because,
        candidates=chosen.candidates,
    )


def count_first(state: State, part: Part, now: datetime) -> None:
    """How long the part waited for its first offer."""
    if not any(offer.part_id == part.id for offer in state.offers):
        waited = (now - part.opened_at).total_seconds()
        metrics.OFFERED_AFTER.labels(state.case.urgency).observe(max(0.0, waited))
