"""Key files: what is in them, and how they are made.

A file of secrets has one `<key id> <base64 of the secret>` per line. The first line is used; the others are still
understood, so a key is changed by putting a new line on top. Ids that begin with `demo-` are for the demo only.

    python -m shared.keys secret > master.key      (also for internal.token; --demo marks it for the demo)
    python -m shared.keys signing > signing.jwks   (ES256, for registry)
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

DEMO_MARK = "demo-"
SECRET_BYTES = 32
KEY_ID_CHARACTERS_MAX = 60


class KeyFileError(ValueError):
    """The file is not there, cannot be read, or is not what it should be."""


@dataclass(frozen=True)
class Secret:
    id: str
    value: bytes

    @property
    def is_demo(self) -> bool:
        return self.id.startswith(DEMO_MARK)

    def __repr__(self) -> str:
        return f"Secret(id={self.id!r})"


def new_secret(*, demo: bool = False) -> str:
    """A line for a file of secrets."""
    return f"{_new_id(demo)} {base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}\n"


def new_signing_keys(*, demo: bool = False) -> str:
    """A private JWK set with one ES256 key."""
    key = ECKey.generate_key("P-256", {"kid": _new_id(demo), "use": "sig", "alg": "ES256"})
    return json.dumps({"keys": [key.as_dict(private=True)]}) + "\n"


def read_secrets(path: Path) -> tuple[Secret, ...]:
    """The file's secrets, the one in use first."""
    lines = [
        line.split() for line in _text_of(path).splitlines() if line.strip() and not line.startswith("#")
    ]
    if not lines:
        raise KeyFileError(f"{path} holds no key")
    return tuple(_secret(path, line) for line in lines)


def read_signing_keys(path: Path) -> tuple[ECKey, ...]:
    """The file's private keys, the signing one first."""
    try:
        keys: list[dict[str, Any]] = json.loads(_text_of(path))["keys"]
        found = tuple(ECKey.import_key(key) for key in keys)
    except (ValueError, KeyError, TypeError, JoseError) as wrong:
        raise KeyFileError(f"{path} is not a JWK set of private ES256 keys") from wrong
    if not found or not all(key.kid and key.is_private for key in found):
        raise KeyFileError(f"{path} needs at least one private key, and each needs a `kid`")
    return found


def _secret(path: Path, words: list[str]) -> Secret:
    try:
        key_id, encoded = words
        value = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error) as wrong:
        raise KeyFileError(f"{path}: each line is `<key id> <base64>`") from wrong
    if len(value) != SECRET_BYTES:
        raise KeyFileError(f"{path}: the key {key_id} has {len(value)} bytes, {SECRET_BYTES} are needed")
    if len(key_id) > KEY_ID_CHARACTERS_MAX or not key_id.isascii():
        raise KeyFileError(f"{path}: a key id has at most {KEY_ID_CHARACTERS_MAX} ASCII characters")
    return Secret(key_id, value)


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as wrong:
        raise KeyFileError(f"{path} cannot be read ({type(wrong).__name__})") from wrong


def _new_id(demo: bool) -> str:
    return f"{DEMO_MARK if demo else 'key-'}{secrets.token_hex(6)}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m shared.keys", description="a new key file on standard output"
    )
    parser.add_argument("kind", choices=["secret", "signing"])
    parser.add_argument("--demo", action="store_true", help="mark it for the demo; production refuses it")
    arguments = parser.parse_args()
    make = new_secret if arguments.kind == "secret" else new_signing_keys
    sys.stdout.write(make(demo=arguments.demo))


if __name__ == "__main__":
    main()
