"""Notify's environment."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field

from shared.keys import KeyFileError, Secret, read_secrets
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`SMTP_HOST` and `RESIDENT_WEBHOOK_URL` open those channels; without the latter what residents would be sent is
    shown in the log, and in production counts as not sent. Webhooks need `WEBHOOK_SECRET_FILE`
    (`python -m shared.keys secret`)."""

    needs = frozenset({"internal_token_file"})

    time_zone: str = Field(default="Asia/Shanghai", description="in which times are written in messages")

    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password_file: Path | None = None
    smtp_sender: str = "yike@localhost"

    resident_webhook_url: str | None = Field(default=None, description="a city's message gateway")
    webhook_secret_file: Path | None = None

    send_timeout_seconds: float = Field(default=4.0, gt=0)
    send_lease_seconds: float = Field(
        default=30.0, gt=0, description="a message whose sender died is sent again after it"
    )
    send_attempts_max: int = Field(default=8, ge=1)
    send_at_once_max: int = Field(default=16, ge=1, description="messages in flight per channel")
    retry_first_seconds: float = Field(default=1.0, gt=0)
    retry_longest_seconds: float = Field(default=300.0, gt=0)

    feed_kept_days: int = Field(default=30, ge=1)
    feed_kept_rows: int = Field(default=1000, ge=1, description="per person")
    feed_poll_seconds: float = Field(default=0.05, gt=0)
    stream_send_timeout_seconds: float = Field(default=10.0, gt=0)
    stream_lasts_seconds_max: float = Field(
        default=900.0, gt=0, description="then the reader comes back, with a token that is still good"
    )

    @cached_property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """The secret that signs first; the others are signed with too while one is being changed."""
        return read_secrets(self.webhook_secret_file) if self.webhook_secret_file else ()

    @property
    def smtp_password(self) -> str | None:
        return self.smtp_password_file.read_text().strip() if self.smtp_password_file else None

    def _faults(self) -> list[str]:
        faults = super()._faults()
        if self.webhook_secret_file is None:
            if self.resident_webhook_url:
                faults.append("WEBHOOK_SECRET_FILE is missing: RESIDENT_WEBHOOK_URL needs it to sign with.")
            return faults
        try:
            secrets = read_secrets(self.webhook_secret_file)
        except KeyFileError as wrong:
            return [*faults, f"WEBHOOK_SECRET_FILE: {wrong}."]
        if not self.demo_is_allowed and any(secret.is_demo for secret in secrets):
            faults.append("WEBHOOK_SECRET_FILE holds a demo key, refused in production.")
        return faults


_in_use: Settings | None = None


def use(settings: Settings | None) -> None:
    """Say which settings this process runs with; `None` goes back to the environment's."""
    global _in_use
    _in_use = settings


def current() -> Settings:
    """The settings of this process: handlers are called by the inbox, which knows none."""
    if _in_use is None:
        use(Settings())
    assert _in_use is not None
    return _in_use
