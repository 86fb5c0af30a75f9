"""Insight's environment."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    export_rows_max: int = Field(
        default=1_000_000,
        ge=1,
        le=1_048_575,
        description="rows of one CSV or Excel file; an Excel sheet has no more",
    )
    # What is sent may be half as old already, and stays on the screen until the next.
    board_seconds: float = Field(
        default=1.0, gt=0, le=1.3, description="how often the board is looked at again"
    )
    publish_after_days: int = Field(
        default=3,
        ge=0,
        description="how long a month must be over before its figures are published for everybody",
    )
