"""Which cells of a public table are left out, so that no number below five can be read or worked out from it.

A cell is a group's (n, d). n, d and d − n are all numbers somebody may read or get by subtraction, so each of them
counts as small below five, nought included. What is left out alone could be subtracted from the total; so more cells
go with it until what is left out together is large on both sides as well. The table does not say which cell is small
and which went with it. Where the cases of one figure are all cases of another one's (a success came in time), what
lies between the two can be had by subtraction too, and counts like a number of the later figure. So does what one
denominator has more than its neighbour: it is how many the neighbour's definition leaves out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

SMALL = 5
TOGETHER_MIN = 2
NOTHING_NESTED: Mapping[str, Sequence[str]] = MappingProxyType({})


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


NOTHING = Shown(None, None)


@dataclass(frozen=True)
class Table:
    """One figure over the groups of one dimension."""

    total: Shown
    groups: Mapping[str, Shown]


def publish(
    tables: Mapping[str, Mapping[str, Cell]],
    *,
    counts: Collection[str] = (),
    nested: Mapping[str, Sequence[str]] = NOTHING_NESTED,
) -> dict[str, Table]:
    """Tables whose denominators are the same population, by figure: a d left out of one is left out of all, or it
    could be read from its neighbour. `counts` are plain counts, where n is d and nothing remains; `nested` are, by
    figure, the others whose n holds all of its cases, or all of whose cases its n holds."""
    without_d = _without_d(tables)
    shown: dict[str, Table] = {}
    for name, groups in tables.items():
        between = [_between(groups, tables[other]) for other in nested.get(name, ())]
        apart = [_apart(groups, tables[earlier]) for earlier in shown]
        if any(_tells(sum(gaps.values())) for gaps in apart):
            shown[name] = Table(NOTHING, dict.fromkeys(groups, NOTHING))
        else:
            shown[name] = _table(groups, _with_gaps(groups, without_d, apart), between, plain=name in counts)
    return shown


def _apart(groups: Mapping[str, Cell], others: Mapping[str, Cell]) -> dict[str, int]:
    """By how much the denominators differ; a group that one of them does not have is nought there."""
    nought = Cell(0, 0)
    keys = {**groups, **others}
    return {key: groups.get(key, nought).d - others.get(key, nought).d for key in keys}


def _tells(gap: int) -> bool:
    """None at all tells nothing: then the two are one population."""
    return 0 < abs(gap) < SMALL


def _with_gaps(
    groups: Mapping[str, Cell], without_d: set[str], apart: Sequence[Mapping[str, int]]
) -> set[str]:
    """The groups whose d is left out of this table: those left out of all, those whose d would tell a small difference
    from an earlier table's, and as many more as it takes that all of them together tell none."""
    hidden = without_d | {key for gaps in apart for key in groups if _tells(gaps[key])}
    while hidden and (left := groups.keys() - hidden):
        together = sum(groups[key].d for key in hidden if key in groups)
        if (
            len(hidden) >= TOGETHER_MIN
            and together >= SMALL
            and not any(_tells(sum(gaps.get(key, 0) for key in hidden)) for gaps in apart)
        ):
            break
        hidden.add(min(left, key=lambda key: (groups[key].d, key)))
    return hidden


def _between(groups: Mapping[str, Cell], others: Mapping[str, Cell]) -> dict[str, int]:
    return {key: abs(cell.n - others[key].n) if key in others else cell.n for key, cell in groups.items()}


def _table(
    groups: Mapping[str, Cell], without_d: set[str], between: Sequence[Mapping[str, int]], *, plain: bool
) -> Table:
    total = Cell(sum(cell.n for cell in groups.values()), sum(cell.d for cell in groups.values()))
    shows_d = total.d >= SMALL
    hidden_d = without_d if shows_d else set(groups)
    sides = [
        {key: cell.n for key, cell in groups.items()},
        {key: cell.rest for key, cell in groups.items()},
        *between,
    ]
    shows_n = shows_d and (plain or min(sum(side.values()) for side in sides) >= SMALL)
    hidden_n = (hidden_d if plain else _without_n(sides, hidden_d)) if shows_n else set(groups)
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


def _without_n(sides: Sequence[Mapping[str, int]], without_d: set[str]) -> set[str]:
    """The groups whose n is left out; the sides are every number that n would tell."""
    hidden = {key for side in sides for key, number in side.items() if number < SMALL} | without_d
    while hidden and (more := _next(hidden, sides)):
        hidden.add(more)
    return hidden


def _next(hidden: set[str], sides: Sequence[Mapping[str, int]]) -> str | None:
    """The group to leave out as well: the smallest of those shown, while the hidden ones are too few or too small
    together. None when they are not, or when nothing is left."""
    enough = len(hidden) >= TOGETHER_MIN and all(
        sum(side.get(key, 0) for key in hidden) >= SMALL for side in sides
    )
    shown = {key for side in sides for key in side} - hidden
    if enough or not shown:
        return None
    return min(shown, key=lambda key: (sum(side.get(key, 0) for side in sides), key))
