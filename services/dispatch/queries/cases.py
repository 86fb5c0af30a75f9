"""A case's facts out of their rows and back: what changed, and nothing else, is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Table as SqlTable

from services.dispatch.rules.facts import (
    Arrival,
    Case,
    CaseState,
    EvidenceFile,
    ExtensionState,
    Flag,
    HelpCall,
    Note,
    Offer,
    OfferState,
    Part,
    PartState,
    Return,
    State,
    Statement,
    StatementKind,
)
from services.dispatch.tables import (
    ArrivalRow,
    CaseRow,
    EvidenceRow,
    FlagRow,
    HelpCallRow,
    NoteRow,
    OfferRow,
    PartRow,
    ReturnRow,
    StatementRow,
)
from shared.database import Row, Transaction
from shared.events.dispatch import Candidate, ShadowChoice
from shared.events.intake import Place, Rung, Window
from shared.going import ArrivalMethod, DeclineReason, EntryFlag, EntryKind
from shared.things import Policy
from shared.vocabulary import Level, NoteKind, Outcome, PartRole, Post, ReturnBasis, Ruling, Urgency

CASES = "SELECT * FROM cases WHERE id = ANY(CAST(:ids AS uuid[]))"
PARTS = "SELECT * FROM parts WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY opened_at, id"
# Candidates are the explanation of an offer: read for its screen, never to decide something.
OFFERS = """
    SELECT id, case_id, part_id, person_id, unit_id, post, turn, state, emergency, goes, offered_at, expires_at,
           eta_seconds, chosen_because, declined_because, accepted_at, arrived_at, contacted_at, ended_at, passed_on,
           policy, shadow, swap_of, takes_over
    FROM offers WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY offered_at, id
"""
ARRIVALS = "SELECT * FROM arrivals WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY at, part_id"
EVIDENCE = "SELECT * FROM evidence WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY at, id"
NOTES = "SELECT * FROM notes WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY at, id"
RETURNS = "SELECT * FROM returns WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY at, id"
HELP_CALLS = "SELECT * FROM help_calls WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY at, id"
STATEMENTS = "SELECT * FROM statements WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY at, id"
FLAGS = "SELECT * FROM flags WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY at, entry_id"

# Most cases have none of these: one look says which are worth a statement of their own.
WHICH = """
    SELECT 'returns' AS kind WHERE EXISTS (SELECT 1 FROM returns WHERE case_id = ANY(CAST(:ids AS uuid[])))
    UNION ALL
    SELECT 'help_calls' WHERE EXISTS (SELECT 1 FROM help_calls WHERE case_id = ANY(CAST(:ids AS uuid[])))
    UNION ALL
    SELECT 'statements' WHERE EXISTS (SELECT 1 FROM statements WHERE case_id = ANY(CAST(:ids AS uuid[])))
    UNION ALL
    SELECT 'flags' WHERE EXISTS (SELECT 1 FROM flags WHERE case_id = ANY(CAST(:ids AS uuid[])))
"""


async def load(tx: Transaction, case_id: UUID) -> State | None:
    """What is known of the case; its head must be locked by whoever means to change it."""
    return (await load_all(tx, [case_id])).get(case_id)


async def load_all(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, State]:
    ids = list(case_ids)
    cases = [_case(row) for row in await tx.rows(CASES, ids=ids)]
    if not cases:
        return {}
    there = _ALWAYS | {row["kind"] for row in await tx.rows(WHICH, ids=ids)}
    found = {
        name: _grouped(await tx.rows(sql, ids=ids), build)
        for name, (sql, build) in _KINDS.items()
        if name in there
    }
    return {
        case.id: State(case=case, **{name: of_kind.get(case.id, ()) for name, of_kind in found.items()})
        for case in cases
    }


async def load_sought(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, State]:
    """What the search has to know of cases: their parts, and who was asked; not what was done since."""
    ids = list(case_ids)
    cases = [_case(row) for row in await tx.rows(CASES, ids=ids)] if ids else []
    parts = _grouped(await tx.rows(PARTS, ids=ids), _part) if cases else {}
    offers = _grouped(await tx.rows(OFFERS, ids=ids), _offer) if cases else {}
    return {case.id: State(case, parts.get(case.id, ()), offers.get(case.id, ())) for case in cases}


async def find_case_of(
    tx: Transaction, *, offer_id: UUID | None = None, part_id: UUID | None = None
) -> UUID | None:
    """Which case an offer or part belongs to, before anything is locked."""
    rows = await tx.rows(
        "SELECT case_id FROM offers WHERE id = :offer_id UNION ALL SELECT case_id FROM parts WHERE id = :part_id",
        offer_id=offer_id,
        part_id=part_id,
    )
    return rows[0]["case_id"] if rows else None


SWAPPED = """
    SELECT trip.case_id FROM offers AS swap JOIN offers AS trip ON trip.id = swap.swap_of WHERE swap.id = :offer_id
"""


async def find_cases_of(
    tx: Transaction, *, offer_id: UUID | None = None, part_id: UUID | None = None
) -> list[UUID]:
    """Which cases whoever acts on an offer or part has to lock: its own first, then the one an offer to swap would free
    them of."""
    own = await find_case_of(tx, offer_id=offer_id, part_id=part_id)
    left = await tx.rows(SWAPPED, offer_id=offer_id) if offer_id is not None else []
    return [*([] if own is None else [own]), *(row["case_id"] for row in left)]


async def save(tx: Transaction, before: State | None, after: State) -> None:
    """Write what `after` has and `before` had not. Ended offers come first, so that the unique index of live ones
    never sees the old and the new together."""
    case_id = after.case.id
    if before is None or before.case != after.case:
        await _write(tx, CaseRow, [_columns(after.case)])
    for name, table in _TABLES.items():
        known: set[Any] = set(getattr(before, name)) if before else set()
        changed = [thing for thing in getattr(after, name) if thing not in known]
        if changed:
            await _write(tx, table, [{**_columns(thing), "case_id": case_id} for thing in changed])


async def _write(tx: Transaction, table: type[Any], rows: list[dict[str, Any]]) -> None:
    """An offer that exists already keeps its explanation: it was not loaded, so it must not be written."""
    new = [row for row in rows if row.get("candidates", True)]
    known = [
        {name: row[name] for name in row if name != "candidates"}
        for row in rows
        if not row.get("candidates", True)
    ]
    for alike in (known, new):
        if alike:
            await tx.rows(
                _upsert(table.__table__, tuple(alike[0])), rows=orjson.dumps(alike, default=_plain).decode()
            )


def _columns(thing: Any) -> dict[str, Any]:
    return {field.name: _stored(getattr(thing, field.name)) for field in fields(thing)}


def _stored(value: Any) -> Any:
    if isinstance(value, Place | Policy | Rung | Window | Candidate | ShadowChoice):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [_stored(item) for item in value]
    return value


def _plain(value: Any) -> str:
    """The driver's own UUIDs, and bytes as PostgreSQL reads them."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"{type(value).__name__} has no column")


@cache
def _upsert(table: SqlTable, columns: tuple[str, ...]) -> str:
    """Whole rows in one statement, their values by name out of JSON."""
    keys = [column.name for column in table.primary_key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    names = ", ".join(columns)
    return f"""
        INSERT INTO {table.name} ({names})
        SELECT {names} FROM json_populate_recordset(CAST(NULL AS {table.name}), CAST(:rows AS json))
        ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {changed}
    """


def _grouped(rows: Iterable[Row], build: Callable[[Row], Any]) -> dict[UUID, tuple[Any, ...]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row["case_id"], []).append(build(row))
    return {case_id: tuple(things) for case_id, things in found.items()}


def _given(row: Row, kind: type[Any], /, **converted: Any) -> Any:
    """A fact from its row: columns of the same name, but for those converted."""
    names = [field.name for field in fields(kind) if field.name not in converted and field.name in row]
    return kind(**{name: row[name] for name in names}, **converted)


def _case(row: Row) -> Case:
    case: Case = _given(
        row,
        Case,
        urgency=Urgency(row["urgency"]),
        place=Place.model_validate(row["place"]),
        unit_path=tuple(row["unit_path"]),
        ladder=tuple(Rung.model_validate(rung) for rung in row["ladder"]),
        policy=Policy.model_validate(row["policy"]),
        level=Level(row["level"]),
        state=CaseState(row["state"]),
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        excluded=tuple(row["excluded"]),
        ends_at_once=Outcome(row["ends_at_once"]) if row["ends_at_once"] else None,
        appointment=Window.model_validate(row["appointment"]) if row["appointment"] else None,
        questions=tuple(row["questions"]),
        extension=ExtensionState(row["extension"]) if row["extension"] else None,
    )
    return case


def _part(row: Row) -> Part:
    part: Part = _given(
        row, Part, role=PartRole(row["role"]), level=Level(row["level"]), state=PartState(row["state"])
    )
    return part


def _offer(row: Row) -> Offer:
    declined = row["declined_because"]
    offer: Offer = _given(
        row,
        Offer,
        post=Post(row["post"]),
        state=OfferState(row["state"]),
        declined_because=DeclineReason(declined) if declined else None,
        shadow=ShadowChoice.model_validate(row["shadow"]) if row["shadow"] else None,
    )
    return offer


def _arrival(row: Row) -> Arrival:
    arrival: Arrival = _given(row, Arrival, method=ArrivalMethod(row["method"]))
    return arrival


def _evidence(row: Row) -> EvidenceFile:
    file: EvidenceFile = _given(row, EvidenceFile)
    return file


def _note(row: Row) -> Note:
    note: Note = _given(row, Note, note=NoteKind(row["note"]))
    return note


def _return(row: Row) -> Return:
    ruling = row["ruling"]
    made: Return = _given(
        row, Return, basis=ReturnBasis(row["basis"]), ruling=Ruling(ruling) if ruling else None
    )
    return made


def _help_call(row: Row) -> HelpCall:
    call: HelpCall = _given(row, HelpCall, unit_ids=tuple(row["unit_ids"]))
    return call


def _statement(row: Row) -> Statement:
    statement: Statement = _given(row, Statement, kind=StatementKind(row["kind"]))
    return statement


def _flag(row: Row) -> Flag:
    flag: Flag = _given(
        row, Flag, entry=EntryKind(row["entry"]), flags=tuple(EntryFlag(one) for one in row["flags"])
    )
    return flag


_KINDS: dict[str, tuple[str, Callable[[Row], Any]]] = {
    "parts": (PARTS, _part),
    "offers": (OFFERS, _offer),
    "arrivals": (ARRIVALS, _arrival),
    "evidence": (EVIDENCE, _evidence),
    "notes": (NOTES, _note),
    "returns": (RETURNS, _return),
    "help_calls": (HELP_CALLS, _help_call),
    "statements": (STATEMENTS, _statement),
    "flags": (FLAGS, _flag),
}
_ALWAYS = {"parts", "offers", "arrivals", "evidence", "notes"}
_TABLES: dict[str, type[Any]] = {
    "parts": PartRow,
    "offers": OfferRow,
    "arrivals": ArrivalRow,
    "evidence": EvidenceRow,
    "notes": NoteRow,
    "returns": ReturnRow,
    "help_calls": HelpCallRow,
    "statements": StatementRow,
    "flags": FlagRow,
}
