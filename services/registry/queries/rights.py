"""Delegations as the registry knows them now, whatever a token made a while ago says."""

from __future__ import annotations

from datetime import datetime

import orjson

from services.registry.queries import things as stored
from services.registry.rules.delegation import still_lent
from shared.database import Transaction
from shared.things import Grant, Person

BORROWERS = """
    SELECT CAST(body AS text) AS body FROM people WHERE body -> 'acts_for' @> CAST(:like AS jsonb) ORDER BY id
"""


async def grants_of(tx: Transaction, person: Person, now: datetime) -> tuple[Grant, ...]:
    """What `person` may do now: their own, and what they were lent by those who still have it."""
    return (*person.grants, *(grant for grant, _ in await lent_to(tx, person, now)))


async def lent_to(tx: Transaction, person: Person, now: datetime) -> list[tuple[Grant, str]]:
    """What `person` was lent and may use now, with whose it is."""
    if not person.acts_for:
        return []
    grants = tuple(grant for lent in person.acts_for for grant in lent.grants)
    known = await stored.known_about(tx, [person.model_copy(update={"grants": grants})], person.id)
    return still_lent(person, known, now)


async def borrowers_of(tx: Transaction, lender_id: str) -> list[Person]:
    """Everybody to whom `lender_id` lent something that may have ended."""
    return await _like(tx, {"person_id": lender_id})


async def borrower_of(tx: Transaction, delegation_id: str) -> Person | None:
    found = await _like(tx, {"id": delegation_id})
    return found[0] if found else None


async def _like(tx: Transaction, delegation: dict[str, str]) -> list[Person]:
    rows = await tx.rows(BORROWERS, like=orjson.dumps([delegation]).decode())
    return [Person.model_validate_json(row["body"]) for row in rows]
