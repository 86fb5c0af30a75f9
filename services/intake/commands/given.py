"""What every command is, and the texts and numbers people give with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from unicodedata import normalize

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict

DESCRIPTION_CHARACTERS_MAX = 4000
PHONE_DIGITS = range(3, 16)


def _clean(text: str) -> str:
    """Without control characters (PostgreSQL refuses NUL) and outer blanks; line breaks stay."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable()).strip()


def _one_phone(text: object) -> object:
    """Digits only, a leading + kept: `138 1234-5678` and `13812345678` are one phone."""
    if not isinstance(text, str) or not text.strip():
        return None
    bare = normalize("NFKC", text).strip()  # full-width digits, as an input method types them
    digits = "".join(letter for letter in bare if letter not in " -–—()")
    number = digits.removeprefix("+")
    if not number.isascii() or not number.isdigit() or len(number) not in PHONE_DIGITS:
        raise ValueError("电话号码有误 / is not a phone number")
    return digits


def _written_out(moment: object) -> object:
    """In an address all is text, and pydantic takes a bare number there for seconds since 1970."""
    if not isinstance(moment, str):
        return moment
    try:
        return datetime.fromisoformat(moment if "-" in moment[1:] else "")
    except ValueError:
        raise ValueError("时间须写作 2026-03-02T09:00:00+08:00 / is not a time") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Line = Annotated[str, AfterValidator(_clean)]
Phone = Annotated[str | None, BeforeValidator(_one_phone)]


class Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
