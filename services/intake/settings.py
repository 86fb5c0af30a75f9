"""Intake's environment."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Besides what every service has: the master key that requesters' data is sealed under."""

    needs: ClassVar[frozenset[str]] = frozenset({"master_key_file", "internal_token_file"})

    registrations_per_batch_max: int = Field(default=200, ge=1, le=1000)
    registrations_waiting_max: int = Field(
        default=10_000, ge=1, description="beyond it registration answers 503"
    )
    reports_per_source_per_minute_max: int = Field(
        default=30, ge=1, description="reports without sign-in from one address, per process; 429 beyond it"
    )
