"""What a figure is, and how it is printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from shared.things import Name


class CountUnit(StrEnum):
    """What is counted. Persons, person-times, households, cases and sessions are different units and never added."""

    PERSONS = "人"
    PERSON_TIMES = "人次"
    HOUSEHOLDS = "户"
    CASES = "件"
    CASE_TIMES = "件次"
    TIMES = "次"
    SESSIONS = "场次"
    ITEMS = "项"
    MINUTES = "分钟"


class MadeOf(StrEnum):
    """What the drill-down of a figure lists. A case is one of d, so d is as long as its list; a mass task and a day of
    a grid's rounds are as many of d as were on it, so n and d are the sums of their lists."""

    CASES = "cases"
    MASS_TASKS = "mass_tasks"
    ROUND_DAYS = "round_days"


class RoundingMode(StrEnum):
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    TRUNCATE = "truncate"


MODES = {
    RoundingMode.HALF_UP: ROUND_HALF_UP,
    RoundingMode.HALF_EVEN: ROUND_HALF_EVEN,
    RoundingMode.TRUNCATE: ROUND_DOWN,
}


class Form(StrEnum):
    """A share of d in per cent, an amount for each member of d, or a plain count (n and d are the same)."""

    SHARE = "share"
    PER_CASE = "per_case"
    COUNT = "count"


@dataclass(frozen=True)
class Rounding:
    """How the percentage is printed; n and d are never rounded."""

    mode: RoundingMode = RoundingMode.HALF_UP
    decimals: int = 1


@dataclass(frozen=True)
class Definition:
    """What a figure means. `counts` names the query, `parameters` its numbers (seconds), `weights` what an answer
    adds to n. `beside` are figures that must be read together with this one; `made_of` is what its drill-down lists."""

    name: str
    version: int
    title: Name
    unit: CountUnit
    numerator: Name
    denominator: Name
    exclusions: Name
    time_base: Name
    counts: str
    parameters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    weights: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    rounding: Rounding = Rounding()
    beside: tuple[str, ...] = ()
    form: Form = Form.SHARE
    made_of: MadeOf = MadeOf.CASES


class Printable(Protocol):
    """What `rate` and `told` need to know of a figure."""

    @property
    def form(self) -> Form: ...

    @property
    def rounding(self) -> Rounding: ...


@dataclass(frozen=True)
class Value:
    """A figure for one unit and period. `excluded` counts what the definition leaves out of n and d."""

    n: Decimal
    d: int
    excluded: int = 0


def printed(value: Value) -> str:
    """`687/721`, also where d is 0: nothing happened is not 0 % and not 100 %."""
    return f"{_plain(value.n)}/{value.d}"


def percentage(value: Value, rounding: Rounding) -> Decimal | None:
    """Of a hundred, rounded as the definition says; None where there is nothing to divide by."""
    return None if value.d == 0 else _rounded(value.n * 100 / value.d, rounding)


def rate(value: Value, definition: Printable) -> Decimal | None:
    """What n and d come to in the definition's form; None where there is nothing to divide by."""
    if definition.form is Form.COUNT:
        return value.n
    if definition.form is Form.SHARE:
        return percentage(value, definition.rounding)
    return None if value.d == 0 else _rounded(value.n / value.d, definition.rounding)


def change(value: Value, before: Value, definition: Definition) -> Decimal | None:
    """How much it moved from the period before, from the exact values: percentage points for a share."""
    if definition.form is Form.COUNT:
        return value.n - before.n
    if value.d == 0 or before.d == 0:
        return None
    times = 100 if definition.form is Form.SHARE else 1
    return _rounded((value.n / value.d - before.n / before.d) * times, definition.rounding)


def told(value: Value, definition: Printable) -> str:
    """As people read it: `687/721 (95.3 %)`, `12/40 (0.3)`, `78`."""
    if definition.form is Form.COUNT:
        return _plain(value.n)
    if definition.form is Form.SHARE:
        return text(value, definition.rounding)
    amount = rate(value, definition)
    return f"{printed(value)} ({'n/a' if amount is None else amount})"


def _rounded(exact: Decimal, rounding: Rounding) -> Decimal:
    return exact.quantize(Decimal(1).scaleb(-rounding.decimals), rounding=MODES[rounding.mode])


def text(value: Value, rounding: Rounding) -> str:
    """`687/721 (95.3 %)`, or `0/0 (n/a)`."""
    percent = percentage(value, rounding)
    return f"{printed(value)} ({'n/a' if percent is None else f'{percent} %'})"


def _plain(number: Decimal) -> str:
    """Without exponent or trailing zeros: 18.9, 20, 0."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"
