"""Which house an address is in, and where it stands in a walk along the street."""

from __future__ import annotations

import re
import unicodedata

HOUSE = re.compile(r".*(?:栋|幢|号楼|座|号院)")
NUMBER = re.compile(r".*?\d+号")
FIRST_NUMBER = re.compile(r"\D*\d+")


def building_of(address: str) -> str:
    """建设社区 3 栋 2 单元 201 → 建设社区3栋; an address that names no house is a house of its own."""
    plain = normal(address)
    if plain[:1].isdigit():  # 12 Main Street, Flat 3
        return plain.split(",")[0]
    for pattern in (HOUSE, NUMBER, FIRST_NUMBER):
        if (found := pattern.match(plain)) is not None:
            return found[0]
    return plain


def walk_key(address: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts 3 栋 before 12 栋."""
    parts = re.split(r"(\d+)", normal(address))
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part)


def normal(address: str) -> str:
    """One way of writing it: half-width, without spaces, small letters."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", address)).lower().replace("，", ",")
