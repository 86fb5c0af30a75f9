"""The keys of one installation: made once, readable by their owner alone, never replaced."""

import os
from pathlib import Path

from shared.keys import new_secret, new_signing_keys

SECRETS = ("master", "internal-token", "webhook")
SIGNING = "signing.jwks"
VAPID = "vapid.jwks"


def make(folder: Path, *, demo: bool) -> dict[str, str]:
    """The environment that names the key files; those that are missing are made (marked, for the demo)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in SECRETS:
        if not (folder / name).exists():
            write_private(folder / name, new_secret(demo=demo))
    for name in (SIGNING, VAPID):
        if not (folder / name).exists():
            write_private(folder / name, new_signing_keys(demo=demo))
    return {
        "MASTER_KEY_FILE": str(folder / "master"),
        "INTERNAL_TOKEN_FILE": str(folder / "internal-token"),
        "WEBHOOK_SECRET_FILE": str(folder / "webhook"),
        "SIGNING_KEY_FILE": str(folder / SIGNING),
        "VAPID_KEY_FILE": str(folder / VAPID),
    }


def write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
