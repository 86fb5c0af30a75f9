"""Things in and out of their tables: whole sets in one statement, pages by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.registry.queries.ahead import away
from services.registry.rules.flaws import in_range
from services.registry.rules.things import PLURAL, Known, T, Thing, id_of, skills_of, units_named_by
from shared.database import Row, Transaction
from shared.events.things import REGISTRY_SUBJECT
from shared.things import (
    Calendar,
    Category,
    DutyList,
    JobRole,
    Person,
    Policy,
    PolicyUse,
    Shift,
    Skill,
    Snippet,
    Unit,
)

TABLES: dict[type[Thing], str] = PLURAL

# Compared as jsonb, because the order of keys in a text is no difference.
CHANGED = {
    kind: f"""
    SELECT new.place FROM unnest(CAST(:ids AS text[]), CAST(:bodies AS text[])) WITH ORDINALITY AS new(id, body, place)
    LEFT JOIN {table} AS old ON old.id = new.id
    WHERE old.body IS DISTINCT FROM CAST(new.body AS jsonb) ORDER BY new.place
    """
    for kind, table in TABLES.items()
}

PRESENT = {
    kind: f"SELECT id FROM {table} WHERE id = ANY(CAST(:ids AS text[]))" for kind, table in TABLES.items()
}

SAVE = {
    kind: f"""
    INSERT INTO {table} (id, revision, body)
    SELECT id, revision, CAST(body AS jsonb)
    FROM unnest(CAST(:ids AS text[]), CAST(:revisions AS bigint[]), CAST(:bodies AS text[])) AS new(id, revision, body)
    ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, body = excluded.body
    """
    for kind, table in TABLES.items()
}

SAVE[Shift] = """
    INSERT INTO shifts (id, revision, body, starts_at, ends_at)
    SELECT id, revision, CAST(body AS jsonb), CAST(CAST(body AS jsonb) ->> 'starts_at' AS timestamptz),
           CAST(CAST(body AS jsonb) ->> 'ends_at' AS timestamptz)
    FROM unnest(CAST(:ids AS text[]), CAST(:revisions AS bigint[]), CAST(:bodies AS text[])) AS new(id, revision, body)
    ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, body = excluded.body,
        starts_at = excluded.starts_at, ends_at = excluded.ends_at
"""

PAGE = {
    kind: f"""
    SELECT CAST(body AS text) AS body FROM {table}
    WHERE id > :after AND (:retired OR body ->> 'retired_at' IS NULL) ORDER BY id LIMIT :rows_max
    """
    for kind, table in TABLES.items()
}

SHIFT_PAGE = """
    SELECT CAST(body AS text) AS body FROM shifts
    WHERE id > :after AND (:retired OR body ->> 'retired_at' IS NULL)
      AND (CAST(:person_id AS text) IS NULL OR person_id = :person_id)
      AND (CAST(:unit_id AS text) IS NULL OR unit_id = :unit_id)
      AND (CAST(:starts_before AS timestamptz) IS NULL OR starts_at < :starts_before)
      AND (CAST(:ends_after AS timestamptz) IS NULL OR ends_at > :ends_after)
    ORDER BY id LIMIT :rows_max
"""

ONE = {
    kind: f"SELECT CAST(body AS text) AS body, revision FROM {table} WHERE id = :id"
    for kind, table in TABLES.items()
}

REVISIONS = {
    kind: f"SELECT id, revision FROM {table} WHERE id = ANY(CAST(:ids AS text[]))"
    for kind, table in TABLES.items()
}

ALL = {kind: f"SELECT CAST(body AS text) AS body FROM {table} ORDER BY id" for kind, table in TABLES.items()}

SHIFTS_OF = """
    SELECT CAST(body AS text) AS body FROM shifts
    WHERE person_id = :person_id AND starts_at <= :now AND ends_at > :now ORDER BY id
"""

BY_ID = {
    kind: f"SELECT CAST(body AS text) AS body FROM {table} WHERE id = ANY(CAST(:ids AS text[])) ORDER BY id"
    for kind, table in TABLES.items()
}

# By what a grant is held as; what ships is held as itself.
HOLDS_A_ROLE = """EXISTS (
    SELECT FROM jsonb_array_elements(body -> 'grants') AS held
    WHERE coalesce(held ->> 'held_as', held ->> 'role') = ANY(CAST(:ids AS text[])))
"""
HOLDERS = f"SELECT CAST(body AS text) AS body FROM people WHERE {HOLDS_A_ROLE} ORDER BY id"

HANGING_MAX = 20
"""Enough to name in a refusal."""


def _hanging(table: str, condition: str) -> str:
    return f"""
        SELECT CAST(body AS text) AS body FROM {table}
        WHERE body ->> 'retired_at' IS NULL AND {condition} ORDER BY id LIMIT :rows_max
    """


def _holds(name: str) -> str:
    """Whether one of the body's `name` stands in one of the units."""
    path = f"$.{name}[*].unit_id"
    return f"jsonb_path_query_array(body, '{path}') ?| CAST(:ids AS text[])"


AHEAD = "ends_at > business_now()"

HANGING_ON: dict[tuple[type[Thing], type[Thing]], str] = {
    (Unit, Person): _hanging("people", f"({_holds('posts')} OR {_holds('grants')})"),
    (Unit, Shift): _hanging("shifts", f"unit_id = ANY(CAST(:ids AS text[])) AND {AHEAD}"),
    (Unit, DutyList): _hanging("duty_lists", "unit_id = ANY(CAST(:ids AS text[]))"),
    (Unit, PolicyUse): _hanging("policy_uses", "unit_id = ANY(CAST(:ids AS text[]))"),
    (Unit, Category): _hanging("categories", "body ->> 'rightful_unit_id' = ANY(CAST(:ids AS text[]))"),
    (Person, Shift): _hanging("shifts", f"person_id = ANY(CAST(:ids AS text[])) AND {AHEAD}"),
    (Policy, PolicyUse): _hanging("policy_uses", "policy_id = ANY(CAST(:ids AS text[]))"),
    (Category, DutyList): _hanging("duty_lists", "body -> 'category_codes' ?| CAST(:ids AS text[])"),
    (Category, PolicyUse): _hanging("policy_uses", "category_code = ANY(CAST(:ids AS text[]))"),
    (Category, Snippet): _hanging("snippets", "category_code = ANY(CAST(:ids AS text[]))"),
    (Skill, Person): _hanging("people", "body -> 'skills' ?| CAST(:ids AS text[])"),
    (Skill, Category): _hanging("categories", "body -> 'skills_wanted' ?| CAST(:ids AS text[])"),
    (JobRole, Person): _hanging("people", HOLDS_A_ROLE),
    (Calendar, Unit): _hanging("units", "calendar_id = ANY(CAST(:ids AS text[]))"),
}
"""What of a kind refers to things of another; (what is retired, what hangs on it)."""

# UNION, not UNION ALL: it ends also where units stand above each other in a circle.
PATHS = """
    WITH RECURSIVE path AS (
        SELECT id, parent_id FROM units WHERE id = ANY(CAST(:ids AS text[]))
        UNION SELECT units.id, units.parent_id FROM units JOIN path ON units.id = path.parent_id
    )
    SELECT CAST(body AS text) AS body FROM units WHERE id IN (SELECT id FROM path) ORDER BY id
"""

CALENDARS_IN_USE = """
    SELECT CAST(calendars.body AS text) AS body, count(units.id) AS units
    FROM calendars JOIN units ON units.calendar_id = calendars.id AND units.body ->> 'retired_at' IS NULL
    WHERE calendars.body ->> 'retired_at' IS NULL GROUP BY calendars.id ORDER BY calendars.id
"""

REVISION = "SELECT published FROM heads WHERE subject_id = :subject_id"


async def revision(tx: Transaction) -> int:
    """The registry's revision: of the last change, counting those this transaction has announced."""
    rows = await tx.rows(REVISION, subject_id=REGISTRY_SUBJECT)
    return (int(rows[0]["published"]) if rows else 0) + tx.published


async def known_about(tx: Transaction, things: Sequence[Thing], person_id: str | None = None) -> Known:
    """As much of the registry as `things` and what they replace refer to, what hangs on those that are to be retired,
    and what the rights of `person_id` hang on.

    Ten thousand people who go on duty at eight must not each read all the others. Only a change of units reads all
    units, because ground may be shared with any of them, and one of the catalogue all of the catalogue.
    """
    found = await _as_they_are(tx, things)
    found += await _hanging_on(tx, [thing for thing in things if thing.retired_at is not None])
    about = {thing.person_id for thing in things if isinstance(thing, Shift)} | {person_id or ""}
    people = await _by_id(tx, Person, about)
    lenders = {lent.person_id for person in people if person.id == person_id for lent in person.acts_for}
    found += [*people, *await _by_id(tx, Person, lenders)]
    found += await _by_id(tx, Skill, {id for thing in things for id in skills_of(thing)})
    if any(isinstance(thing, Person | JobRole) for thing in things):
        found += await _all(tx, JobRole)
    units_change = any(isinstance(thing, Unit) for thing in things)
    if units_change:
        found += await _all(tx, Unit)
    else:
        named = {unit_id for thing in (*things, *found) for unit_id in units_named_by(thing)}
        named |= {thing.rightful_unit_id or "" for thing in things if isinstance(thing, Category)}
        ids = sorted(named)
        found += [_read(Unit, row) for row in await tx.rows(PATHS, ids=ids)]
    if any(isinstance(thing, Category | Policy | PolicyUse | DutyList | Snippet) for thing in things):
        found += [*await _all(tx, Category), *await _all(tx, Policy)]
    if any(isinstance(thing, DutyList) for thing in things):
        found += await _all(tx, DutyList)
    if units_change or any(isinstance(thing, Calendar) for thing in things):
        found += await _all(tx, Calendar)
    shifts = [thing for thing in things if isinstance(thing, Shift) and _is_a_time(thing.starts_at)]
    first = min((shift.starts_at for shift in shifts), default=None)
    absent = {} if first is None else await away(tx, {shift.person_id for shift in shifts}, first)
    return replace(Known.of(found), away=absent)


def _is_a_time(at: datetime) -> bool:
    """What the database can be asked about; the others are flaws."""
    return at.tzinfo is not None and in_range(at)


async def _as_they_are(tx: Transaction, things: Sequence[Thing]) -> list[Thing]:
    """What is stored under the ids of `things`."""
    found: list[Thing] = []
    kind: Any
    for kind in TABLES:
        if ids := {id_of(thing) for thing in things if isinstance(thing, kind)}:
            found += await _by_id(tx, kind, ids)
    return found


async def _hanging_on(tx: Transaction, retiring: Sequence[Thing]) -> list[Thing]:
    """What refers to the things being retired and is not retired itself, up to HANGING_MAX of each kind."""
    found: list[Thing] = []
    kind: Any
    for (of, kind), sql in HANGING_ON.items():
        if ids := sorted(id_of(thing) for thing in retiring if isinstance(thing, of)):
            rows = await tx.rows(sql, ids=ids, rows_max=HANGING_MAX)
            found += [_read(kind, row) for row in rows]
    return found


async def _all(tx: Transaction, kind: type[T]) -> list[T]:
    return [_read(kind, row) for row in await tx.rows(ALL[kind])]


async def _by_id(tx: Transaction, kind: type[T], ids: Iterable[str]) -> list[T]:
    return [_read(kind, row) for row in await tx.rows(BY_ID[kind], ids=sorted(ids))]


async def roles(tx: Transaction) -> dict[str, JobRole]:
    """Every role the registry holds, by id."""
    return {role.id: role for role in await _all(tx, JobRole)}


async def holders(tx: Transaction, role_ids: Iterable[str]) -> list[Person]:
    """Whoever holds one of these roles or held it when they left."""
    return [_read(Person, row) for row in await tx.rows(HOLDERS, ids=sorted(role_ids))]


async def absent(tx: Transaction, things: Sequence[Thing]) -> list[Thing]:
    """Those of `things` whose ids the registry does not know."""
    absent: list[Thing] = []
    for kind in TABLES:
        of_kind = [thing for thing in things if isinstance(thing, kind)]
        if of_kind:
            rows = await tx.rows(PRESENT[kind], ids=[id_of(thing) for thing in of_kind])
            present = {row["id"] for row in rows}
            absent += [thing for thing in of_kind if id_of(thing) not in present]
    return absent


async def really_changed(tx: Transaction, things: Sequence[Thing]) -> list[Thing]:
    """Those of `things` that differ from what is stored, in an order in which none precedes what it refers to."""
    changed: list[Thing] = []
    for kind in TABLES:
        of_kind = [thing for thing in things if isinstance(thing, kind)]
        if of_kind:
            rows = await tx.rows(CHANGED[kind], ids=[id_of(t) for t in of_kind], bodies=_bodies(of_kind))
            changed += [of_kind[row["place"] - 1] for row in rows]
    return changed


async def save(tx: Transaction, things: Sequence[Thing], first_revision: int) -> None:
    """Store `things` under revisions that count up from `first_revision`."""
    numbered = list(enumerate(things, start=first_revision))
    for kind in TABLES:
        of_kind = [(revision, thing) for revision, thing in numbered if isinstance(thing, kind)]
        of_kind.sort(key=lambda each: each[1].retired_at is None)  # who leaves makes room first
        if of_kind:
            await tx.rows(
                SAVE[kind],
                ids=[id_of(thing) for _, thing in of_kind],
                revisions=[revision for revision, _ in of_kind],
                bodies=_bodies([thing for _, thing in of_kind]),
            )


async def page(tx: Transaction, kind: type[T], after: str, rows_max: int, *, retired: bool) -> list[T]:
    """The next things of a kind by id."""
    rows = await tx.rows(PAGE[kind], after=after, rows_max=rows_max, retired=retired)
    return [_read(kind, row) for row in rows]


async def shift_page(
    tx: Transaction,
    after: str,
    rows_max: int,
    *,
    retired: bool,
    person_id: str | None,
    unit_id: str | None,
    starts_before: datetime | None,
    ends_after: datetime | None,
) -> list[Shift]:
    """The next shifts by id of a person, of a unit, in a time; `None` does not narrow."""
    rows = await tx.rows(
        SHIFT_PAGE,
        after=after,
        rows_max=rows_max,
        retired=retired,
        person_id=person_id,
        unit_id=unit_id,
        starts_before=starts_before,
        ends_after=ends_after,
    )
    return [_read(Shift, row) for row in rows]


async def present(tx: Transaction, kind: type[T], ids: Iterable[str]) -> dict[str, T]:
    """The things of a kind that there are under these ids."""
    return {id_of(thing): thing for thing in await _by_id(tx, kind, set(ids))}


async def under(tx: Transaction, ids: Sequence[tuple[type[Thing], str]]) -> Known:
    """What there is under these kinds and ids, and nothing else."""
    found: list[Thing] = []
    kind: Any
    for kind in TABLES:
        if wanted := {id for of, id in ids if of is kind}:
            found += await _by_id(tx, kind, wanted)
    return Known.of(found)


async def one(tx: Transaction, kind: type[T], id: str) -> tuple[T, int] | None:
    """A thing and its revision."""
    rows = await tx.rows(ONE[kind], id=id)
    return (_read(kind, rows[0]), int(rows[0]["revision"])) if rows else None


async def revisions(tx: Transaction, kind: type[Thing], ids: Iterable[str]) -> dict[str, int]:
    """The revisions of those of a kind that there are, by id."""
    rows = await tx.rows(REVISIONS[kind], ids=sorted(set(ids)))
    return {row["id"]: int(row["revision"]) for row in rows}


async def calendars_in_use(tx: Transaction) -> list[tuple[Calendar, int]]:
    """Calendars that are not retired, with how many units count by them."""
    rows = await tx.rows(CALENDARS_IN_USE)
    return [(_read(Calendar, row), int(row["units"])) for row in rows]


async def shifts_now(tx: Transaction, person_id: str, now: datetime) -> list[Shift]:
    return [_read(Shift, row) for row in await tx.rows(SHIFTS_OF, person_id=person_id, now=now)]


def _read(kind: type[T], row: Row) -> T:
    return kind.model_validate_json(row["body"])


def _bodies(things: Sequence[Thing]) -> list[str]:
    return [thing.model_dump_json() for thing in things]
