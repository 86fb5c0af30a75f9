"""Insight's environment."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    csv_rows_max: int = Field(
        default=100_000, ge=1, description="rows of one CSV; the rest is behind its cursor"
    )
    board_seconds: float = Field(
        default=1.0, gt=0, le=2.0, description="how often the board is looked at again"
    )
