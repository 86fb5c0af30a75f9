"""Why somebody was asked, and why nobody is: for the person chosen, those on the case, and supervisors.

A colleague sees posts and "you"; only supervisors see who the others are (product.md §4).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.dispatch.api.doing import WORKING
from services.dispatch.handlers.records import case_of, known_case
from services.dispatch.queries.explanations import case_left_by, last_nobody
from services.dispatch.queries.reads import explanations
from services.dispatch.rules.explaining import removed_by, why_chosen, why_nobody
from services.dispatch.rules.facts import Offer, OfferState, PartState, State
from services.dispatch.rules.views import Weighed
from shared.database import Transaction
from shared.directory import Directory
from shared.events.dispatch import Candidate
from shared.identity import SignedIn
from shared.openapi import refusing
from shared.problems import Problem, not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Name
from shared.vocabulary import Role

router = router_for("dispatch")

READING = (*WORKING, Role.SUPERVISOR)


class Shadow(BaseModel):
    """What the policy that is only compared would have done: `same` person, somebody else, or nobody."""

    policy: str
    same: bool
    nobody: bool
    person_id: str | None
    eta_seconds: int | None
    p_late: float | None


class Swap(BaseModel):
    """改派: the offer, and the number of the case, that the person is on the way to."""

    offer_id: UUID
    number: str | None


class Explanation(BaseModel):
    """`removed` counts those weighed by what took them out. `takes_over`: the offer by which somebody is on the way,
    whom this one would relieve; among the candidates they stand as `on_the_way`."""

    offer_id: UUID
    part_id: UUID
    case_id: UUID
    offered_at: datetime
    state: OfferState
    policy: str | None
    chosen_because: str
    eta_seconds: int | None
    p_late: float | None
    candidates: list[Weighed]
    removed: dict[str, int]
    shadow: Shadow | None
    swap: Swap | None
    takes_over: UUID | None
    sentence: Name


class NobodyExplained(BaseModel):
    """`since`: from when on nobody could be asked."""

    part_id: UUID
    case_id: UUID
    since: datetime
    candidates: list[Weighed]
    removed: dict[str, int]
    sentence: Name


@router.get("/offers/{offer_id}/explanation", dependencies=[allow(*READING)])
async def offer_explanation(offer_id: UUID, tx: Tx, who: Caller) -> Explanation:
    """Everybody who was weighed, what removed the others, the chance of being late, and one sentence."""
    state = await known_case(tx, await case_of(tx, offer_id=offer_id))
    offer = state.offer(offer_id)
    seen = Reader.of(who, state, tx.directory)
    if not seen.may_read(offer):
        who.must([Role.SUPERVISOR], state.case.lowest_unit_id, tx.directory)
    candidates = (await explanations(tx, state.case.id)).get(offer_id, ())
    chosen = next((one for one in candidates if one.person_id == offer.person_id), None)
    return Explanation(
        **{name: getattr(offer, name) for name in _OF_OFFER},
        offer_id=offer.id,
        case_id=state.case.id,
        p_late=chosen.p_late if chosen else None,
        candidates=seen.of_offer(offer, candidates),
        removed=removed_by(candidates),
        shadow=_shadow(offer, seen.watches),
        swap=await _swap(tx, offer),
        sentence=why_chosen(offer, candidates, seen.other(offer.person_id)),
    )


@router.get("/parts/{part_id}/explanation", dependencies=[allow(*READING)], responses=refusing(409))
async def nobody_explanation(part_id: UUID, tx: Tx, who: Caller) -> NobodyExplained:
    """While nobody can be asked for a part: why not. 409 `somebody-asked` once somebody is."""
    state = await known_case(tx, await case_of(tx, part_id=part_id))
    seen = Reader.of(who, state, tx.directory)
    if not seen.watches and not seen.concerned:
        who.must([Role.SUPERVISOR], state.case.lowest_unit_id, tx.directory)
    part = state.part(part_id)
    if part.state is not PartState.WAITING or part.nobody_since is None:
        raise Problem(
            409,
            "somebody-asked",
            "不缺可派的人 / There is somebody to ask",
            detail="请看这张工单的派单说明 / Read why the case's offers were made instead",
        )
    told = await last_nobody(tx, state.case.id, part_id)
    if told is None:
        raise not_found()
    return NobodyExplained(
        part_id=part_id,
        case_id=state.case.id,
        since=part.nobody_since,
        candidates=[seen.weighed(one, None) for one in told.candidates],
        removed=removed_by(told.candidates),
        sentence=why_nobody(told.candidates),
    )


_OF_OFFER = ("part_id", "offered_at", "state", "policy", "chosen_because", "eta_seconds", "takes_over")


class Reader:
    """How far somebody sees who was weighed for a case, and who the others are. `watches`: as their supervisor;
    `concerned`: asked now, holding a part of it or having held one."""

    def __init__(self, person_id: str, directory: Directory, *, watches: bool, concerned: bool) -> None:
        self._person_id, self._people = person_id, directory.people
        self.watches, self.concerned = watches, concerned

    @classmethod
    def of(cls, who: SignedIn, state: State, directory: Directory) -> Reader:
        watches = who.may(Role.SUPERVISOR, state.case.lowest_unit_id, directory)
        concerned = state.concerns(who.person_id)
        return cls(who.person_id, directory, watches=watches, concerned=concerned)

    def may_read(self, offer: Offer) -> bool:
        return self.watches or self.concerned or offer.person_id == self._person_id

    def of_offer(self, offer: Offer, candidates: Sequence[Candidate]) -> list[Weighed]:
        """Nobody, for whoever may not read why."""
        return [self.weighed(one, offer.person_id) for one in candidates] if self.may_read(offer) else []

    def name(self, person_id: str) -> Name | None:
        """As the registry has it now; who has left it for good stands there by their id."""
        person = self._people.get(person_id)
        return person.name if person is not None else Name(zh=person_id, en=person_id)

    def other(self, person_id: str) -> Name | None:
        """Whom the sentence is about; None where it speaks to the reader."""
        if person_id == self._person_id:
            return None
        return self.name(person_id) if self.watches else Name(zh="同事", en="a colleague")

    def weighed(self, one: Candidate, chosen_id: str | None) -> Weighed:
        you = one.person_id == self._person_id
        shown: dict[str, Any] = {"person_id": None, "name": None}
        if you or self.watches:
            shown = {"person_id": one.person_id, "name": self.name(one.person_id)}
        return Weighed(
            you=you,
            chosen=one.person_id == chosen_id,
            post=one.post,
            eta_seconds=one.eta_seconds,
            p_late=one.p_late,
            removed_by=one.removed_by,
            **shown,
        )


def _shadow(offer: Offer, watches: bool) -> Shadow | None:
    """The comparison is the supervisors'; whoever is sent is not told who else might have been."""
    choice = offer.shadow
    if choice is None or not watches:
        return None
    return Shadow(
        policy=choice.policy,
        same=choice.person_id == offer.person_id,
        nobody=choice.person_id is None,
        person_id=choice.person_id,
        eta_seconds=choice.eta_seconds,
        p_late=choice.p_late,
    )


async def _swap(tx: Transaction, offer: Offer) -> Swap | None:
    if offer.swap_of is None:
        return None
    return Swap(offer_id=offer.swap_of, number=await case_left_by(tx, offer.swap_of))
