"""Once a month is over, its figures are published for everybody: once, with nothing small in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from services.insight.figures.definition import Definition, Form, Value, rate
from services.insight.figures.public import PUBLIC
from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts, publications
from services.insight.queries.counts import Scope
from services.insight.rules import months, suppression
from services.insight.rules.naming import Dimension, named, zone_of
from services.insight.rules.suppression import Cell, Published, Shown
from shared.database import Transaction
from shared.directory import Directory
from shared.vocabulary import Level

SPLIT_BY = (Dimension.UNIT, Dimension.CHANNEL, Dimension.URGENCY)


async def publish_due(tx: Transaction, after_days: int) -> list[date]:
    """Publish the oldest month that is due; those still due after it. In one picture (queries.picture): a month is
    some thirty counts, and what is hidden is worked out from all of them together."""
    zone = zone_of(tx.directory)
    due = months.due(
        await publications.first_case_at(tx),
        await publications.months(tx),
        now := await tx.now(),
        zone,
        after_days,
    )
    if due:
        await publications.publish(tx, due[0], await edition(tx, due[0], zone, now))
    return due[1:]


async def edition(tx: Transaction, month: date, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """The figures of the month as they may be read."""
    span = (months.begins(month, zone), months.begins(months.next_month(month), zone))
    tables = {by: await _tables(tx, by, Scope(_units(tx.directory, by), *span, now)) for by in SPLIT_BY}
    figures = [
        _figure(DEFINITIONS[name], {by: found[name] for by, found in tables.items()}, tx.directory)
        for population in PUBLIC
        for name in population.figures
    ]
    return {"month": month.isoformat(), "figures": figures}


async def _tables(tx: Transaction, by: Dimension, scope: Scope) -> dict[str, suppression.Table]:
    """Every figure over the groups of one dimension, population after population."""
    published: dict[str, Published] = {}
    for population in PUBLIC:
        cells = {name: await _cells(tx, DEFINITIONS[name], scope, by) for name in population.figures}
        found = suppression.publish(
            cells,
            counts={name for name in cells if DEFINITIONS[name].form is Form.COUNT},
            nested=population.nested,
            inside=[published[name] for name in population.holds],
        )
        published |= {name: Published(cells[name], table) for name, table in found.items()}
    return {name: each.table for name, each in published.items()}


async def _cells(tx: Transaction, definition: Definition, scope: Scope, by: Dimension) -> dict[str, Cell]:
    parts = await counts.groups(tx, definition, scope, by)
    return {key: Cell(int(part.n), part.d) for key, part in parts.items()}


def _units(directory: Directory, by: Dimension) -> tuple[str, ...]:
    """All there is; split by unit, what stands above the communities, so that the next below is one of them."""
    roots = {unit.id for unit in directory.units.values() if unit.parent_id is None}
    above = {
        unit.parent_id
        for unit in directory.units.values()
        if unit.level is Level.COMMUNITY and unit.parent_id is not None
    }
    return tuple(sorted(above | roots if by is Dimension.UNIT else roots))


def _figure(
    definition: Definition, tables: Mapping[Dimension, suppression.Table], directory: Directory
) -> dict[str, Any]:
    # Every dimension splits the same cases, so the total is the same in each; hidden in one, it is hidden.
    totals = [table.total for table in tables.values()]
    total = totals[0] if len(set(totals)) == 1 else Shown(None, None)
    return {
        "name": definition.name,
        "version": definition.version,
        "title": definition.title.model_dump(),
        "unit": definition.unit,
        "form": definition.form,
        "numerator": definition.numerator.model_dump(),
        "denominator": definition.denominator.model_dump(),
        "exclusions": definition.exclusions.model_dump(),
        "total": _shown(total, definition),
        "tables": [
            {
                "by": by,
                "groups": [
                    {"key": key, "label": named(by, key, directory), **_shown(cell, definition)}
                    for key, cell in table.groups.items()
                ],
            }
            for by, table in tables.items()
        ],
    }


def _shown(cell: Shown, definition: Definition) -> dict[str, Any]:
    share = None
    if cell.n is not None and cell.d is not None and definition.form is not Form.COUNT:
        share = rate(Value(Decimal(cell.n), cell.d), definition)
    return {"n": cell.n, "d": cell.d, "rate": None if share is None else str(share)}
