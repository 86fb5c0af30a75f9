"""Intake's environment."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from shared.settings import ServiceSettings
from shared.vocabulary import Urgency

CONTESTED_WITHIN_DAYS = 30


def _long_enough(days: int) -> int:
    if 0 < days <= CONTESTED_WITHIN_DAYS:
        raise ValueError(f"a closed case may be contested for {CONTESTED_WITHIN_DAYS} days; give more, or 0")
    return days


Days = Annotated[int, Field(ge=0), AfterValidator(_long_enough)]


class Settings(ServiceSettings):
    """Besides what every service has: the master key that requesters' data is sealed under, and the
    store of what they attach."""

    needs: ClassVar[frozenset[str]] = frozenset({"master_key_file", "internal_token_file", "files_url"})

    registrations_per_batch_max: int = Field(default=200, ge=1, le=1000)
    registrations_waiting_max: int = Field(
        default=10_000, ge=1, description="beyond it registration answers 503"
    )
    retention_days_by_urgency: dict[Urgency, Days] = Field(
        default={Urgency.EMERGENCY: 1095, Urgency.ROUTINE: 730, Urgency.APPOINTMENT: 730},
        description="how long who asked is kept after closing; 0 keeps it for ever",
    )
    retention_days_by_category: dict[str, Days] = Field(
        default={}, description="the same for single categories, by their codes"
    )
    reports_per_source_per_minute_max: int = Field(
        default=30, ge=1, description="reports without sign-in from one address, per process; 429 beyond it"
    )
