"""Dispatch's environment."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import ClassVar, Literal

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
    day_plan_seconds_max: float = Field(
        default=2.0,
        gt=0,
        le=30,
        description="how long a day's order is waited for, then it is the greedy one",
    )
    break_minutes: int = Field(default=30, ge=0, le=180, description="of a day's work; 0 plans none")
    break_from: time = Field(default=time(11, 30), description="local time from which the break may begin")
    break_until: time = Field(default=time(13, 30), description="local time by which the break has begun")
    door_minutes: int = Field(default=3, ge=1, le=60, description="planned for one person of a mass task")
    travel_model: Literal["straight", "streets", "osrm", "valhalla"] = Field(
        default="straight", description="by what the ways of those who go are timed"
    )
    travel_streets_file: Path | None = Field(
        default=None, description="an OSM extract (.osm.pbf, .osm) or a GeoPackage, for `streets`"
    )
    travel_walk_url: str | None = Field(default=None, description="the router for ways on foot")
    travel_e_bike_url: str | None = Field(default=None, description="the router for ways by e-bike")
    travel_car_url: str | None = Field(default=None, description="the router for ways by car")
    travel_box_ms: int = Field(
        default=150, ge=5, le=2000, description="what a matching waits for travel times, and no longer"
    )
    travel_router_places_max: int = Field(
        default=100, ge=12, le=10_000, description="starts and ends in one question to a router"
    )

    def _faults(self) -> list[str]:
        return [*super()._faults(), *self._travel_lacks(), *self._break_faults()]

    def _break_faults(self) -> list[str]:
        if self.break_until < self.break_from:
            return ["BREAK_UNTIL is before BREAK_FROM: the break begins between the two, on one day."]
        return []

    def _travel_lacks(self) -> list[str]:
        if self.travel_model == "streets" and self.travel_streets_file is None:
            return ["TRAVEL_MODEL=streets needs TRAVEL_STREETS_FILE: an .osm.pbf, .osm or .gpkg of the town."]
        urls = (self.travel_walk_url, self.travel_e_bike_url, self.travel_car_url)
        if self.travel_model in ("osrm", "valhalla") and not any(urls):
            return [
                f"TRAVEL_MODEL={self.travel_model} needs at least one of TRAVEL_WALK_URL, TRAVEL_E_BIKE_URL and"
                " TRAVEL_CAR_URL."
            ]
        return []
