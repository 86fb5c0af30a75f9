"""交接: all that somebody holds goes to somebody else, or is searched anew, in one transaction.

The streets' searches wait meanwhile: otherwise the next holder could be sent to an emergency between the look at what
they are on and the commit. The unique indexes stand behind it for people of two streets.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import IntegrityConstraintViolationError

from services.dispatch.commands import HandOver
from services.dispatch.handlers.records import agreed, record, refuse
from services.dispatch.handlers.sought import search_for
from services.dispatch.matching.chain import post_by_hand
from services.dispatch.queries.cases import load_all
from services.dispatch.queries.reads import case_ids_on_hand, streets_of
from services.dispatch.queries.search import burdens, lock_streets
from services.dispatch.rules import passing, refusals
from services.dispatch.rules.facts import Offer, State
from services.dispatch.rules.offers import Decision
from services.dispatch.rules.passing import Receiver
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.directory import Directory
from shared.vocabulary import PartRole


@dataclass(frozen=True)
class HandedOver:
    """What went to somebody else, and what stayed: emergencies under way at the end of a shift."""

    part_ids: tuple[UUID, ...]
    kept_part_ids: tuple[UUID, ...]


async def hand_over(tx: Transaction, person_id: str, command: HandOver, doer: Doer) -> HandedOver:
    """Everything at once or nothing: a refusal for one part leaves all of them where they are."""
    case_ids = await case_ids_on_hand(tx, person_id)
    if not case_ids:
        refuse(refusals.NOTHING_TO_HAND_OVER)
    await lock_streets(tx, await streets_of(tx, case_ids))
    now = await tx.lock(*case_ids)
    states = await load_all(tx, case_ids)
    given, kept = _sorted_out(states.values(), person_id, command)
    if not given:
        refuse(refusals.NOTHING_TO_HAND_OVER)
    await _must_be_free(tx, command.to_person_id, [offer for _, offer in given])
    for case_id in dict.fromkeys(state.case.id for state, _ in given):
        for offer in [offer for state, offer in given if state.case.id == case_id]:
            to = _receiver(tx.directory, states[case_id], offer, command.to_person_id, now)
            decision = passing.hand_over(states[case_id], offer, doer, now, reason=command.reason, to=to)
            states[case_id] = await _recorded(tx, states[case_id], decision, command.to_person_id)
    return HandedOver(tuple(offer.part_id for _, offer in given), kept)


def _sorted_out(
    states: Collection[State], person_id: str, command: HandOver
) -> tuple[list[tuple[State, Offer]], tuple[UUID, ...]]:
    wanted = None if command.part_ids is None else set(command.part_ids)
    given, kept = [], []
    for state in states:
        going = passing.on_hand(state, person_id, command.reason)
        given += [(state, offer) for offer in going if wanted is None or offer.part_id in wanted]
        kept += [
            offer.part_id
            for offer in state.offers
            if offer.person_id == person_id and offer.held and offer not in going
        ]
    return given, tuple(kept)


def _receiver(
    directory: Directory, state: State, offer: Offer, to: str | None, now: datetime
) -> Receiver | None:
    """What the registry says of whoever is to get it."""
    if to is None:
        return None
    person, part = directory.people.get(to), state.part(offer.part_id)
    search, owns = search_for(state, part, None), part.role is PartRole.OWNER
    held = post_by_hand(search, person.posts, owns=owns) if person is not None else None
    return Receiver(to, directory.is_on_duty(to, now), held)


async def _must_be_free(tx: Transaction, to: str | None, offers: list[Offer]) -> None:
    """One live emergency per person who goes."""
    emergencies = sum(offer.emergency and offer.goes and offer.held for offer in offers)
    if to is None or not emergencies:
        return
    burden = (await burdens(tx, [to])).get(to)
    if emergencies > 1 or (burden is not None and burden.on_emergency):
        refuse(refusals.person_busy(to))


async def _recorded(tx: Transaction, state: State, decision: Decision, to: str | None) -> State:
    try:
        return await record(tx, state, agreed(decision))
    except IntegrityConstraintViolationError as crossed:
        if to is None or "offers_one_emergency_per_person" not in str(crossed):
            raise
        refuse(refusals.person_busy(to))
