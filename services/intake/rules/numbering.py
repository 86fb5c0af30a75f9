"""Case numbers and pickup codes: drawn at random, so no counter is hot and nobody can guess the next one.

A number is said on the phone in three groups, `481-2093-5574`. Its last digit is Damm's check digit, which catches
every wrong digit and every two neighbours changed round.
"""

from __future__ import annotations

import secrets
from unicodedata import normalize

from stdnum import damm
from stdnum.exceptions import ValidationError
from stdnum.util import clean

DIGITS = 11
CODE_DIGITS = 6
# No number begins like a mobile phone's (1) or an emergency call's (0, 1).
FIRST_DIGITS = "23456789"


def draw_number() -> str:
    payload = f"{secrets.choice(FIRST_DIGITS)}{secrets.randbelow(10 ** (DIGITS - 2)):0{DIGITS - 2}d}"
    return spoken(payload + damm.calc_check_digit(payload))


def draw_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def spoken(digits: str) -> str:
    """How a number is written everywhere: in groups of three, four and four."""
    return f"{digits[:3]}-{digits[3:7]}-{digits[7:]}"


def understood(text: str) -> str | None:
    """The number somebody said or typed, however grouped; None if it cannot be one (a slip of one digit, say)."""
    digits = clean(normalize("NFKC", text), " -·—–.")  # full-width digits, as an input method types them
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    try:
        damm.validate(digits)
    except ValidationError:
        return None
    return spoken(digits)
