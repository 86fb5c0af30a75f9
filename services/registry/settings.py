"""What registry is told by its environment, beside what every service is told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    needs: ClassVar[frozenset[str]] = frozenset(
        {"signing_key_file", "internal_token_file", "master_key_file"}
    )

    access_token_minutes: int = Field(
        default=15, ge=1, le=60, description="how long a revoked person may go on"
    )
    refresh_token_days: int = Field(
        default=30, ge=1, le=365, description="signed out after so long without use"
    )
    lost_answer_seconds: int = Field(
        default=60,
        ge=0,
        le=600,
        description="how long a phone may repeat a refresh whose answer it never got",
    )
    sign_in_tries_max: int = Field(default=5, ge=1, description="wrong passwords before an account is locked")
    sign_in_tries_within_minutes: int = Field(default=15, ge=1)
    sign_in_locked_minutes: int = Field(
        default=15, ge=1, description="how long it takes no password, right or wrong"
    )
    sign_in_refused_after_ms: int = Field(
        default=250,
        ge=0,
        le=5000,
        description="no refusal is faster, so that its time does not tell why it was refused",
    )
    one_time_password_hours: int = Field(default=24, ge=1, le=168)
    acting_minutes: int = Field(
        default=10, ge=1, le=60, description="how long an administrator's token for somebody else is good"
    )
    hashes_at_once: int = Field(default=2, ge=1, description="64 MiB of memory and one core each")
    hashes_waiting_max: int = Field(default=64, ge=1, description="further sign-ins are told to come back")
