"""A text pasted from a chat group: who wrote it and when stand in its first line, as WeChat copies it.

`张三 2026/3/2 09:15`, `张三 2026年3月2日 09:15:30`, `张三 2026-03-02 9:15` or `张三:`; what follows is what was said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

AUTHOR_CHARACTERS_MAX = 60
WITH_TIME = re.compile(
    r"^\s*(?P<author>\S.{0,59}?)\s*[:：]?\s*"
    r"(?P<year>20\d\d)\s*[-/年.]\s*(?P<month>\d{1,2})\s*[-/月.]\s*(?P<day>\d{1,2})日?\s+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?\s*[:：]?\s*(?:\n|$)"
)
GREETING = re.compile(
    r"[\s@]*(?:大家|各位|家人|邻居|亲|你好|您好|同志|领导|尊敬|敬爱|请问|所有人|早上好|上午好|中午好|下午好|晚上好"
    r"|(?:hi|hello|dear|good\s+(?:morning|afternoon|evening))\b)",
    re.IGNORECASE,
)
"""大家好： is how a text begins, and nobody's name."""
WITHOUT_TIME = re.compile(rf"^\s*(?P<author>[^\s:：][^\n:：]{{0,{AUTHOR_CHARACTERS_MAX - 1}}})[:：]\s*\n")


@dataclass(frozen=True)
class Pasted:
    """What was said; the author and the time where they can be told."""

    text: str
    author: str | None = None
    said_at: datetime | None = None


def read_chat(pasted: str, time_zone: ZoneInfo) -> Pasted:
    """Without such a first line the whole of it is what was said."""
    if found := WITH_TIME.match(pasted):
        return Pasted(pasted[found.end() :].strip(), found["author"].strip(), _moment(found, time_zone))
    if (found := WITHOUT_TIME.match(pasted)) and not GREETING.match(found["author"]):
        return Pasted(pasted[found.end() :].strip(), found["author"].strip())
    return Pasted(pasted.strip())


def _moment(found: re.Match[str], time_zone: ZoneInfo) -> datetime | None:
    parts = (int(found[part]) for part in ("year", "month", "day", "hour", "minute"))
    try:
        return datetime(*parts, tzinfo=time_zone)  # type: ignore[misc,arg-type]
    except ValueError:  # the 31st of February, say
        return None
