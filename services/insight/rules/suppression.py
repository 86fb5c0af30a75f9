"""Which cells of a public table are left out, so that no number below five can be read or worked out from it.

A cell is a group's (n, d). n, d and d − n are all numbers somebody may read or get by subtraction, so each of them
counts as small below five, nought included. What is left out alone could be subtracted from the total; so more cells
go with it until what is left out together is large on both sides as well. The table does not say which cell is small
and which went with it. Where the cases of one figure are all cases of another one's (a success came in time), what
lies between the two can be had by subtraction too, and counts like a number of the later figure. So does what one
denominator has more than another: of the same cases it is how many the other's definition leaves out, of more cases
(all that were registered, beside the emergencies among them) how many are not of the other's kind.
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


@dataclass(frozen=True)
class Published:
    """A table with what it was made from."""

    cells: Mapping[str, Cell]
    table: Table


@dataclass(frozen=True)
class Beside:
    """Another table by whose d ours may be read: by how much they differ in each group (a group that one of them does
    not have is nought there), and which groups the other leaves out."""

    gaps: Mapping[str, int]
    hidden: frozenset[str]

    def had_from_totals(self, hidden: set[str]) -> list[int]:
        """Differences of several groups that the two totals give where ours leaves out `hidden`. What one table leaves
        out is known together; so is the difference there, if the other shows those groups or leaves them out too."""
        if hidden.isdisjoint(self.hidden):
            sides = [side for side in (hidden, self.hidden) if side]
        else:
            sides = [hidden | self.hidden]
        return [sum(self.gaps.get(key, 0) for key in side) for side in sides]


def publish(
    tables: Mapping[str, Mapping[str, Cell]],
    *,
    counts: Collection[str] = (),
    nested: Mapping[str, Sequence[str]] = NOTHING_NESTED,
    inside: Sequence[Published] = (),
) -> dict[str, Table]:
    """Tables whose denominators are the same population, by figure: a d left out of one is left out of all, or it
    could be read from its neighbour. `counts` are plain counts, where n is d and nothing remains; `nested` are, by
    figure, the others whose n holds all of its cases, or all of whose cases its n holds; `inside` are tables of other
    populations published already, all of whose cases are cases of these."""
    without_d = _without_d(tables)
    shown: dict[str, Table] = {}
    for name, groups in tables.items():
        between = [_between(groups, tables[other]) for other in nested.get(name, ())]
        earlier = [Published(tables[other], table) for other, table in shown.items()]
        beside = [_beside(groups, other) for other in (*inside, *earlier) if other.table.total.d is not None]
        hidden = _with_gaps(groups, without_d, beside)
        if hidden is None or any(_tells(sum(other.gaps.values())) for other in beside):
            shown[name] = Table(NOTHING, dict.fromkeys(groups, NOTHING))
        else:
            shown[name] = _table(groups, hidden, between, plain=name in counts)
    return shown


def _beside(groups: Mapping[str, Cell], other: Published) -> Beside:
    nought = Cell(0, 0)
    gaps = {
        key: groups.get(key, nought).d - other.cells.get(key, nought).d for key in {**groups, **other.cells}
    }
    return Beside(gaps, frozenset(key for key, cell in other.table.groups.items() if cell.d is None))


def _tells(gap: int) -> bool:
    """None at all tells nothing: then the two are one population."""
    return 0 < abs(gap) < SMALL


def _with_gaps(groups: Mapping[str, Cell], without_d: set[str], beside: Sequence[Beside]) -> set[str] | None:
    """The groups whose d is left out of this table: those left out of all, those whose d would tell a small difference
    from another table's, and as many more as it takes that none can be worked out. None where the total alone tells."""
    hidden = without_d | {
        key for other in beside for key in groups.keys() - other.hidden if _tells(other.gaps[key])
    }
    while True:
        together = sum(groups[key].d for key in hidden if key in groups)
        large = not hidden or (len(hidden) >= TOGETHER_MIN and together >= SMALL)
        told = any(_tells(gap) for other in beside for gap in other.had_from_totals(hidden))
        left = groups.keys() - hidden
        if not left or (large and not told):
            return None if told else hidden
        hidden.add(min(left, key=lambda key: (groups[key].d, key)))


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
