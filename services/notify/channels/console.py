"""The log as a channel: where a demo without a message gateway shows what residents would have been sent.

The address is masked, because logs are kept; the words are shown in full, because this is where they are read.
"""

from __future__ import annotations

import logging

from services.notify.channels import Message, Result, Sent

log = logging.getLogger(__name__)


class Console:
    async def send(self, message: Message) -> Result:
        log.info("to %s (%s): %s", masked(message.to), message.kind, message.text)
        return Sent()

    async def close(self) -> None:
        """Nothing to close."""


def masked(address: str) -> str:
    """138****1234; of short ones only the first character is left."""
    if len(address) >= 8:
        return f"{address[:3]}****{address[-4:]}"
    return f"{address[:1]}****"
