"""The keys of one installation: made once, readable by their owner alone, never replaced."""

from pathlib import Path

from deploy.local.postgres import write_private
from shared.keys import new_secret, new_signing_keys

SECRETS = ("master", "internal-token")
SIGNING = "signing.jwks"


def make(folder: Path, *, demo: bool) -> dict[str, str]:
    """The environment that names the key files; those that are missing are made (marked, for the demo)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in SECRETS:
        if not (folder / name).exists():
            write_private(folder / name, new_secret(demo=demo))
    if not (folder / SIGNING).exists():
        write_private(folder / SIGNING, new_signing_keys(demo=demo))
    return {
        "MASTER_KEY_FILE": str(folder / "master"),
        "INTERNAL_TOKEN_FILE": str(folder / "internal-token"),
        "SIGNING_KEY_FILE": str(folder / SIGNING),
    }
