"""Writing what cases are found by, behind their registration: nobody on the phone waits for it."""

from __future__ import annotations

import logging

import orjson

from services.intake import metrics
from services.intake.handlers.registration import context
from services.intake.queries import search
from services.intake.rules.search import pieces, pieces_of_speech, tokens_of_case
from shared.database import Row, Transaction
from shared.sealing import CannotUnsealError, Sealer
from shared.vocabulary import CaseState, Urgency

log = logging.getLogger(__name__)

ENTRIES_PER_TURN_MAX = 200


async def index_stale(tx: Transaction, sealer: Sealer) -> int:
    """The entries of some cases that are stale; how many there were."""
    rows = await search.stale(tx, ENTRIES_PER_TURN_MAX)
    if rows:
        items = [
            {
                "case_id": str(row["case_id"]),
                "registered_at": row["registered_at"].isoformat(),
                "tokens": sorted(tokens_of(sealer, row)),
            }
            for row in rows
        ]
        await search.write(tx, orjson.dumps(items).decode())
        metrics.SEARCH_ENTRIES_WRITTEN.inc(len(rows))
    return len(rows)


def tokens_of(sealer: Sealer, row: Row) -> set[int]:
    """Of the headline and, while the requester is not erased, of what they said."""
    try:
        said = spoken(sealer, row)
    except CannotUnsealError as wrong:
        log.warning("%s is found without what the caller said: %s", row["case_id"], wrong)
        said = ""
    known = tokens_of_case(
        row["unit_path"], row["category_code"], Urgency(row["urgency"]), CaseState(row["state"])
    )
    return known | sealer.blind_tokens(pieces(row["headline"]) | pieces_of_speech(said))


def spoken(sealer: Sealer, row: Row) -> str:
    """What the caller said; nothing once they are erased."""
    if row["wrapped_key"] is None or row["description_sealed"] is None:
        return ""
    key = sealer.unwrap(row["wrapped_key"])
    return sealer.unseal(key, row["description_sealed"], context("description", row["case_id"]))
