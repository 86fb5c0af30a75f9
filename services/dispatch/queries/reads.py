"""What screens read: whatever is on somebody's hands, explanations of offers, and the words of notes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import orjson

from services.dispatch.queries.cases import load_all
from services.dispatch.rules.facts import State
from shared.database import Transaction
from shared.events.dispatch import Candidate
from shared.sealing import Sealer

ON_HAND = """
    SELECT DISTINCT case_id FROM offers
    WHERE person_id = :person_id AND state IN ('offered', 'accepted', 'arrived', 'handled')
"""
EXPLANATIONS = "SELECT id, candidates FROM offers WHERE case_id = :case_id"
WORDS = """
    SELECT notes.id, notes.sealed_text, cases.wrapped_key FROM notes JOIN cases ON cases.id = notes.case_id
    WHERE notes.case_id = :case_id AND notes.sealed_text IS NOT NULL AND cases.wrapped_key IS NOT NULL
"""


async def on_hand(tx: Transaction, person_id: str) -> list[State]:
    """The cases somebody is asked to take or has taken, until they close; oldest first."""
    rows = await tx.rows(ON_HAND, person_id=person_id)
    states = await load_all(tx, [row["case_id"] for row in rows]) if rows else {}
    return sorted(states.values(), key=lambda state: (state.case.registered_at, state.case.id))


async def explanations(tx: Transaction, case_id: UUID) -> dict[UUID, tuple[Candidate, ...]]:
    """By offer, who was weighed and why they were not asked."""
    rows = await tx.rows(EXPLANATIONS, case_id=case_id)
    return {row["id"]: tuple(Candidate.model_validate(one) for one in row["candidates"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Words:
    text: str
    measure: str | None


async def words(tx: Transaction, case_id: UUID, sealer: Sealer) -> dict[UUID, Words]:
    """By note, what was written; nothing once the key of the case is destroyed."""
    found = {}
    for row in await tx.rows(WORDS, case_id=case_id):
        content = sealer.unseal(
            sealer.unwrap(row["wrapped_key"]), row["sealed_text"], f"notes.text:{row['id']}"
        )
        found[row["id"]] = Words(**orjson.loads(content))
    return found


async def evidence_case(tx: Transaction, evidence_id: UUID) -> UUID | None:
    rows = await tx.rows("SELECT case_id FROM evidence WHERE id = :id", id=evidence_id)
    return rows[0]["case_id"] if rows else None
