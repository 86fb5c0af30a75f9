"""Which cells of a public table are left out, so that no number below five can be read or worked out from it.

A cell is a group's (n, d). n, d and d − n are all numbers somebody may read or get by subtraction, so each of them
counts as small below five, nought included. What is left out alone could be subtracted from the total; so more cells
go with it until what is left out together is large on both sides as well. The table does not say which cell is small
and which went with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

SMALL = 5
TOGETHER_MIN = 2


@dataclass(frozen=True)
class Cell:
    """A group's n of d."""

    n: int
    d: int

    @property
    def rest(self) -> int:
        return self.d - self.n


@dataclass(frozen=True)
class Shown:
    """What may be read: None where it is left out."""

    n: int | None
    d: int | None


@dataclass(frozen=True)
class Table:
    """One figure over the groups of one dimension."""

    total: Shown
    groups: Mapping[str, Shown]


def publish(tables: Mapping[str, Mapping[str, Cell]], *, counts: Collection[str] = ()) -> dict[str, Table]:
    """Tables whose denominators are the same population, by figure: a d left out of one is left out of all, or it
    could be read from its neighbour. `counts` are plain counts, where n is d and nothing remains."""
    without_d = _without_d(tables)
    return {name: _table(groups, without_d, plain=name in counts) for name, groups in tables.items()}


def _table(groups: Mapping[str, Cell], without_d: set[str], *, plain: bool) -> Table:
    total = Cell(sum(cell.n for cell in groups.values()), sum(cell.d for cell in groups.values()))
    shows_d = total.d >= SMALL
    hidden_d = without_d if shows_d else set(groups)
    shows_n = shows_d and (plain or min(total.n, total.rest) >= SMALL)
    hidden_n = _without_n(groups, hidden_d, plain=plain) if shows_n else set(groups)
    return Table(
        total=Shown(total.n if shows_n else None, total.d if shows_d else None),
        groups={
            key: Shown(None if key in hidden_n else cell.n, None if key in hidden_d else cell.d)
            for key, cell in groups.items()
        },
    )


def _without_d(tables: Mapping[str, Mapping[str, Cell]]) -> set[str]:
    """The groups whose d is left out in every table."""
    hidden = {key for groups in tables.values() for key, cell in groups.items() if cell.d < SMALL}
    while hidden and (more := _next(hidden, [{k: c.d for k, c in t.items()} for t in tables.values()])):
        hidden.add(more)
    return hidden


def _without_n(groups: Mapping[str, Cell], without_d: set[str], *, plain: bool) -> set[str]:
    if plain:
        return without_d
    hidden = {key for key, cell in groups.items() if min(cell.n, cell.rest) < SMALL} | without_d
    sides = [{key: cell.n for key, cell in groups.items()}, {key: cell.rest for key, cell in groups.items()}]
    while hidden and (more := _next(hidden, sides)):
        hidden.add(more)
    return hidden


def _next(hidden: set[str], sides: list[dict[str, int]]) -> str | None:
    """The group to leave out as well: the smallest of those shown, while the hidden ones are too few or too small
    together. None when they are not, or when nothing is left."""
    enough = len(hidden) >= TOGETHER_MIN and all(
        sum(side.get(key, 0) for key in hidden) >= SMALL for side in sides
    )
    shown = {key for side in sides for key in side} - hidden
    if enough or not shown:
        return None
    return min(shown, key=lambda key: (sum(side.get(key, 0) for side in sides), key))
