"""A department on a rung of the ladder: its officers own the case, and whoever goes comes from the street as ever."""

from __future__ import annotations

import pytest

from services.dispatch.rules.facts import PartState
from services.dispatch.rules.parts import street_of
from shared.events.intake import Rung
from shared.vocabulary import Level, PartRole, Post
from tests.dispatch.world import Scene

PATH = ("civil-affairs", "street", "community-a", "grid-a1")
GRID = Rung(level=Level.GRID, unit_id="grid-a1")
COMMUNITY = Rung(level=Level.COMMUNITY, unit_id="community-a")
STREET = Rung(level=Level.STREET, unit_id="street")
TOP = Rung(level=Level.CIVIL_AFFAIRS, unit_id="civil-affairs")
DEPARTMENT = Rung(level=Level.STREET, unit_id="market-regulation")
OF_THE_TOP = Rung(level=Level.CIVIL_AFFAIRS, unit_id="city-bureau")


@pytest.mark.parametrize(
    ("ladder", "path", "street"),
    [
        ((GRID, COMMUNITY, STREET, TOP), PATH, "street"),
        ((DEPARTMENT, TOP), PATH, "street"),
        ((STREET, TOP), PATH[:2], "street"),
        ((TOP,), PATH, "civil-affairs"),
        ((OF_THE_TOP,), PATH, "city-bureau"),
        ((DEPARTMENT, TOP), ("civil-affairs",), "market-regulation"),
    ],
    ids=["as usual", "on the street's rung", "the street itself", "only the top", "of the top", "no street"],
)
def test_which_street_a_case_is_matched_in(
    ladder: tuple[Rung, ...], path: tuple[str, ...], street: str
) -> None:
    assert street_of(ladder, path) == street


async def test_an_emergency_of_a_department_has_its_officer_and_somebody_of_the_street_who_goes(
    scene: Scene,
) -> None:
    case = await scene.registered(ladder=(DEPARTMENT, TOP))
    state = await scene.state(case)
    assert state.case.street_id == "street"
    owner, going = (next(p for p in state.parts if p.role is role) for role in PartRole)
    asked = await scene.offer(case, owner.id)
    assert (asked.post, asked.unit_id) == (Post.DUTY_OFFICER, "market-regulation")
    assert (going.goes, going.state) == (True, PartState.OFFERED)
    sent = await scene.offer(case, going.id)
    assert scene.database.directory.covers("street", sent.unit_id)
    assert sent.unit_id != "market-regulation"
    await scene.check_books(case)
