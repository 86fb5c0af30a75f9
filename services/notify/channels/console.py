"""The log as a channel: where a demo without a message gateway shows what residents would have been sent.

The address is masked, because logs are kept; the words are shown in full, because this is where they are read. In
production nobody reads them there, and they hold pickup codes and links that answer for the resident: without a
gateway nothing was sent, and that is what is said.
"""

from __future__ import annotations

import logging

from services.notify.channels import Message, Refused, Result, Sent

log = logging.getLogger(__name__)


class Console:
    def __init__(self, *, is_read: bool) -> None:
        self._is_read = is_read

    async def send(self, message: Message) -> Result:
        if not self._is_read:
            return Refused("RESIDENT_WEBHOOK_URL is not set")
        log.info("to %s (%s): %s", masked(message.to), message.kind, message.text)
        return Sent()

    async def close(self) -> None:
        """Nothing to close."""


def masked(address: str) -> str:
    """138****1234; of short ones only the first character is left."""
    if len(address) >= 8:
        return f"{address[:3]}****{address[-4:]}"
    return f"{address[:1]}****"
