"""Time-ordered identifiers (UUIDv7): new rows go to the end of an index, and an id tells when it was drawn."""

from __future__ import annotations

from uuid import UUID

import uuid_utils


def uuid7() -> UUID:
    return UUID(int=uuid_utils.uuid7().int)
