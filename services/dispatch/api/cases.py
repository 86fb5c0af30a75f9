"""The case page: who was asked and why, who holds it, what was done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel

from services.dispatch.api.acting import etag, version_of
from services.dispatch.api.doing import WATCHING, WORKING, Sealing, may_supervise, must_see
from services.dispatch.api.explanations import Reader
from services.dispatch.handlers.records import known_case
from services.dispatch.queries.reads import Words, explanations, statements, words
from services.dispatch.rules.facts import State
from services.dispatch.rules.views import (
    ArrivalView,
    CaseView,
    EvidenceView,
    FlagView,
    HelpView,
    NoteView,
    OfferView,
    PartView,
    ReturnView,
    StatementView,
    case_view,
    help_view,
    offer_view,
    part_view,
)
from shared.openapi import VERSIONED
from shared.routes import Caller, Tx, allow, router_for

router = router_for("dispatch")


class CasePage(BaseModel):
    case: CaseView
    parts: list[PartView]
    offers: list[OfferView]
    arrivals: list[ArrivalView]
    evidence: list[EvidenceView]
    notes: list[NoteView]
    returns: list[ReturnView]
    help: list[HelpView]
    statements: list[StatementView]
    flags: list[FlagView]


@router.get("/cases/{case_id}", dependencies=[allow(*WORKING, *WATCHING)], responses=VERSIONED)
async def case(case_id: UUID, tx: Tx, who: Caller, sealer: Sealing, response: Response) -> CasePage:
    """Parts, offers (with who was weighed, to those who may read why), and what was done. The `ETag` is the version
    that `If-Match` names."""
    response.headers["ETag"] = etag(await version_of(tx, case_id))
    state = await known_case(tx, case_id)
    must_see(who, state, tx.directory)
    why, seen = await explanations(tx, case_id), Reader.of(who, state, tx.directory)
    said = await statements(tx, case_id, sealer)
    return CasePage(
        case=case_view(state),
        parts=[part_view(state, part, said) for part in state.parts],
        offers=[offer_view(offer, seen.of_offer(offer, why.get(offer.id, ()))) for offer in state.offers],
        **_done(state, await words(tx, case_id, sealer)),
        **_passed(state, said, flags=may_supervise(who, state, tx.directory)),
    )


def _passed(state: State, said: dict[UUID, str], *, flags: bool) -> dict[str, list[Any]]:
    """How it went from one to another; flags are for supervisors only."""
    return {
        "returns": [
            ReturnView(
                return_id=one.id,
                **{name: getattr(one, name) for name in ReturnView.model_fields if name != "return_id"},
            )
            for one in state.returns
        ],
        "help": [help_view(state, call) for call in state.help_calls],
        "statements": [
            StatementView(
                **{name: getattr(one, name) for name in StatementView.model_fields if name != "text"},
                text=said.get(one.id),
            )
            for one in state.statements
        ],
        "flags": [FlagView.model_validate(one, from_attributes=True) for one in state.flags] if flags else [],
    }


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
