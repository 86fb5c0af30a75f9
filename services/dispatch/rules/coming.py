"""Who comes, for the resident: whoever goes before whoever only owns the case."""

from __future__ import annotations

from services.dispatch.rules.facts import OVER, Offer, PartState, State
from shared.vocabulary import PartRole


def who_comes(state: State) -> Offer | None:
    """The offer of whoever is there, else of whoever is on the way, else of the owner; `None` if nobody has it."""
    if state.case.state in OVER:
        return None
    held = [
        (part, offer)
        for part in state.parts
        if part.state is not PartState.ENDED and (offer := state.live_offer(part.id)) and offer.held
    ]
    if not held:
        return None
    best = min(
        held,
        key=lambda one: (
            one[1].arrived_at is None,
            not one[1].goes,
            one[0].role is not PartRole.OWNER,
            one[1].offered_at,
        ),
    )
    return best[1]
