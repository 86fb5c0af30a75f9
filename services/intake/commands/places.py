"""Where something is, as people give it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from services.intake.commands.given import Command, Line


class PlaceGiven(Command):
    """WGS-84 degrees, both or neither; `label` is the address as the caller says it."""

    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    label: Line = Field(default="", max_length=200)

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("经度和纬度须同时给出 / lon and lat belong together")
        return self
