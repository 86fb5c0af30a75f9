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
    case_ids = await case_ids_on_hand(tx, person_id)
    states = await load_all(tx, case_ids) if case_ids else {}
    return sorted(states.values(), key=lambda state: (state.case.registered_at, state.case.id))


async def case_ids_on_hand(tx: Transaction, person_id: str) -> list[UUID]:
    return [row["case_id"] for row in await tx.rows(ON_HAND, person_id=person_id)]


async def streets_of(tx: Transaction, case_ids: list[UUID]) -> set[str]:
    rows = await tx.rows(
        "SELECT DISTINCT street_id FROM cases WHERE id = ANY(CAST(:ids AS uuid[]))", ids=case_ids
    )
    return {row["street_id"] for row in rows}


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


STATEMENTS = """
    SELECT statements.id, statements.sealed_text, cases.wrapped_key
    FROM statements JOIN cases ON cases.id = statements.case_id
    WHERE statements.case_id = :case_id AND statements.sealed_text IS NOT NULL AND cases.wrapped_key IS NOT NULL
"""


async def statements(tx: Transaction, case_id: UUID, sealer: Sealer) -> dict[UUID, str]:
    """By statement, what was written."""
    return {
        row["id"]: sealer.unseal(
            sealer.unwrap(row["wrapped_key"]), row["sealed_text"], f"statements.text:{row['id']}"
        )
        for row in await tx.rows(STATEMENTS, case_id=case_id)
    }


async def evidence_case(tx: Transaction, evidence_id: UUID) -> UUID | None:
    rows = await tx.rows("SELECT case_id FROM evidence WHERE id = :id", id=evidence_id)
    return rows[0]["case_id"] if rows else None
