"""Dispatch's environment."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    needs: ClassVar[frozenset[str]] = frozenset({"master_key_file", "files_url", "internal_token_file"})

    evidence_bytes_max: int = Field(default=20_971_520, ge=1024, description="one photo or file")
    positions_kept_days: int = Field(default=30, ge=1, le=30, description="where people were, then deleted")
    corrections_within_hours: int = Field(
        default=24, ge=1, description="how long whoever entered something may say that it was wrong"
    )
    people_kept_days: int = Field(
        default=90,
        ge=1,
        description="whom an ended visit or a closed mass task was about, then its key is destroyed",
    )
    hand_over_grace_minutes: int = Field(
        default=30,
        ge=0,
        description="whose next shift begins within so long keeps what they hold when a shift ends",
    )
