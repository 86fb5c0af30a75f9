"""What people may ask of notify."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ReadFeed(BaseModel):
    """I have seen my feed up to this number; numbers beyond its end mean its end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to: int = Field(ge=0)
