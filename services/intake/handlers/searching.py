"""Finding cases again: of the searcher's units only, masked, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.intake import metrics
from services.intake.commands.search import CaseFound, CasesFound, SearchByPhone, SearchCases
from services.intake.handlers.callers_list import cursor_of, read_cursor
from services.intake.handlers.indexing import spoken
from services.intake.handlers.permissions import MAY_SEARCH
from services.intake.handlers.refusals import problem_of
from services.intake.handlers.showing import masked
from services.intake.queries import search as queries
from services.intake.queries.search import FROM_THE_NEWEST
from services.intake.rules.numbering import understood
from services.intake.rules.privacy import RequesterSearched, searches_of
from services.intake.rules.refusals import Refused, RefusedBecause
from services.intake.rules.search import Search, choose_way, pieces_asked, says
from shared.database import Row, Transaction
from shared.directory import Directory
from shared.identity import SignedIn
from shared.sealing import Sealer
from shared.vocabulary import Channel

TURNS_MAX = 5
"""Candidates that are no match are passed over for so many turns; then the page is short."""


async def search_cases(tx: Transaction, sealer: Sealer, command: SearchCases, who: SignedIn) -> CasesFound:
    """What was asked, of the units the searcher may search."""
    if command.unit is not None:
        who.must(MAY_SEARCH, command.unit, tx.directory)
    units = (command.unit,) if command.unit is not None else units_searched(who, tx.directory)
    asked = Search(
        units=units,
        everywhere=_everywhere(units, tx.directory),
        number=_number(command.number),
        address=command.address,
        text=command.text,
        person_id=command.person,
        states=command.state,
        categories=command.category,
        urgencies=command.urgency,
        since=command.since,
        until=command.until,
    )
    return await _page(tx, sealer, asked, who, command.cursor, command.limit)


async def search_by_phone(
    tx: Transaction, sealer: Sealer, command: SearchByPhone, who: SignedIn
) -> CasesFound:
    """The cases of one phone number. Who looked and why is kept with each case found, and with whoever looked."""
    assert command.phone is not None
    units = units_searched(who, tx.directory)
    asked = Search(
        units=units,
        everywhere=_everywhere(units, tx.directory),
        phones=tuple(sealer.blind_indexes(command.phone)),
    )
    page = await _page(tx, sealer, asked, who, command.cursor, command.limit)
    stories = (*(found.case_id for found in page.items), searches_of(who.person_id))
    now = await tx.lock(*stories)
    for story in stories:
        tx.note(
            RequesterSearched(
                at=now,
                case_id=story,
                actor=who.actor(),
                channel=Channel.DESK,
                purpose=command.purpose,
                found=len(page.items),
            )
        )
    metrics.PHONES_SEARCHED.labels(command.purpose).inc()
    return page


def units_searched(who: SignedIn, directory: Directory) -> tuple[str, ...]:
    """The highest units of the searcher's grants; those below one of them are in it."""
    granted = {grant.unit_id for grant in who.grants if grant.role in MAY_SEARCH}
    return tuple(
        sorted(
            unit for unit in granted if not any(directory.covers(above, unit) for above in granted - {unit})
        )
    )


def _everywhere(units: Sequence[str], directory: Directory) -> bool:
    """Whether every unit lies in these."""
    roots = {unit.id for unit in directory.units.values() if unit.parent_id is None}
    return roots.issubset(units)


def _number(given: str | None) -> str | None:
    if given is None:
        return None
    number = understood(given)
    if number is None:
        raise problem_of(Refused(RefusedBecause.NOT_A_CASE_NUMBER))
    return number


def _words(sealer: Sealer, asked: Search) -> list[set[int]]:
    """The tokens of text and address under each master key; none where neither is asked for."""
    given = [text for text in (asked.text, asked.address) if text is not None]
    each = [pieces_asked(text) for text in given]
    if not all(each):
        raise problem_of(Refused(RefusedBecause.TOO_LITTLE_TO_FIND))
    return sealer.blind_tokens_of_each(sorted(set().union(*each))) if each else []


async def _page(
    tx: Transaction, sealer: Sealer, asked: Search, who: SignedIn, cursor: str | None, limit: int
) -> CasesFound:
    words, before = _words(sealer, asked), read_cursor(cursor) if cursor else FROM_THE_NEWEST
    way = choose_way(asked)
    matches: list[Row] = []
    for _ in range(TURNS_MAX):
        found = await queries.find(tx, asked, way, words, before=before, matches_max=limit)
        for place, row in enumerate(found.rows, start=1):
            before = _place(row)
            if row["fits"] and _matches(sealer, asked, row):
                matches.append(row)
            if len(matches) == limit:
                behind = found.more or place < len(found.rows)
                return _found(sealer, matches, who, before if behind else None)
        if not found.more:
            return _found(sealer, matches, who, None)
    return _found(sealer, matches, who, before)


def _found(
    sealer: Sealer, rows: Sequence[Row], who: SignedIn, after: tuple[datetime, UUID] | None
) -> CasesFound:
    items = tuple(_shown(sealer, row, who) for row in rows)
    return CasesFound(items=items, next_cursor=cursor_of(*after) if after else None)


def _place(row: Row) -> tuple[datetime, UUID]:
    return row["registered_at"], row["case_id"]


def _matches(sealer: Sealer, asked: Search, row: Row) -> bool:
    """What the pieces found is compared as it was written."""
    if asked.address is not None and not says(row["place_label"], asked.address):
        return False
    if asked.text is None:
        return True
    return says(row["headline"], asked.text) or says(f"{row['headline']} {spoken(sealer, row)}", asked.text)


def _shown(sealer: Sealer, row: Row, who: SignedIn) -> CaseFound:
    given = {name: row[name] for name in CaseFound.model_fields if name in row}
    held = row["handled_by"] == who.person_id
    requester = masked(sealer, row, can_be_asked=None if held else row["requester_can_be_asked"])
    return CaseFound(**given, unit_id=row["unit_path"][-1], requester=requester)
