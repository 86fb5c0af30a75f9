"""Whom somebody in danger is put through to, before anything else."""

from __future__ import annotations

from pydantic import BaseModel

from shared.things import Name
from shared.vocabulary import EmergencyService


class Transfer(BaseModel):
    """What is said first: put the caller through, or let them call, now."""

    service: EmergencyService
    number: str
    say: Name
