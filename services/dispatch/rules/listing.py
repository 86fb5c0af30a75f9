"""The list of a mass task: its columns, and what is wrong with a line."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.reading import Line

COLUMNS = {
    "ref": ("编号", "序号"),
    "name": ("姓名",),
    "phone": ("电话", "手机", "手机号"),
    "address": ("地址", "住址"),
    "grid_id": ("网格", "网格编号"),
}
NEEDED = ("ref", "name", "address")
CHARACTERS_MAX = {"ref": 64, "name": 100, "phone": 32, "address": 200, "grid_id": 64}
PHONE = re.compile(r"\+?[\d\s()-]{5,32}")


@dataclass(frozen=True, slots=True)
class Listed:
    ref: str
    name: str
    address: str
    phone: str | None
    grid_id: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a line was refused, as 中文 / English."""

    line: int
    ref: str
    column: str
    code: str
    text: str


def check(
    lines: Sequence[Line], grids: Collection[str], unit_id: str, known: Collection[str]
) -> tuple[list[Listed], int, list[Wrong]]:
    """The people to be taken, how many were there before, and what is wrong with the other lines. Without a grid
    somebody belongs to the unit as a whole."""
    taken: dict[str, Listed] = {}
    before, wrong = 0, list[Wrong]()
    for line in lines:
        given = {name: _text(line.given.get(name)) for name in COLUMNS}
        flaw = _flaw(line.place, given, grids) or _twice(line.place, given["ref"], taken)
        if flaw is not None:
            wrong.append(flaw)
        elif given["ref"] in known:
            before += 1
        else:
            phone, grid_id = given["phone"] or None, given["grid_id"] or unit_id
            taken[given["ref"]] = Listed(given["ref"], given["name"], given["address"], phone, grid_id)
    return list(taken.values()), before, wrong


def _flaw(place: int, given: Mapping[str, str], grids: Collection[str]) -> Wrong | None:
    ref = given["ref"][: CHARACTERS_MAX["ref"]]
    for name, text in given.items():
        if name in NEEDED and not text:
            return Wrong(place, ref, name, "missing", f"缺少{COLUMNS[name][0]} / {name} is missing")
        if len(text) > CHARACTERS_MAX[name]:
            most = CHARACTERS_MAX[name]
            return Wrong(place, ref, name, "too-long", f"最多 {most} 个字 / {most} characters at most")
        if "\x00" in text:
            return Wrong(place, ref, name, "unreadable", "含有无法保存的字符 / A character cannot be stored")
    if given["phone"] and not PHONE.fullmatch(given["phone"]):
        return Wrong(place, ref, "phone", "not-a-phone", "电话格式不对 / That is not a phone number")
    if given["grid_id"] and given["grid_id"] not in grids:
        return Wrong(place, ref, "grid_id", "unknown-grid", "不是本单位的网格 / Not a grid of this unit")
    return None


def _twice(place: int, ref: str, taken: Collection[str]) -> Wrong | None:
    if ref not in taken:
        return None
    return Wrong(place, ref, "ref", "twice", "编号在文件中重复 / This ref stands in the file twice")


def _text(value: Any) -> str:
    """Cells come as text or as numbers; a workbook's 101.0 is 101."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
