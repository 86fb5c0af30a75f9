"""The keys of one installation: made once, readable by their owner alone, never replaced."""

import base64
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.local.postgres import write_private

SECRETS = ("master", "service-secret", "internal-token")
SIGNING = "signing.pem"


def make(folder: Path) -> dict[str, str]:
    """The environment that names the key files; those that are missing are made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in SECRETS:
        if not (folder / name).exists():
            write_private(folder / name, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    if not (folder / SIGNING).exists():
        write_private(folder / SIGNING, new_signing_key())
    return {
        "MASTER_KEY_FILE": str(folder / "master"),
        "SERVICE_SECRET_FILE": str(folder / "service-secret"),
        "INTERNAL_TOKEN_FILE": str(folder / "internal-token"),
        "SIGNING_KEY_FILE": str(folder / SIGNING),
    }


def new_signing_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
