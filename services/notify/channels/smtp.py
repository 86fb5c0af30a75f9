"""E-mail. The idempotency key is the Message-ID, by which mail systems drop what they have already."""

from __future__ import annotations

import re
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from functools import partial

import aiosmtplib

from services.notify.channels import Message, Refused, Result, Sent, Unreachable

PERMANENT = range(500, 600)
ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
"""RFC 3463: the class, the subject and the detail of an answer, as `5.1.1`."""
ONE_LINE = policy.SMTP.clone(max_line_length=900)
"""A folded Message-ID is another one to some receivers; lines may have 998 characters."""


class Smtp:
    """One connection per message: notices are few, and a dead kept connection would look like a refusal."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        timeout_seconds: float,
        user: str | None = None,
        password: str | None = None,
        use_tls: bool = False,
        start_tls: bool | None = None,
    ) -> None:
        self._sender = sender
        self._hand_over = partial(
            aiosmtplib.send,
            hostname=host,
            port=port,
            username=user,
            password=password,
            use_tls=use_tls,
            start_tls=start_tls,
            timeout=timeout_seconds,
        )

    async def send(self, message: Message) -> Result:
        try:
            mail = self._mail(message).as_bytes()
            await self._hand_over(mail, sender=self._sender, recipients=[message.to])
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return _by_code(refused.recipients[0].code, refused.recipients[0].message)
        except aiosmtplib.SMTPResponseException as refused:
            return _by_code(refused.code, refused.message)
        except ValueError as wrong:
            return Refused(f"no mail address: {type(wrong).__name__}")
        except (aiosmtplib.SMTPException, OSError) as wrong:
            return Unreachable(type(wrong).__name__)
        return Sent()

    async def close(self) -> None:
        """Nothing is kept open."""

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(ONE_LINE)
        mail["From"], mail["To"] = self._sender, message.to
        mail["Subject"] = message.title
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{message.key}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["Content-Language"] = message.language
        mail.set_content(message.text)
        return mail


def _by_code(code: int, said: str) -> Result:
    """5xx is for good, but for a wrong password (535): that is our fault, and mended by us. What is kept of the answer
    is its codes: the sentence behind them names the mailbox."""
    enhanced = ENHANCED_CODE.match(said)
    because = f"SMTP {code} {enhanced[0]}" if enhanced else f"SMTP {code}"
    return Refused(because) if code in PERMANENT and code != 535 else Unreachable(because)
