"""What people may ask of escalation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from shared.vocabulary import EscalationReason


class Escalate(BaseModel):
    """Raise a case one level. `text` is sealed and shown to those who may see the case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: EscalationReason
    text: str | None = Field(default=None, min_length=1, max_length=2000)
