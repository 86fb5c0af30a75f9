"""The gaps of a roster: of a subtree, of the desk, of departments and of walk-in posts, page by page."""

from __future__ import annotations

from datetime import time

import pytest

from shared.database import Database
from shared.things import OpeningHours
from tests.registry.things.conftest import Ask
from tests.registry.things.test_absences import at, hour, roster
from tests.registry.things.town import a_shift, a_unit


async def test_gaps_of_a_subtree_come_in_pages(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", 4, 8))
    params = {"unit": "community-x", "from": at(0), "to": at(12), "limit": "2"}
    seen, cursor = [], None
    while True:
        given = params if cursor is None else {**params, "cursor": cursor}
        page = (await ask("p-a").get("/rosters/gaps", params=given)).json()
        seen += [(gap["unit_id"], gap["rota"], gap["starts_at"][11:16]) for gap in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert seen == [
        ("community-x", "duty_officer", "04:00"),
        ("grid-x1", "grid", "04:00"),
        ("grid-x1", "grid", "12:00"),
        ("grid-x2", "grid", "04:00"),
    ]


async def test_pages_of_gaps_do_not_hang_on_the_zone_asked_in(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", 1, 2))
    params = {"unit": "grid-x1", "from": "2026-11-20T12:00:00+08:00", "to": at(12), "limit": "1"}
    first = (await ask("p-a").get("/rosters/gaps", params=params)).json()
    rest = await ask("p-a").get("/rosters/gaps", params={**params, "cursor": first["next_cursor"]})
    assert [hour(gap["starts_at"]) for gap in (*first["items"], *rest.json()["items"])] == [0, 2]


async def test_the_gaps_of_a_department_and_of_an_open_walk_in_post_are_shown(
    ask: Ask, town: Database
) -> None:
    hours_of_friday = (OpeningHours(weekday=5, opens=time(12), closes=time(14)),)
    post = a_unit("post-x", "community-x").model_copy(update={"opening_hours": hours_of_friday})
    await roster(town, a_unit("department-x", "community-x"), post)
    params = {"unit": "community-x", "from": at(0), "to": at(3)}
    found = (await ask("p-officer-x").get("/rosters/gaps", params=params)).json()["items"]
    shown = {(gap["unit_id"], gap["rota"], hour(gap["ends_at"])) for gap in found}
    assert {("department-x", "duty_officer", 3), ("post-x", "opening_hours", 2)} <= shown


async def test_the_desk_is_looked_at_around_the_clock(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("s", "p-operator", "desk", 0, 20))
    page = await ask("p-operator").get("/rosters/gaps", params={"unit": "desk", "from": at(0), "to": at(24)})
    assert [(gap["rota"], gap["starts_at"][11:16]) for gap in page.json()["items"]] == [("desk", "00:00")]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"unit": "nowhere"}, 404),
        ({"unit": "top", "from": at(2), "to": at(1)}, 422),
        ({"unit": "top", "to": at(24 * 32)}, 422),
        ({"unit": "top", "cursor": "x"}, 422),
        ({"unit": "top"}, 200),
    ],
)
async def test_gaps_are_asked_for_with_a_unit_and_a_period(
    ask: Ask, params: dict[str, str], status: int
) -> None:
    assert (await ask("p-a").get("/rosters/gaps", params=params)).status_code == status
    assert (await ask("p-reader").get("/rosters/gaps", params=params)).status_code == 403
