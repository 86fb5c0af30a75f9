"""What a street's matching reads of its people: what they are on, where they go, what was asked of them lately.

Always of named people and by an index: never a street's whole past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch.queries.search import HeldPart
from services.dispatch.rules.musts import arrive_within
from shared.database import Row, Transaction
from shared.events.intake import Place, Rung
from shared.things import Policy

# Whoever is asked to go to an emergency, or is at one, is asked nothing else; an offer to swap is such a question too.
STANDING = """
    SELECT person_id,
        bool_or(emergency AND goes AND state <> 'accepted') AS engaged,
        bool_or(emergency AND goes AND state = 'accepted') AS going,
        bool_or(goes AND NOT emergency AND state = 'arrived') AS at_routine
    FROM offers
    WHERE state IN ('offered', 'accepted', 'arrived') AND person_id = ANY(CAST(:people AS text[]))
    GROUP BY person_id
"""

# A swap is asked once per trip, whatever came of it, and never of whoever swapped already; nor while somebody is asked
# to take the trip over.
GOING = """
    SELECT offers.id AS offer_id, offers.person_id, offers.case_id, offers.eta_seconds, offers.accepted_at,
        parts.unit_id, cases.registered_at, cases.category_code, cases.place, cases.policy, cases.ladder, cases.care,
        EXISTS (
            SELECT 1 FROM offers AS visit
            WHERE visit.person_id = offers.person_id AND visit.offered_at > offers.accepted_at - interval '12 hours'
                AND NOT visit.emergency AND visit.arrived_at <= offers.accepted_at
                AND coalesce(visit.ended_at, offers.accepted_at) >= offers.accepted_at
        ) AS interrupted,
        offers.swap_of IS NULL AND cases.state = 'open' AND NOT parts.own_people_only
            AND NOT EXISTS (SELECT 1 FROM offers AS swap WHERE swap.swap_of = offers.id)
            AND NOT EXISTS (
                SELECT 1 FROM offers AS asked WHERE asked.part_id = offers.part_id AND asked.state = 'offered'
            ) AS swappable,
        ARRAY(
            SELECT DISTINCT asked.person_id FROM offers AS asked
            WHERE asked.case_id = offers.case_id AND asked.part_id = offers.part_id AND asked.turn = parts.turn
                AND asked.person_id <> offers.person_id
        ) AS asked
    FROM offers JOIN parts ON parts.id = offers.part_id JOIN cases ON cases.id = offers.case_id
    WHERE offers.state = 'accepted' AND offers.emergency AND offers.goes
        AND offers.person_id = ANY(CAST(:people AS text[]))
"""

# Lost: an offer to swap that was taken back before they answered, unless they had arrived where they were going; and a
# way that somebody took over. From there they go home at once.
LATELY = """
    SELECT asked.person_id, last.offered_at AS asked_at, coalesce(shift.taken, 0) AS taken,
        coalesce(last.state = 'withdrawn' AND last.swap_of IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM offers AS trip WHERE trip.id = last.swap_of AND trip.arrived_at <= last.ended_at
        ) OR last.passed_on = 'taken_over', false) AS lost_swap,
        done.ended_at AS done_at, coalesce(done.emergency, false) AS done_urgent
    FROM unnest(CAST(:people AS text[]), CAST(:since AS timestamptz[])) AS asked(person_id, since)
    LEFT JOIN LATERAL (
        SELECT offered_at, state, swap_of, ended_at, passed_on FROM offers
        WHERE offers.person_id = asked.person_id AND emergency AND offers.offered_at >= :not_before
        ORDER BY offers.offered_at DESC, offers.id DESC LIMIT 1
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS taken FROM offers
        WHERE offers.person_id = asked.person_id AND offers.offered_at >= asked.since
            AND emergency AND accepted_at IS NOT NULL
    ) AS shift ON true
    LEFT JOIN LATERAL (
        SELECT ended_at, emergency AND arrived_at IS NOT NULL AS emergency FROM offers
        WHERE offers.person_id = asked.person_id AND offers.offered_at >= asked.since
            AND (arrived_at IS NOT NULL OR passed_on = 'taken_over') AND ended_at IS NOT NULL
        ORDER BY ended_at DESC LIMIT 1
    ) AS done ON true
"""

NIGHTS = """
    SELECT person_id, count(*) AS nights FROM offers
    WHERE person_id = ANY(CAST(:people AS text[])) AND offered_at >= :since AND offered_at < :until AND emergency
        AND (extract(hour FROM offered_at AT TIME ZONE :zone) >= 22
            OR extract(hour FROM offered_at AT TIME ZONE :zone) < 6)
    GROUP BY person_id
"""

# They have arrived where they were going: nobody calls them off any more.
SWAPS_OVER = """
    SELECT swap.part_id, swap.case_id, cases.street_id, swap.id AS offer_id
    FROM offers AS swap JOIN offers AS trip ON trip.id = swap.swap_of JOIN cases ON cases.id = swap.case_id
    WHERE swap.swap_of IS NOT NULL AND swap.state = 'offered' AND trip.state = 'arrived'
    ORDER BY swap.offered_at, swap.id
"""

# Also those that may not be called off: who may is looked at where there is anybody to be had instead.
UNDER_WAY = """
    SELECT cases.street_id, offers.id FROM offers JOIN cases ON cases.id = offers.case_id
    WHERE offers.state = 'accepted' AND offers.emergency AND offers.goes AND cases.state = 'open'
"""

TRIP = "SELECT state FROM offers WHERE id = :offer_id"


@dataclass(frozen=True, slots=True)
class OnHand:
    engaged: bool
    going: bool
    at_routine: bool


@dataclass(frozen=True, slots=True)
class Trip:
    """Somebody's way to an emergency, by the offer they accepted; `interrupted`: from a visit, where they had to wrap
    up. `asked`: who was asked for it before them, in the turn that found them."""

    offer_id: UUID
    person_id: str
    case_id: UUID
    unit_id: str
    place: Place
    registered_at: datetime
    due_at: datetime | None
    accepted_at: datetime
    eta_seconds: int | None
    swappable: bool
    category_code: str = ""
    interrupted: bool = False
    asked: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Lately:
    """`taken`: emergencies in this shift; `done_at`: when they finished in it last at a place they had come to, or were
    relieved on their way, and whether that was at an emergency."""

    asked_at: datetime | None
    taken: int
    lost_swap: bool
    done_at: datetime | None = None
    done_urgent: bool = False


async def standing(tx: Transaction, people: Sequence[str]) -> dict[str, OnHand]:
    """By person, for those who have anything on hand."""
    rows = await tx.rows(STANDING, people=list(people))
    return {row["person_id"]: OnHand(row["engaged"], row["going"], row["at_routine"]) for row in rows}


async def trips(tx: Transaction, people: Sequence[str]) -> list[Trip]:
    """Ways to emergencies that are not over yet."""
    return [_trip(row) for row in await tx.rows(GOING, people=list(people))]


def _trip(row: Row) -> Trip:
    policy, lowest = Policy.model_validate(row["policy"]), Rung.model_validate(row["ladder"][0])
    due_at = arrive_within(policy, lowest.level, row["registered_at"], care=row["care"])
    same = {name: row[name] for name in Trip.__dataclass_fields__ if name in row}
    return Trip(**{**same, "place": Place.model_validate(row["place"]), "due_at": due_at})


async def lately(tx: Transaction, since: dict[str, datetime], not_before: datetime) -> dict[str, Lately]:
    """`since`: by person, when their shift began; whoever was asked last before `not_before` counts as never asked."""
    rows = await tx.rows(LATELY, people=list(since), since=list(since.values()), not_before=not_before)
    return {
        row["person_id"]: Lately(
            row["asked_at"], row["taken"], row["lost_swap"], row["done_at"], row["done_urgent"]
        )
        for row in rows
    }


async def nights(
    tx: Transaction, people: Sequence[str], since: datetime, until: datetime, zone: str
) -> dict[str, int]:
    """How many offers of emergencies people got at night, 22 to 6 h by the clock on the wall."""
    rows = await tx.rows(NIGHTS, people=list(people), since=since, until=until, zone=zone)
    return {row["person_id"]: row["nights"] for row in rows}


async def swaps_over(tx: Transaction) -> list[HeldPart]:
    """Open offers to swap whose person has arrived at the old place."""
    return [HeldPart(**row) for row in await tx.rows(SWAPS_OVER)]


async def under_way(tx: Transaction) -> dict[str, set[UUID]]:
    """By street, the offers by which people are on the way to its emergencies."""
    found: dict[str, set[UUID]] = {}
    for row in await tx.rows(UNDER_WAY):
        found.setdefault(row["street_id"], set()).add(row["id"])
    return found


async def trip_goes_on(tx: Transaction, offer_id: UUID) -> bool:
    """Whether that offer's person is still on the way."""
    rows = await tx.rows(TRIP, offer_id=offer_id)
    return bool(rows) and rows[0]["state"] == "accepted"
