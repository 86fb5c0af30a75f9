"""A cell of a sheet read and written: what stands in it, as the field of a thing would have it in JSON.

A cell that cannot be read raises `Unreadable` with what is wrong and what to do, in Chinese and English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from services.registry.rules.roles import SHIPPED
from shared.going import MatchingPolicy, TravelMode
from shared.vocabulary import Language, Level, Post, Role, ShiftKind, Urgency

CELL_CHARACTERS_MAX = 20_000
SEPARATOR = re.compile(r"[;；\n]+")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Unreadable(Exception):
    """`text` is `中文 / English` and says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code, self.text = code, text


@dataclass(frozen=True)
class Cell:
    """How a column is read (from what stands there, and the local time zone) and written."""

    read: Callable[[Any, ZoneInfo], Any]
    write: Callable[[Any, ZoneInfo], Any]


CHINESE: Mapping[type[StrEnum], Mapping[str, str]] = {
    Post: {
        "A岗": "a",
        "B岗": "b",
        "网格员": "worker",
        "网格长": "leader",
        "志愿者": "volunteer",
        "值班员": "duty_officer",
        "工作人员": "staff",
    },
    Role: {role.name.zh: role.id for role in SHIPPED.values()},
    Level: {"网格": "grid", "社区": "community", "街道": "street", "民政": "civil_affairs"},
    Urgency: {"应急": "emergency", "一般": "routine", "预约": "appointment"},
    MatchingPolicy: {
        "本网格": "own_grid",
        "轮流": "round_robin",
        "最近": "nearest_free",
        "最快": "fastest_free",
        "最近配对": "greedy_pair",
        "引擎": "engine",
    },
    TravelMode: {"步行": "walk", "电动车": "e_bike", "汽车": "car"},
    Language: {"中文": "zh", "英文": "en"},
    ShiftKind: {"在岗": "on_duty", "待命": "on_call"},
}
DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:\s+00:00:00)?")
DAYS_SPLIT = re.compile(r"[;；,，、\n]+")
RANGE = re.compile(r"\s*(?:~|～|至)\s*")
RANGE_DAYS_MAX = 60
YES_NO = {
    "是": True,
    "否": False,
    "yes": True,
    "no": False,
    "true": True,
    "false": False,
    "1": True,
    "0": False,
}


def text_in(value: Any) -> str:
    """What stands in the cell as text; a whole number without a decimal point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else str(value).strip()
    if len(text) > CELL_CHARACTERS_MAX:
        raise Unreadable(
            "cell-too-long",
            f"内容超过 {CELL_CHARACTERS_MAX} 字，请缩短 / More than {CELL_CHARACTERS_MAX} characters; shorten it",
        )
    if "\x00" in text:
        raise Unreadable(
            "cell-unreadable",
            "含有无法保存的字符，请重新输入 / It has a character nobody can store; type it again",
        )
    return text


def _text(value: Any, zone: ZoneInfo) -> str | None:
    return text_in(value) or None


def _text_out(value: Any, zone: ZoneInfo) -> Any:
    return CONTROL.sub("", value) if isinstance(value, str) else value


TEXT = Cell(_text, _text_out)


def _count(value: Any, zone: ZoneInfo) -> int | None:
    text = text_in(value)
    if not text:
        return None
    if not re.fullmatch(r"\d{1,9}", text):
        raise Unreadable(
            "not-a-number", f"“{text[:40]}”不是数字，请填整数 / {text[:40]!r} is no number; enter a whole one"
        )
    return int(text)


COUNT = Cell(_count, _text_out)


def _yes_no(value: Any, zone: ZoneInfo) -> bool:
    text = text_in(value).lower()
    if text and text not in YES_NO:
        raise Unreadable("not-yes-or-no", f"“{text[:40]}”请改为 是 或 否 / {text[:40]!r}: enter yes or no")
    return YES_NO.get(text, False)


YES = Cell(_yes_no, lambda value, zone: "是" if value else "否")


def parts(value: Any) -> list[str]:
    return [part.strip() for part in SEPARATOR.split(text_in(value)) if part.strip()]


WORDS = Cell(lambda value, zone: parts(value), lambda value, zone: "; ".join(value or ()))


def _name(part: str) -> dict[str, str]:
    zh, _, en = part.partition(" / ")
    return {"zh": zh.strip(), "en": en.strip() or zh.strip()}


NAMES = Cell(
    lambda value, zone: [_name(part) for part in parts(value)],
    lambda value, zone: "; ".join(f"{each['zh']} / {each['en']}" for each in value or ()),
)
"""`照片 / photo; 读数 / reading`: names in both languages."""


def word_of(kind: type[StrEnum], text: str) -> str:
    """The identifier of a word of the field, in either language."""
    known = {member.value for member in kind}
    found = CHINESE[kind].get(text, text.lower())
    if found not in known:
        choice = "、".join(CHINESE[kind])
        raise Unreadable(
            "unknown-word",
            f"“{text[:40]}”不认识，可填：{choice} / {text[:40]!r} is not known; one of: {', '.join(sorted(known))}",
        )
    return found


def one_of(kind: type[StrEnum], *, empty: str | None = None) -> Cell:
    def read(value: Any, zone: ZoneInfo) -> str | None:
        text = text_in(value)
        return word_of(kind, text) if text else empty

    return Cell(read, _text_out)


def some_of(kind: type[StrEnum]) -> Cell:
    def read(value: Any, zone: ZoneInfo) -> list[str]:
        return [word_of(kind, part) for part in parts(value)]

    return Cell(read, lambda value, zone: "; ".join(value or ()))


def held(name: str, id_of: Callable[[str], str]) -> Cell:
    """`a@grid-1; b@grid-2`: posts or roles, each with its unit."""

    def read(value: Any, zone: ZoneInfo) -> list[dict[str, str]]:
        out = []
        for part in parts(value):
            what, _, unit_id = part.partition("@")
            if not unit_id.strip():
                raise Unreadable(
                    "no-unit-named",
                    f"“{part[:40]}”须写成 岗位@单位编号 / {part[:40]!r}: write it as what@unit-id",
                )
            out.append({name: id_of(what.strip()), "unit_id": unit_id.strip()})
        return out

    def write(value: Any, zone: ZoneInfo) -> str:
        held = (f"{each.get('held_as') or each[name]}@{each['unit_id']}" for each in value or ())
        return "; ".join(dict.fromkeys(held))

    return Cell(read, write)


POSTS = held("post", lambda text: word_of(Post, text))
ROLES = held("role", str)
"""A role is called by its id or its name; what it is called only the registry knows (imports.py)."""


def _point(text: str) -> dict[str, float]:
    pair = re.split(r"[\s,，]+", text.strip())
    try:
        lon, lat = (float(number) for number in pair)
    except ValueError:
        raise Unreadable(
            "not-a-place",
            f"“{text[:40]}”须为 经度 纬度，如 113.57 24.83 / {text[:40]!r}: write longitude latitude, as 113.57 24.83",
        ) from None
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise Unreadable(
            "off-earth", f"“{text[:40]}”超出经纬度范围，请核对 / {text[:40]!r} is not on Earth; check it"
        )
    return {"lon": lon, "lat": lat}


def _point_out(point: Mapping[str, float]) -> str:
    return f"{point['lon']!r} {point['lat']!r}"


PLACE = Cell(
    lambda value, zone: _point(text_in(value)) if text_in(value) else None,
    lambda value, zone: _point_out(value) if value else None,
)
PLACES = Cell(
    lambda value, zone: [_point(part) for part in parts(value)],
    lambda value, zone: "; ".join(map(_point_out, value or ())),
)

HOURS = re.compile(r"([1-7])(?:\s*[-–]\s*([1-7]))?\s+(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})")


def _hours(value: Any, zone: ZoneInfo) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for part in parts(value):
        found = HOURS.fullmatch(part)
        if found is None:
            raise Unreadable(
                "not-opening-hours",
                f"“{part[:40]}”须写成 1-5 08:30-12:00 / {part[:40]!r}: write it as 1-5 08:30-12:00",
            )
        opens, closes = found[3].zfill(5), found[4].zfill(5)
        days = range(int(found[1]), int(found[2] or found[1]) + 1)
        out += [{"weekday": day, "opens": opens, "closes": closes} for day in days]
    return out


def _hours_out(value: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> str:
    return "; ".join(f"{each['weekday']} {each['opens'][:5]}-{each['closes'][:5]}" for each in value or ())


HOURS_OF_WEEK = Cell(_hours, _hours_out)


def _moment(value: Any, zone: ZoneInfo) -> str | None:
    """Without a zone the local time is meant."""
    if isinstance(value, datetime):
        found = value
    elif not (text := text_in(value)):
        return None
    else:
        try:
            found = datetime.fromisoformat(text.replace("/", "-"))
        except ValueError:
            raise Unreadable(
                "not-a-time",
                f"“{text[:40]}”须写成 2026-12-01 08:00 / {text[:40]!r}: write it as 2026-12-01 08:00",
            ) from None
    local = found if found.tzinfo is not None else found.replace(tzinfo=zone)
    return local.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment_out(value: Any, zone: ZoneInfo) -> str | None:
    if value is None:
        return None
    return datetime.fromisoformat(value).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00")


MOMENT = Cell(_moment, _moment_out)


def _date(text: str) -> date:
    found = DAY.fullmatch(text.strip())
    try:
        return date(*(int(number) for number in found.groups())) if found else date.fromisoformat(text)
    except ValueError:
        raise Unreadable(
            "not-a-day", f"“{text[:40]}”须写成 2026-10-01 / {text[:40]!r}: write it as 2026-10-01"
        ) from None


def _day(value: Any, zone: ZoneInfo) -> str | None:
    text = text_in(value)
    return _date(text).isoformat() if text else None


def _days(value: Any, zone: ZoneInfo) -> list[str]:
    """`2026-10-01 ~ 2026-10-07; 2026-12-31`: days and stretches of days, in their order, each once."""
    found: set[date] = set()
    for part in DAYS_SPLIT.split(text_in(value)):
        if not part.strip():
            continue
        ends = [_date(text) for text in RANGE.split(part.strip())]
        length = (ends[-1] - ends[0]).days + 1
        if len(ends) > 2 or not 1 <= length <= RANGE_DAYS_MAX:
            raise Unreadable(
                "not-days",
                f"“{part[:40]}”须先始后终、最多 {RANGE_DAYS_MAX} 天"
                f" / {part[:40]!r}: the first day ~ the last, {RANGE_DAYS_MAX} days at most",
            )
        found.update(ends[0] + timedelta(days=day) for day in range(length))
    return [day.isoformat() for day in sorted(found)]


ONE_DAY = Cell(_day, _text_out)
DAYS = Cell(_days, lambda value, zone: "; ".join(value or ()))
