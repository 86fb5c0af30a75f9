"""Figures and their drill-downs, counted one beside the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import timedelta
from decimal import Decimal

from services.insight.api.drilldown import Member, Side, page
from services.insight.figures.definition import CountUnit, Definition, Form, MadeOf, Value
from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts
from services.insight.queries.counts import Narrow, Scope
from services.insight.queries.picture import one_picture
from services.insight.rules.naming import Dimension
from shared.database import Database, Transaction

BEFORE = timedelta(days=1)
PAGE_ROWS = 200
"""Fewer than a figure of a few hundred cases has, so that cursors are followed."""
WITH_WORK = """
    SELECT unit_id, min(at) AS first_at
    FROM (SELECT unit_path, registered_at AS at FROM cases
          UNION ALL SELECT unit_path, counts_at FROM fieldwork WHERE counts_at IS NOT NULL) AS work,
         unnest(unit_path) AS unit_id
    GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Disagreement:
    """`side` is n, d or excluded of what `by` and `key` name (of the whole figure where empty); `counted` is what the
    figure says, `listed` what its drill-down has. A `by` without a key: the groups together."""

    figure: str
    unit_id: str
    by: str
    key: str
    side: str
    counted: Decimal
    listed: Decimal


async def check(database: Database) -> list[Disagreement]:
    """What does not agree; empty where all is well. Reads only, and holds up nobody who writes."""
    found: list[Disagreement] = []
    async with one_picture(database) as tx:
        now = await tx.now()
        units = await tx.rows(WITH_WORK)
        # Everything is prepared once per definition, so definitions are the outer loop.
        for definition in DEFINITIONS.values():
            for unit in units:
                scope = Scope((unit["unit_id"],), unit["first_at"] - BEFORE, now + timedelta(seconds=1), now)
                found += [wrong async for wrong in _of_unit(tx, definition, scope)]
    return found


async def _of_unit(tx: Transaction, definition: Definition, scope: Scope) -> AsyncIterator[Disagreement]:
    whole = await counts.value(tx, definition, scope)
    async for wrong in _compare(tx, definition, scope, whole):
        yield wrong
    if whole == Value(Decimal(0), 0):
        return
    for by in Dimension:
        groups = await counts.groups(tx, definition, scope, by)
        for wrong in _against(definition, scope, (by, ""), whole, _together(groups)):
            yield wrong
        if by in (Dimension.DAY, Dimension.WEEK):
            continue  # of years there are thousands; they are cut as months are
        for key, part in groups.items():
            within = replace(scope, narrow=Narrow(**{by.value: key}))
            async for wrong in _compare(tx, definition, within, part, by, key):
                yield wrong


async def _compare(
    tx: Transaction, definition: Definition, scope: Scope, value: Value, by: str = "", key: str = ""
) -> AsyncIterator[Disagreement]:
    """The value beside its lists: of the whole figure all three, of a group the cases of d, which say what each adds
    to n (there are thousands of groups)."""
    of_d = await _list(tx, definition, scope, "d")
    if by:
        of_n, excluded = [member for member in of_d if member.counted > 0], value.excluded
    else:
        of_n = await _list(tx, definition, scope, "n")
        excluded = len(_distinct(definition, await _list(tx, definition, scope, "excluded")))
    d = sum(member.listed for member in _distinct(definition, of_d).values())
    listed = Value(_sum(definition, of_n), d, excluded)
    for wrong in _against(definition, scope, (by, key), value, listed):
        yield wrong


async def _list(tx: Transaction, definition: Definition, scope: Scope, side: Side) -> list[Member]:
    """All the pages."""
    members: list[Member] = []
    cursor: str | None = None
    while True:
        read = await page(tx, definition, scope, side, cursor, PAGE_ROWS)
        members += read.cases
        if (cursor := read.next_cursor) is None:
            return members


def _sum(definition: Definition, members: list[Member]) -> Decimal:
    """A figure of cases has as many as its list is long; one of amounts, of weighted answers or of work that is no
    case, what they come to."""
    distinct = _distinct(definition, members)
    if definition.form is Form.PER_CASE or definition.weights or definition.made_of is not MadeOf.CASES:
        return sum((member.counted for member in distinct.values()), Decimal(0))
    return Decimal(len(distinct))


def _distinct(definition: Definition, members: list[Member]) -> Mapping[object, Member]:
    """A case counts once, in figures of case-times once in every round of it."""
    once = definition.unit is CountUnit.CASES
    return {member.case_id if once else (member.case_id, member.round): member for member in members}


def _together(groups: Mapping[str, Value]) -> Value:
    return Value(
        sum((part.n for part in groups.values()), Decimal(0)),
        sum(part.d for part in groups.values()),
        sum(part.excluded for part in groups.values()),
    )


def _against(
    definition: Definition, scope: Scope, of: tuple[str, str], counted: Value, listed: Value
) -> list[Disagreement]:
    return [
        Disagreement(definition.name, scope.unit_ids[0], *of, side, Decimal(said), Decimal(seen))
        for side, said, seen in zip(("n", "d", "excluded"), astuple(counted), astuple(listed), strict=True)
        if said != seen
    ]


def told(found: list[Disagreement]) -> str:
    """What a person reads at the end: a line for each, in columns."""
    if not found:
        return "every figure is as long as its drill-down"
    head = ("figure", "unit", "by", "group", "side", "figure says", "drill-down lists")
    rows = [head, *(tuple(str(value) for value in astuple(wrong)) for wrong in found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*(line.rstrip() for line in lines), f"{len(found)} do not agree"])
