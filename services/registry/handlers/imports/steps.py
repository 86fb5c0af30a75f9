"""An import goes on step by step, each a transaction of its own that a timer starts: a process that dies loses none.

Checking changes nothing in the registry. Writing puts in a batch of good lines at a time, with the rights that
whoever made the import has then; what changed since the check is found again and reported by line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import IO
from uuid import UUID
from zoneinfo import ZoneInfo

from services.registry import metrics
from services.registry.handlers.imports.reading import read
from services.registry.handlers.things import hold_still, in_whose_place, put_things, rights_of
from services.registry.queries import imports as stored
from services.registry.queries import things as things_stored
from services.registry.queries.imports import Import, ImportState, LineState
from services.registry.rules import imports as rules
from services.registry.rules.imports import Checked, Line
from services.registry.rules.sheets import SHEETS, sheet_of_kind
from services.registry.rules.things import SINGULAR, Known, Thing, id_of, kind_name
from shared.database import Transaction
from shared.event import Actor
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.problems import Problem, not_found
from shared.things import Calendar, Category, JobRole, Person, Shift, Skill, Unit
from shared.timers import Due
from shared.vocabulary import ActorKind, Channel, Role

NEXT_STEP = "import_step"
FORGOTTEN = "import_forgotten"
KEPT_DAYS = 30
KINDS = tuple(SINGULAR[sheet.kind] for sheet in SHEETS)
CHECK_LINES_MAX = {kind: rules.LINES_MAX if kind == SINGULAR[Unit] else 1000 for kind in KINDS}
"""Units are looked at all together, for they stand above and beside each other."""
NAMED_BY = {
    SINGULAR[Unit]: (Calendar,),
    SINGULAR[Person]: (Unit, Skill),
    SINGULAR[Category]: (Unit, Skill),
    SINGULAR[Shift]: (Unit,),
}
"""Which kinds lines may refer to that came before them in the file; a shift to its own people only."""
WRITE_LINES_MAX = 200
FILE_NAME_CHARACTERS_MAX = 200
LOCAL_ZONE = "Asia/Shanghai"
"""Times without a zone are meant so where the registry holds no calendar."""


async def take_in(tx: Transaction, file: IO[bytes], file_name: str, who: SignedIn) -> Import:
    """Read the file and begin to check it; nothing in the registry changes."""
    zone = await _zone(tx)
    format_, lines = await asyncio.to_thread(read, file, file_name, zone)
    if not lines:
        raise Problem(
            422,
            "file-empty",
            "文件中没有数据行 / The file has no lines",
            detail="首行为列名，其后每行一条 / The first row names the columns, each row after it is one thing",
        )
    id = uuid7()
    now = await tx.lock(id)
    name = file_name.replace("\x00", "")[-FILE_NAME_CHARACTERS_MAX:]
    await stored.insert(tx, id, format_, name, who.person_id, now, lines)
    tx.arm(id, NEXT_STEP, now)
    return await _found(tx, id)


async def _zone(tx: Transaction) -> ZoneInfo:
    calendars = await things_stored.page(tx, Calendar, "", 1, retired=False)
    return ZoneInfo(calendars[0].time_zone if calendars else LOCAL_ZONE)


async def commit(tx: Transaction, id: UUID, who: SignedIn) -> Import:
    """Put the good lines in; asking twice is no error."""
    now = await tx.lock(id)
    one = await of_person(tx, id, who)
    if one.state in (ImportState.WRITING, ImportState.DONE):
        return one
    if one.state is not ImportState.CHECKED or not one.lines_good:
        raise Problem(
            409,
            "import-not-ready",
            "现在不能写入 / It cannot be written now",
            detail="须检查完毕、未取消，且至少有一行合格 / It has to be checked, not cancelled, with a good line in it",
            state=one.state,
            lines_good=one.lines_good,
        )
    await stored.set_state(tx, id, ImportState.WRITING)
    tx.disarm(id, FORGOTTEN)
    tx.arm(id, NEXT_STEP, now)
    return await _found(tx, id)


async def cancel(tx: Transaction, id: UUID, who: SignedIn) -> Import:
    """Stop it; what was written stays, what was not is left out."""
    now = await tx.lock(id)
    one = await of_person(tx, id, who)
    if one.state not in (ImportState.DONE, ImportState.CANCELLED):
        tx.disarm(id, NEXT_STEP)
        await _end(tx, id, ImportState.CANCELLED, now)
    return await _found(tx, id)


async def of_person(tx: Transaction, id: UUID, who: SignedIn) -> Import:
    """An import, for whoever made it: its lines hold what only they may see."""
    one = await stored.one(tx, id)
    if one is None or one.made_by != who.person_id:
        raise not_found()
    return one


async def _found(tx: Transaction, id: UUID) -> Import:
    if (one := await stored.one(tx, id)) is None:
        raise not_found()
    return one


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def next_step(tx: Transaction, due: Due, now: datetime) -> None:
    """One batch, and the timer for the next."""
    one = await stored.one(tx, due.subject_id)
    if one is None or one.state not in (ImportState.CHECKING, ImportState.WRITING):
        return
    step = _check_some if one.state is ImportState.CHECKING else _write_some
    if await step(tx, one, now):
        tx.arm(one.id, NEXT_STEP, now)
    elif one.state is ImportState.CHECKING:
        await stored.set_state(tx, one.id, ImportState.CHECKED)
        tx.arm(one.id, FORGOTTEN, now + timedelta(days=KEPT_DAYS))
    else:
        await _end(tx, one.id, ImportState.DONE, now)
    await stored.count(tx, one.id)


async def forget(tx: Transaction, due: Due, now: datetime) -> None:
    """Its lines hold names; the registry's own history tells what it changed."""
    await stored.forget(tx, due.subject_id)


async def _end(tx: Transaction, id: UUID, state: ImportState, now: datetime) -> None:
    await stored.set_state(tx, id, state, now)
    tx.arm(id, FORGOTTEN, now + timedelta(days=KEPT_DAYS))


async def _check_some(tx: Transaction, one: Import, now: datetime) -> bool:
    """Look at the next lines; false when none is left."""
    lines = await stored.to_check(tx, one.id, KINDS, CHECK_LINES_MAX)
    if not lines:
        return False
    known = await _known_with_file(tx, one, lines)
    before = await stored.keys_before(tx, one.id, lines)
    grants = rights_of(one.made_by, known, now)
    checked = await asyncio.to_thread(rules.check, lines, known, grants, before)
    states = dict.fromkeys(checked.good, LineState.GOOD) | dict.fromkeys(checked.refused, LineState.REFUSED)
    seen = await _revisions(tx, lines)
    revisions = {number: seen[id_of(thing)] for number, thing in checked.good.items() if id_of(thing) in seen}
    await stored.save_lines(tx, one.id, states, checked.refused, rules.ranks(checked.good, known), revisions)
    _count(checked.refused, "refused")
    return True


async def _known_with_file(tx: Transaction, one: Import, lines: Sequence[Line]) -> Known:
    """The registry as far as `lines` refer to it, with the good lines before them as if they were in."""
    known = await _known_to(tx, one, lines)
    kind = lines[0].kind
    earlier: list[Line] = []
    for before in NAMED_BY.get(kind, ()):
        earlier += await stored.good_lines(tx, one.id, SINGULAR[before])
    if kind == SINGULAR[Shift]:
        people = sorted({str(line.fields.get("person_id")) for line in lines})
        earlier += await stored.good_lines(tx, one.id, SINGULAR[Person], people)
    if not earlier:
        return known
    there = await _present(tx, one, earlier)
    made = [rules.made(line, there) for line in earlier]
    things = [thing for thing in made if not isinstance(thing, list)]
    around = await things_stored.known_about(tx, things)
    return known.after([*around.units.values(), *around.people.values(), *things])


async def _known_to(tx: Transaction, one: Import, lines: Sequence[Line]) -> Known:
    present = await _present(tx, one, lines)
    made = [rules.made(line, present) for line in lines if line.thing_id is not None and not line.problems]
    things = [thing for thing in made if not isinstance(thing, list)]
    known = await things_stored.known_about(tx, things, one.made_by)
    return known.after(present.things())


async def _present(tx: Transaction, one: Import, lines: Sequence[Line]) -> Known:
    """What there is already of what the lines name; for people with all roles, those that come with the file too, for
    a line may call one by its name."""
    ids = [(sheet_of_kind(line.kind).kind, line.thing_id) for line in lines if line.thing_id is not None]
    known = await things_stored.under(tx, ids)
    if all(line.kind != SINGULAR[Person] for line in lines):
        return known
    known = known.after((await things_stored.roles(tx)).values())
    earlier = await stored.good_lines(tx, one.id, SINGULAR[JobRole])
    made = [rules.made(line, known) for line in earlier]
    return known.after(thing for thing in made if not isinstance(thing, list))


async def _revisions(tx: Transaction, lines: Sequence[Line]) -> dict[str, int]:
    """Those of what is there, by id; the lines are of one kind."""
    kind = sheet_of_kind(lines[0].kind).kind
    return await things_stored.revisions(
        tx, kind, [line.thing_id for line in lines if line.thing_id is not None]
    )


async def _write_some(tx: Transaction, one: Import, now: datetime) -> bool:
    """Put in the next good lines, all of one kind; false when none is left."""
    lines = await stored.to_write(tx, one.id, KINDS, WRITE_LINES_MAX)
    if not lines:
        return False
    await hold_still(tx)
    lines = [line for line in lines if line.kind == lines[0].kind]
    known = await _known_to(tx, one, lines)
    checked = rules.check(lines, known, rights_of(one.made_by, known, now), {})
    rules.leave_what_moved(checked, lines, known, await _revisions(tx, lines))
    changed = await things_stored.really_changed(tx, list(checked.good.values()))
    actor = Actor(kind=ActorKind.STAFF, person_id=one.made_by, role=Role.ADMINISTRATOR)
    actor = in_whose_place(actor, one.made_by, changed, known, now)
    await _put(tx, one, changed, actor)
    states = _written(checked, changed)
    await stored.save_lines(tx, one.id, states, checked.refused)
    for state in (LineState.IN, LineState.UNCHANGED, LineState.REFUSED):
        _count([number for number, is_now in states.items() if is_now is state], state)
    return True


async def _put(tx: Transaction, one: Import, changed: Sequence[Thing], actor: Actor) -> None:
    """A role takes along those who hold it, whose lines may still be to come."""
    roles = any(isinstance(thing, JobRole) for thing in changed)
    untouched = await stored.people_as_checked(tx, one.id) if roles else []
    await put_things(tx, changed, actor, Channel.DESK)
    if untouched:
        await stored.checked_anew(tx, one.id, untouched)


def _written(checked: Checked, changed: Sequence[Thing]) -> dict[int, LineState]:
    new = {(kind_name(thing), id_of(thing)) for thing in changed}
    states = {
        number: LineState.IN if (kind_name(thing), id_of(thing)) in new else LineState.UNCHANGED
        for number, thing in checked.good.items()
    }
    return states | dict.fromkeys(checked.refused, LineState.REFUSED)


def _count(numbers: Mapping[int, object] | Sequence[int], end: str) -> None:
    metrics.IMPORT_LINES.labels(end=end).inc(len(numbers))
