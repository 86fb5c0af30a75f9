"""Notify's environment."""

from __future__ import annotations

from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Literal

from joserfc.jwk import ECKey
from pydantic import Field

from shared.keys import DEMO_MARK, KeyFileError, Secret, read_secrets, read_signing_keys
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`SMTP_HOST`, `SMS_GATEWAY_URL`, `RESIDENT_WEBHOOK_URL` and `VAPID_KEY_FILE` open those channels. Residents are
    texted where a gateway is set, else told over the webhook; without either what they would be sent is shown in the
    log, and in production counts as not sent. Webhooks and texts need `WEBHOOK_SECRET_FILE` (`python -m shared.keys
    secret`), pushing `VAPID_KEY_FILE` (`python -m shared.keys signing`)."""

    needs = frozenset({"internal_token_file", "master_key_file"})

    time_zone: str = Field(default="Asia/Shanghai", description="in which times are written in messages")

    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password_file: Path | None = None
    smtp_sender: str = "yike@localhost"

    resident_webhook_url: str | None = Field(default=None, description="a city's message gateway")
    webhook_secret_file: Path | None = None
    sms_gateway_url: str | None = Field(
        default=None, description="services/notify/channels/sms.py says what it speaks"
    )

    vapid_key_file: Path | None = Field(default=None, description="a JWK set with one private ES256 key")
    vapid_contact: str | None = Field(
        default=None, description="mailto:… or https://…, for the push services"
    )
    webpush_hosts: str = Field(
        default="fcm.googleapis.com *.push.services.mozilla.com *.push.apple.com *.notify.windows.com",
        description="push services that may be posted to, with spaces between; * stands for any name in front",
    )
    devices_per_person_max: int = Field(default=10, ge=1)

    quiet_hours: str = Field(
        default="22:00-07:00",
        pattern=r"^(off|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)$",
        description="in TIME_ZONE, for residents and for whoever chose none; off for none",
    )

    smtp_rows_per_second: float | None = Field(
        default=None, gt=0, description="no limit if unset; per process"
    )
    sms_rows_per_second: float | None = Field(default=None, gt=0)
    webhook_rows_per_second: float | None = Field(default=None, gt=0)
    webpush_rows_per_second: float | None = Field(default=None, gt=0)
    circuit_failures_max: int = Field(
        default=10, ge=1, description="in circuit_period_seconds, then it opens"
    )
    circuit_period_seconds: float = Field(default=60.0, gt=0)
    circuit_open_seconds: float = Field(default=30.0, gt=0, description="then one message tries")

    send_timeout_seconds: float = Field(default=4.0, gt=0)
    send_lease_seconds: float = Field(
        default=30.0, gt=0, description="a message whose sender died is sent again after it"
    )
    send_at_once_max: int = Field(default=16, ge=1, description="messages in flight per channel")
    retry_first_seconds: float = Field(default=1.0, gt=0)
    retry_longest_seconds: float = Field(default=300.0, gt=0)
    give_up_after_hours: float = Field(
        default=24.0, gt=0, description="of trying one message; what it speaks of may be over before"
    )
    alarm_rings_again_seconds: float = Field(
        default=30.0, ge=1, description="while nobody has answered an SOS"
    )

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

    @cached_property
    def vapid_key(self) -> ECKey | None:
        return read_signing_keys(self.vapid_key_file)[0] if self.vapid_key_file else None

    @property
    def quiet(self) -> tuple[time, time] | None:
        """From when until when residents, and whoever chose nothing else, are left alone."""
        if self.quiet_hours == "off":
            return None
        starts, _, ends = self.quiet_hours.partition("-")
        return time.fromisoformat(starts), time.fromisoformat(ends)

    @property
    def receipts_url(self) -> str:
        return f"{self.public_url.rstrip('/')}/api/notify/receipts"

    @property
    def smtp_password(self) -> str | None:
        return self.smtp_password_file.read_text().strip() if self.smtp_password_file else None

    def _faults(self) -> list[str]:
        return [*super()._faults(), *self._webhook_faults(), *self._vapid_faults()]

    def _webhook_faults(self) -> list[str]:
        if self.webhook_secret_file is None:
            needed = {
                "RESIDENT_WEBHOOK_URL": self.resident_webhook_url,
                "SMS_GATEWAY_URL": self.sms_gateway_url,
            }
            return [
                f"WEBHOOK_SECRET_FILE is missing: {name} needs it to sign with."
                for name, url in needed.items()
                if url
            ]
        try:
            secrets = read_secrets(self.webhook_secret_file)
        except KeyFileError as wrong:
            return [f"WEBHOOK_SECRET_FILE: {wrong}."]
        if not self.demo_is_allowed and any(secret.is_demo for secret in secrets):
            return ["WEBHOOK_SECRET_FILE holds a demo key, refused in production."]
        return []

    def _vapid_faults(self) -> list[str]:
        if self.vapid_key_file is None:
            return []
        try:
            key = read_signing_keys(self.vapid_key_file)[0]
        except KeyFileError as wrong:
            return [f"VAPID_KEY_FILE: {wrong}."]
        if not self.demo_is_allowed and (key.kid or "").startswith(DEMO_MARK):
            return ["VAPID_KEY_FILE holds a demo key, refused in production."]
        return []
