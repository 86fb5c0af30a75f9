"""The second step at sign-in: codes of an authenticator app (RFC 6238), and recovery codes for a lost phone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp

ISSUER = "一刻 Yike"
RECOVERY_CODES = 10
RECOVERY_CODE_BYTES = 10
"""80 random bits, so a plain hash of them cannot be guessed backwards."""

STEPS_EITHER_SIDE = 1
"""A phone's clock may be half a minute off."""


def new_secret() -> str:
    return pyotp.random_base32()


def address_for(secret: str, account: str) -> str:
    """What an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The half minute this code belongs to; none for a wrong code, and for one that was used: each is good once."""
    totp, found = pyotp.TOTP(secret), None
    present = totp.timecode(now)
    for step in range(present - STEPS_EITHER_SIDE, present + STEPS_EITHER_SIDE + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            found = step
    return found if found is not None and (last_step is None or found > last_step) else None


def new_recovery_codes() -> list[str]:
    return [_written(secrets.token_bytes(RECOVERY_CODE_BYTES)) for _ in range(RECOVERY_CODES)]


def recovery_digest(code: str) -> bytes:
    """As it is stored; dashes, blanks and capitals make no difference to who types one in."""
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return hashlib.sha256(plain.encode()).digest()


def _written(random: bytes) -> str:
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))
