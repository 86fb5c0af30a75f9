"""The case page: who was asked and why, who holds it, what was done."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from services.dispatch.api.doing import WATCHING, WORKING, Sealing, must_see
from services.dispatch.handlers.records import known_case
from services.dispatch.queries.reads import Words, explanations, words
from services.dispatch.rules.facts import State
from services.dispatch.rules.views import (
    ArrivalView,
    CaseView,
    EvidenceView,
    NoteView,
    OfferView,
    PartView,
    case_view,
    offer_view,
    part_view,
)
from shared.routes import Caller, Tx, allow, router_for

router = router_for("dispatch")


class CasePage(BaseModel):
    case: CaseView
    parts: list[PartView]
    offers: list[OfferView]
    arrivals: list[ArrivalView]
    evidence: list[EvidenceView]
    notes: list[NoteView]


@router.get("/cases/{case_id}", dependencies=[allow(*WORKING, *WATCHING)])
async def case(case_id: UUID, tx: Tx, who: Caller, sealer: Sealing) -> CasePage:
    """Parts, offers with their explanation, and what was done."""
    state = await known_case(tx, case_id)
    must_see(who, state, tx.directory)
    why = await explanations(tx, case_id)
    said = await words(tx, case_id, sealer)
    return CasePage(
        case=case_view(state),
        parts=[part_view(state, part) for part in state.parts],
        offers=[offer_view(offer, why.get(offer.id, ())) for offer in state.offers],
        **_done(state, said),
    )


def _done(state: State, said: dict[UUID, Words]) -> dict[str, list[BaseModel]]:
    return {
        "arrivals": [ArrivalView.model_validate(one, from_attributes=True) for one in state.arrivals],
        "evidence": [
            EvidenceView(evidence_id=one.id, **{name: getattr(one, name) for name in _EVIDENCE_FIELDS})
            for one in state.evidence
        ],
        "notes": [
            NoteView(
                note_id=one.id,
                part_id=one.part_id,
                person_id=one.person_id,
                at=one.at,
                note=one.note,
                text=said[one.id].text if one.id in said else None,
                measure=said[one.id].measure if one.id in said else None,
            )
            for one in state.notes
        ],
    }


_EVIDENCE_FIELDS = tuple(name for name in EvidenceView.model_fields if name != "evidence_id")
