"""How the columns and call types of a recorded file become calls: one TOML file per source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MAPPINGS = Path(__file__).parent / "mappings"
DEFAULT = MAPPINGS / "sf-fire-calls.toml"


class MappingError(Exception):
    """The mapping file cannot be used; the message says which key."""


@dataclass(frozen=True)
class CallMapping:
    """`columns` names ours → theirs: call, received, type, place and either location or lon and lat."""

    columns: Mapping[str, str]
    received_format: str
    categories: Mapping[str, str]
    other_category: str


REQUIRED = ("call", "received", "type")


def read_mapping(path: Path) -> CallMapping:
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as wrong:
        raise MappingError(f"{path}: {wrong}") from wrong
    columns = given.get("columns", {})
    missing = [name for name in REQUIRED if name not in columns]
    if "location" not in columns and not {"lon", "lat"} <= set(columns):
        missing.append("location (or lon and lat)")
    if missing:
        raise MappingError(f"{path}: [columns] does not name {', '.join(missing)}")
    if "received_format" not in given or "other_category" not in given:
        raise MappingError(f"{path}: received_format and other_category are needed")
    return CallMapping(
        columns=columns,
        received_format=given["received_format"],
        categories=given.get("categories", {}),
        other_category=given["other_category"],
    )
