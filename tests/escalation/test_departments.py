"""A department on a rung of the ladder is skipped as every unit is, and never for its community's duty list."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.escalation.handlers.ground import stations
from services.registry.demo.units import units
from shared.directory import Directory
from shared.events.intake import Rung
from shared.things import DutyList, Name, Person, PostHeld, Shift
from shared.vocabulary import Level, Post, Urgency
from tests.escalation.story import START

OFFICE_OF_A = "clinic-of-community-a"
DEPARTMENT = Rung(level=Level.STREET, unit_id="market-regulation")
OF_THE_COMMUNITY = Rung(level=Level.COMMUNITY, unit_id=OFFICE_OF_A)
COMMUNITY = Rung(level=Level.COMMUNITY, unit_id="community-a")


def a_directory(unit_id: str, *, officer: bool, on_duty: bool) -> Directory:
    """With a department under community-a; the unit has an officer, or one on duty, or neither."""
    known = {unit.id: unit for unit in units(1)}
    known[OFFICE_OF_A] = known["market-regulation"].model_copy(
        update={"id": OFFICE_OF_A, "parent_id": "community-a"}
    )
    held = PostHeld(post=Post.DUTY_OFFICER, unit_id=unit_id)
    person = Person(id="p-1", name=Name(zh="值班员", en="Officer"), posts=(held,) if officer else ())
    hours = timedelta(hours=4)
    shift = Shift(id="s-1", person_id="p-1", unit_id=unit_id, starts_at=START - hours, ends_at=START + hours)
    return Directory.of(
        units=list(known.values()),
        people=[person],
        shifts=[shift] if on_duty else [],
        duty_lists=[
            DutyList(
                id="d", unit_id="community-a", name=Name(zh="清单", en="List"), category_codes=("noise",)
            )
        ],
    )


@pytest.mark.parametrize(
    ("rung", "urgency", "officer", "on_duty", "because"),
    [
        (DEPARTMENT, Urgency.EMERGENCY, True, True, None),
        (DEPARTMENT, Urgency.EMERGENCY, True, False, "nobody_rostered"),
        (DEPARTMENT, Urgency.ROUTINE, True, False, None),
        (DEPARTMENT, Urgency.ROUTINE, False, False, "post_not_filled"),
        (OF_THE_COMMUNITY, Urgency.ROUTINE, True, False, None),
        (OF_THE_COMMUNITY, Urgency.EMERGENCY, True, False, "nobody_rostered"),
        (COMMUNITY, Urgency.ROUTINE, True, True, "outside_duty_list"),
    ],
)
def test_why_a_rung_is_passed_over(
    rung: Rung, urgency: Urgency, officer: bool, on_duty: bool, because: str | None
) -> None:
    directory = a_directory(rung.unit_id, officer=officer, on_duty=on_duty)
    [station] = stations(directory, (rung,), urgency, "food-safety", START)
    assert station.empty_because == because
