"""Finding a photo again on another case, by what it looks like."""

from __future__ import annotations

from uuid import UUID

from shared.database import Transaction

BANDS, BAND_BITS = 4, 16
LIKENESS_BITS_MAX = 3
"""Photos whose likeness differs in so few of the 64 bits are one photo, resized or compressed anew. With one band
more than bits that may differ, one band at least is the same: the index finds every such pair."""

SEEN_BEFORE = """
    SELECT 1 FROM photos
    WHERE bands && CAST(:bands AS integer[]) AND case_id <> :case_id
        AND bit_count(likeness # CAST(CAST(:likeness AS text) AS bit(64))) <= :most
    LIMIT 1
"""


async def seen_before(tx: Transaction, case_id: UUID, likeness: int) -> bool:
    """Whether another case has the photo already."""
    rows = await tx.rows(
        SEEN_BEFORE,
        bands=bands_of(likeness),
        case_id=case_id,
        likeness=_bits(likeness),
        most=LIKENESS_BITS_MAX,
    )
    return bool(rows)


async def keep_likeness(tx: Transaction, case_id: UUID, evidence_id: UUID, likeness: int) -> None:
    await tx.rows(
        "INSERT INTO photos (evidence_id, case_id, likeness, bands)"
        " VALUES (:evidence_id, :case_id, CAST(CAST(:likeness AS text) AS bit(64)), CAST(:bands AS integer[]))",
        evidence_id=evidence_id,
        case_id=case_id,
        likeness=_bits(likeness),
        bands=bands_of(likeness),
    )


async def has_thumbnail(tx: Transaction, evidence_id: UUID) -> bool:
    """Photos from before thumbnails were made have none."""
    return bool(await tx.rows("SELECT 1 FROM photos WHERE evidence_id = :id", id=evidence_id))


def bands_of(likeness: int) -> list[int]:
    """The four quarters of the bits, each with its place in front."""
    mask = (1 << BAND_BITS) - 1
    return [(band << BAND_BITS) | (likeness >> (band * BAND_BITS)) & mask for band in range(BANDS)]


def _bits(likeness: int) -> str:
    return format(likeness, "064b")
