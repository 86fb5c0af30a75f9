"""民生驿站: where people walk in is a unit: opened, given other hours from a day on, looked back on, closed."""

from __future__ import annotations

from datetime import time
from typing import Any

from shared.database import Database
from shared.things import OpeningHours
from shared.vocabulary import Post, Role
from tests.registry.conftest import everything
from tests.registry.things.conftest import Ask, fire, put, retire, set_clock
from tests.registry.things.town import NOON, a_person, a_unit, hours

WEEK = tuple(OpeningHours(weekday=day, opens=time(9), closes=time(17)) for day in range(1, 6))
STATION = a_unit("post-x1", "community-x").model_copy(update={"kind": "post", "opening_hours": WEEK})
LONGER = (*WEEK, OpeningHours(weekday=6, opens=time(9), closes=time(12)))
PATH = "/units/post-x1"


def body(thing: Any, **changes: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = thing.model_copy(update=changes).model_dump(mode="json")
    return dumped


async def test_a_walk_in_post_lives_from_its_opening_to_its_closing(ask: Ask, town: Database) -> None:
    own = ask("p-admin-x")
    assert (await put(own, PATH, body(STATION))).status_code == 200
    assert (await put(ask("p-officer-x"), PATH, body(STATION, households=1))).status_code == 403
    overlap = OpeningHours(weekday=1, opens=time(16), closes=time(18))
    refused = await put(own, PATH, body(STATION, opening_hours=(*WEEK, overlap)))
    assert [flaw["code"] for flaw in refused.json()["flaws"]] == ["hours-overlap"]

    later = {"valid_from": (NOON + hours(24)).isoformat(), "units": [body(STATION, opening_hours=LONGER)]}
    assert (await own.post("/planned-changes", json=later)).status_code == 201
    assert (await own.get(PATH)).json()["opening_hours"] == body(STATION)["opening_hours"]
    await set_clock(town, NOON + hours(24))
    assert await fire(town) == 1
    assert (await everything(town)).units["post-x1"].opening_hours == LONGER

    keeper = a_person("p-keeper", (Role.SOCIAL_WORKER, "community-x"), (Post.STAFF, "post-x1"))
    await put(own, "/people/p-keeper", body(keeper))
    kept = await retire(own, PATH)
    assert [flaw["code"] for flaw in kept.json()["flaws"]] == ["has-people"]
    await put(own, "/people/p-keeper", body(keeper, posts=()))
    assert (await retire(own, PATH)).status_code == 200

    past = (await own.get(f"{PATH}/history")).json()["items"]
    assert [version["changed"] for version in past] == [["retired_at"], ["opening_hours"], []]
    assert {version["actor"]["person_id"] for version in past} == {"p-admin-x"}
    assert (await own.get(PATH)).json()["retired_at"] is not None
    assert "post-x1" not in {unit["id"] for unit in (await own.get("/units")).json()["items"]}
