"""What of a file's lines is good: each line as the thing it would make, checked against the registry and the rest of
the file. A line that is wrong keeps nobody else out but those that hang on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from services.registry.commands import Given
from services.registry.rules.flaws import Flaw, flaws, no_such_role
from services.registry.rules.roles import given, named, with_powers
from services.registry.rules.sheets import LineProblem, Sheet, sheet_of_kind
from services.registry.rules.things import SINGULAR, Known, Thing, id_of, kind_name, may_change
from shared.things import Grant, JobRole, Person, Unit, Value

LINES_MAX = 20_000
Key = tuple[str, str]
"""Kind and id of a thing."""


@dataclass(frozen=True)
class Line:
    """`number` counts all lines of the file; `line` is the row of its sheet, or the place in its list, from 1.
    `revision` is that of the thing when the line was checked; None for a new one."""

    number: int
    sheet: str
    line: int
    kind: str
    thing_id: str | None
    fields: Mapping[str, Any]
    problems: tuple[LineProblem, ...] = ()
    rank: int = 0
    revision: int | None = None

    @property
    def key(self) -> Key:
        return self.kind, self.thing_id or ""


@dataclass
class Checked:
    """The things of the good lines by their line, and the lines that are refused with their reasons."""

    good: dict[int, Thing] = field(default_factory=dict)
    refused: dict[int, list[LineProblem]] = field(default_factory=dict)


def once_each(lines: Iterable[Line], before: Mapping[Key, str]) -> Checked:
    """Refuses what could not be read, and a second line for the same thing; `before` are earlier lines' keys."""
    checked, seen = Checked(), dict(before)
    for line in lines:
        problems = list(line.problems)
        if line.thing_id is None and not problems:
            problems.append(LineProblem(code="no-id", text="缺少编号，请填写 / It has no id; enter one"))
        if not problems and line.key in seen:
            first = seen[line.key]
            problems.append(
                LineProblem(
                    code="line-twice",
                    text=f"与 {first} 行重复，请合并 / The same as line {first}; join the two",
                )
            )
        if problems:
            checked.refused[line.number] = problems
        else:
            seen[line.key] = str(line.line)
    return checked


def made(line: Line, known: Known) -> Thing | list[LineProblem]:
    """The thing a line makes of what is known of it."""
    sheet = sheet_of_kind(line.kind)
    before = known.under(sheet.kind, line.thing_id or "")
    if before is not None and before.retired_at is not None:
        text = "该编号已停用，请换编号或先恢复 / It is retired; use another id, or bring it back first"
        return [LineProblem(code="thing-retired", text=text)]
    body = merged(sheet, line, before)
    try:
        if sheet.kind is Person:
            if isinstance(grants := _with_powers(body, known.roles), LineProblem):
                return [grants]
            body["grants"] = grants
        thing: Thing = sheet.kind.model_validate(body)
    except ValidationError as wrong:
        return [_unfit(each["loc"], each["msg"]) for each in wrong.errors()[:10]]
    unknown = sorted(set(line.fields) - set(sheet.kind.model_fields))
    if unknown:
        text = "没有这个字段，请删去 / There is no such field; remove it"
        return [LineProblem(column=name[:60], code="unknown-column", text=text) for name in unknown]
    if thing.retired_at is not None:
        text = "导入不停用任何内容，请逐个停用 / An import retires nothing; retire it by itself"
        return [LineProblem(column="retired_at", code="retires", text=text)]
    return thing


class _RolesGiven(Value):
    grants: tuple[Given, ...] = ()


def _with_powers(body: Mapping[str, Any], roles: Mapping[str, JobRole]) -> tuple[Grant, ...] | LineProblem:
    """What a line gives somebody, who calls a role by its id or its name."""
    asked = given(_RolesGiven.model_validate(body).grants)
    found = []
    for name, unit_id in asked:
        if (id := named(name, roles)) is None:
            return LineProblem(column="角色 grants", code="unknown-role", text=no_such_role(name))
        found.append(Given(role=id, unit_id=unit_id))
    return with_powers(found, roles)


def merged(sheet: Sheet, line: Line, before: Thing | None) -> dict[str, Any]:
    """What is there with the line's fields over it; of a name only the languages it gives."""
    body: dict[str, Any] = before.model_dump(mode="json") if before is not None else {}
    for name, value in line.fields.items():
        old = body.get(name)
        if name == "script" and isinstance(value, Mapping) and not value.get("zh", "kept"):
            value = None
        if name in ("name", "class_name", "script") and isinstance(value, Mapping):
            value = {**(old if isinstance(old, Mapping) else {}), **{k: v for k, v in value.items() if v}}
            value.setdefault("en", value.get("zh"))
        body[name] = value
    body[sheet.key] = line.thing_id
    return body


def _unfit(loc: Sequence[Any], message: str) -> LineProblem:
    column = ".".join(str(part) for part in loc)[:60]
    text = f"内容不合要求，请核对 / It does not fit, check it: {message}"[:300]
    return LineProblem(column=column, code="value-unfit", text=text)


def check(lines: Sequence[Line], known: Known, grants: Sequence[Grant], before: Mapping[Key, str]) -> Checked:
    """Lines of one kind, all of what they may refer to being known or among them."""
    checked = once_each(lines, before)
    for line in lines:
        if line.number not in checked.refused:
            thing = made(line, known)
            if isinstance(thing, list):
                checked.refused[line.number] = thing
            else:
                checked.good[line.number] = thing
    while wrong := _wrong(checked.good, known, grants):
        for number, problems in wrong.items():
            checked.refused[number] = problems
            del checked.good[number]
    return checked


def leave_what_moved(
    checked: Checked, lines: Sequence[Line], known: Known, revisions: Mapping[str, int]
) -> None:
    """Refuses the lines whose things somebody changed after the check: nobody overwrites what they have not seen."""
    for line in lines:
        thing = checked.good.get(line.number)
        if thing is None or thing == known.get(thing) or revisions.get(id_of(thing)) == line.revision:
            continue
        text = "检查后已被他人修改，请核对后重新导入 / Somebody changed it since the check; look, then bring it in anew"
        checked.refused[line.number] = [LineProblem(code="changed-meanwhile", text=text)]
        del checked.good[line.number]


def _wrong(good: Mapping[int, Thing], known: Known, grants: Sequence[Grant]) -> dict[int, list[LineProblem]]:
    """The lines that are wrong as things stand; taking them out may make others wrong."""
    things = list(good.values())
    new = [thing for thing in things if thing != known.get(thing)]
    found = flaws(new, known)
    number_of = {(kind_name(thing), id_of(thing)): number for number, thing in good.items()}
    then = known.after(new)
    wrong: dict[int, list[LineProblem]] = {}
    for flaw in found:
        for number in _lines_of(flaw, number_of, then):
            wrong.setdefault(number, []).append(LineProblem(code=flaw.code, text=flaw.text))
    if not wrong:
        units = {thing.id: thing for thing in new if isinstance(thing, Unit)}
        with_new = replace(known, units={**known.units, **units})
        for number, thing in good.items():
            if thing != known.get(thing) and not may_change(grants, thing, _seen(with_new, known, thing)):
                text = "不在您管理的单位之内，请由上级管理员导入 / Not within the units you administer; ask who does"
                wrong[number] = [LineProblem(code="not-yours", text=text)]
    return wrong


class _Over(Mapping[str, Unit]):
    """A few units over many, without copying the many."""

    def __init__(self, few: Mapping[str, Unit], many: Mapping[str, Unit]) -> None:
        self._few, self._many = few, many

    def __getitem__(self, id: str) -> Unit:
        return self._few[id] if id in self._few else self._many[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._many)

    def __len__(self) -> int:
        return len(self._many)


def _seen(with_new: Known, known: Known, thing: Thing) -> Known:
    """For the right to change a unit it counts where it was and where it will be."""
    before = known.get(thing)
    if not isinstance(thing, Unit) or before is None:
        return with_new
    units: dict[str, Unit] = {thing.id: before} if isinstance(before, Unit) else {}
    return replace(with_new, units=_Over(units, with_new.units))


def _lines_of(flaw: Flaw, number_of: Mapping[Key, int], then: Known) -> list[int]:
    """The lines to blame: the one of the thing itself; of a unit that is not in the file, those of what is above."""
    own = number_of.get((flaw.kind, flaw.id))
    if own is not None:
        return [own]
    above = [number_of.get((SINGULAR[Unit], id)) for id in then.path(flaw.id)] if flaw.kind == "unit" else []
    return [number for number in above if number is not None] or list(number_of.values())[:1]


def ranks(good: Mapping[int, Thing], known: Known) -> dict[int, int]:
    """In which order lines are written: units from the top down, so that none precedes what it hangs on."""
    then = known.after(thing for thing in good.values() if isinstance(thing, Unit))
    return {
        number: len(then.path(thing.id)) if isinstance(thing, Unit) else 0 for number, thing in good.items()
    }
