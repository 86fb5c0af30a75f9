"""What registry is told by its environment, beside what every service is told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    needs: ClassVar[frozenset[str]] = frozenset({"signing_key_file", "internal_token_file"})

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
    hashes_at_once: int = Field(default=2, ge=1, description="64 MiB of memory and one core each")
    hashes_waiting_max: int = Field(default=64, ge=1, description="further sign-ins are told to come back")
