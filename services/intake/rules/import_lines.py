"""A line of a survey or an old list becomes a registration: which column means what, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

COLUMNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "key": ("编号", ("key",)),
    "channel": ("渠道", ("channel",)),
    "category_code": ("事项", ("category_code",)),
    "description": ("内容", ("description",)),
    "place": ("地址", ("place", "label")),
    "lon": ("经度", ("place", "lon")),
    "lat": ("纬度", ("place", "lat")),
    "grid_id": ("网格", ("grid_id",)),
    "name": ("姓名", ("requester", "name")),
    "phone": ("电话", ("requester", "phone")),
    "anonymous": ("匿名", ("requester", "anonymous")),
    "kind": ("诉求人类型", ("requester", "kind")),
    "for_name": ("为谁", ("requester", "on_behalf_of", "name")),
    "for_phone": ("被代办人电话", ("requester", "on_behalf_of", "phone")),
    "relation": ("关系", ("requester", "on_behalf_of", "relation")),
    "language": ("语言", ("requester", "language")),
    "urgency": ("紧急程度", ("urgency",)),
    "reported_at": ("反映时间", ("reported_at",)),
    "starts_at": ("预约开始", ("appointment", "starts_at")),
    "ends_at": ("预约结束", ("appointment", "ends_at")),
    "care": ("关爱对象", ("care",)),
    "answer": ("当场答复", ("answer", "text")),
}
"""Heading in English, heading in Chinese, and where it belongs in a registration (commands.RegisterCase)."""

WRITTEN = re.compile(r"(\d{4})[-/年.](\d{1,2})[-/月.](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
TIMES = frozenset({"reported_at", "starts_at", "ends_at"})
YES_OR_NO = frozenset({"anonymous", "care"})
WORDS = {
    "是": True,
    "否": False,
    "yes": True,
    "no": False,
    "y": True,
    "n": False,
    "true": True,
    "false": False,
}


def registration_of(
    columns: Sequence[str | None], cells: Sequence[Any], time_zone: ZoneInfo
) -> dict[str, Any]:
    """What the cells of one line say, nested as a registration is; empty cells say nothing."""
    given: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=False):
        if column is None or cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        at: dict[str, Any] = given
        *path, last = COLUMNS[column][1]
        for step in path:
            at = at.setdefault(step, {})
        at[last] = _value(column, cell, time_zone)
    return given


def _value(column: str, cell: Any, time_zone: ZoneInfo) -> Any:
    if column in TIMES:
        return _moment(cell, time_zone)
    if column in YES_OR_NO:
        return WORDS.get(str(cell).strip().casefold(), cell)
    if column in {"lon", "lat"}:
        return cell
    # A spreadsheet makes numbers of keys and phones: 13812345678.0 is a phone all the same.
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _moment(cell: Any, time_zone: ZoneInfo) -> Any:
    """Local time, if no zone is given; what is no time is left for the registration to refuse."""
    if isinstance(cell, str):
        cell = _written_moment(cell.strip())
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day, tzinfo=time_zone)
    if isinstance(cell, datetime) and cell.tzinfo is None:
        return cell.replace(tzinfo=time_zone)
    return cell


def _written_moment(text: str) -> Any:
    """`2026-03-01T09:05+08:00`, `2026/3/1 9:05`, `2026年3月1日`."""
    try:
        if found := WRITTEN.fullmatch(text):
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone is added
        return datetime.fromisoformat(text)
    except ValueError:
        return text
