"""Personal data at rest: sealed under a key per case, which is itself sealed under the service's master key.

Destroying a case's key erases the person and leaves every hash in the journal valid. The master key's id stands in
front of what it sealed, so that a new master key can be put on top of the old one and the rows be moved under it one
by one; until the last has moved, the old one must stay in the file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.keys import Secret

KEY_BYTES = 32
NONCE_BYTES = 12
FORMAT = b"\x01"
INDEX_BYTES = 16
TOKEN_BITS = 20
"""Few enough that a token stands for several pieces of text, enough that a search rarely meets another's."""


class CannotUnsealError(ValueError):
    """Wrong key, wrong context, or changed bytes. Says no more than that on purpose."""


class Sealer:
    """`master_keys` with the one in use first; the others only open, and find, what was sealed before.

    What is found by (a phone number, a piece of text) is written under the key in use and looked for under each."""

    def __init__(self, master_keys: Sequence[Secret]) -> None:
        if not master_keys:
            raise ValueError("at least one master key is needed")
        self._masters = {master.id: _derived(master.value, b"wrap") for master in master_keys}
        self._current = master_keys[0].id
        self._index_keys = [_derived(master.value, b"blind-index") for master in master_keys]
        self._token_keys = [_derived(master.value, b"search-tokens") for master in master_keys]
        self._signing_keys = [_derived(master.value, b"signature") for master in master_keys]

    def new_case_key(self) -> tuple[bytes, bytes]:
        """A key for one case, and the same wrapped for its row."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, self._wrap(key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The case's key from its row."""
        key_id, sealed = _split(wrapped)
        master = self._masters.get(key_id)
        if master is None:
            raise CannotUnsealError(f"sealed under the master key {key_id}, which is not in the key file")
        return _open(master, sealed, key_id.encode())

    def rewrap(self, wrapped: bytes) -> bytes:
        """The same case key under the master key in use now."""
        return self._wrap(self.unwrap(wrapped))

    def is_current(self, wrapped: bytes) -> bool:
        return _split(wrapped)[0] == self._current

    @property
    def current_prefix(self) -> bytes:
        """How everything begins that is wrapped under the master key in use."""
        name = self._current.encode()
        return bytes([len(name)]) + name

    def seal(self, key: bytes, text: str, context: str) -> bytes:
        """`context` says which column of which row this is, e.g. `requesters.phone:<id>`; it must be the same to
        unseal, so that nobody can move a sealed value elsewhere."""
        return _close(_derived(key, b"seal"), text.encode(), context.encode())

    def unseal(self, key: bytes, sealed: bytes, context: str) -> str:
        return _open(_derived(key, b"seal"), sealed, context.encode()).decode()

    def digest(self, key: bytes, text: str) -> str:
        """What the journal holds instead of a text: comparable while the key lives, meaningless afterwards."""
        return hmac.new(_derived(key, b"digest"), text.encode(), hashlib.sha256).hexdigest()

    def blind_index(self, value: str) -> bytes:
        """Finds equal values (a caller's number) without storing them. Normalise before."""
        return _indexed(self._index_keys[0], value)

    def blind_indexes(self, value: str) -> list[bytes]:
        """What the value may be stored as: under the key in use, and under those before it."""
        return [_indexed(key, value) for key in self._index_keys]

    def blind_tokens(self, pieces: Iterable[str]) -> set[int]:
        """Numbers that stand for pieces of a text, so that it is found without being stored."""
        return _tokens(self._token_keys[0], pieces)

    def blind_tokens_of_each(self, pieces: Sequence[str]) -> list[set[int]]:
        """The same under every master key, the one in use first."""
        return [_tokens(key, pieces) for key in self._token_keys]

    def sign(self, text: str) -> str:
        """Shows later that the text is ours, wherever it was printed: under the key in use, in letters and digits."""
        return _signature(self._signing_keys[0], text)

    def signed(self, text: str, signature: str) -> bool:
        """Whether we signed this text, under any key that is still in the file."""
        shown = signature.encode()
        return any(hmac.compare_digest(_signature(key, text).encode(), shown) for key in self._signing_keys)

    def _wrap(self, key: bytes) -> bytes:
        return self.current_prefix + _close(self._masters[self._current], key, self._current.encode())


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.new(key, b"yike " + purpose, hashlib.sha256).digest()


def _indexed(key: bytes, value: str) -> bytes:
    return hmac.digest(key, value.encode(), "sha256")[:INDEX_BYTES]


def _signature(key: bytes, text: str) -> str:
    return base64.b32encode(_indexed(key, text)).decode().rstrip("=").lower()


def _tokens(key: bytes, pieces: Iterable[str]) -> set[int]:
    digests = (hmac.digest(key, piece.encode(), "sha256") for piece in pieces)
    return {int.from_bytes(digest[:4], "big") >> (32 - TOKEN_BITS) for digest in digests}


def _close(key: bytes, plain: bytes, context: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return FORMAT + nonce + AESGCM(key).encrypt(nonce, plain, context)


def _open(key: bytes, sealed: bytes, context: bytes) -> bytes:
    if sealed[:1] != FORMAT:
        raise CannotUnsealError("not sealed by us")
    nonce, box = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, box, context)
    except (InvalidTag, ValueError) as wrong:
        raise CannotUnsealError("cannot be unsealed") from wrong


def _split(wrapped: bytes) -> tuple[str, bytes]:
    if not wrapped or len(wrapped) <= wrapped[0] + 1:
        raise CannotUnsealError("not wrapped by us")
    end = 1 + wrapped[0]
    return wrapped[1:end].decode("ascii", "replace"), wrapped[end:]
