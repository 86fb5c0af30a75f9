"""Units and people that only a body names: whoever administers or plans one community moves nothing of another.

Each act is tried with what is one's own and with what is somebody else's, by the same person, in the same words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.registry.handlers.things import put_things
from services.registry.queries import ahead
from services.registry.queries import things as stored
from shared.database import Database
from shared.things import DutyList, PolicyUse
from shared.vocabulary import Post, Role
from tests.registry.conftest import everything
from tests.registry.things.conftest import Ask, put
from tests.registry.things.test_imports import brought_in, workbook
from tests.registry.things.town import NOON, a_person, a_shift, a_unit, hours

LATER = (NOON + hours(24)).isoformat()
UNTIL = (NOON + hours(30)).isoformat()


@dataclass(frozen=True)
class Place:
    """A community's grid, who holds its posts, and who holds none: `b` takes over from `a`."""

    community: str
    grid: str
    a: str
    b: str


X = Place("community-x", "grid-x1", "p-a", "p-b")
Y = Place("community-y", "grid-y1", "p-y", "p-y-b")
PLACES = {"own": X, "anothers": Y}


def body(thing: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = thing.model_dump(mode="json")
    return dumped


def shift(person_id: str, unit_id: str) -> dict[str, Any]:
    return body(a_shift("new", person_id, unit_id, 24, 30))


def changes(place: Place) -> dict[str, Any]:
    return {"units": [body(a_unit("house-1", place.grid))]}


def use(place: Place) -> dict[str, Any]:
    return body(PolicyUse(id="use", policy_id="routine", unit_id=place.grid, valid_from=NOON))


def duties(place: Place) -> dict[str, Any]:
    return body(DutyList(id="duties", unit_id=place.community, category_codes=("lamp",)))


def granted(place: Place) -> dict[str, Any]:
    return body(a_person("p-new", (Role.GRID_WORKER, "grid-x1"), (Role.ADMINISTRATOR, place.community)))


def posted(place: Place) -> dict[str, Any]:
    return body(a_person("p-new", (Role.GRID_WORKER, "grid-x1"), (Post.A, place.grid)))


def lent(place: Place) -> dict[str, Any]:
    grant = {"role": "administrator", "unit_id": place.community}
    return {"to_person_id": "p-w", "grants": [grant], "starts_at": NOON.isoformat(), "ends_at": LATER}


def leave(person_id: str, **more: str) -> dict[str, str]:
    return {"person_id": person_id, "starts_at": LATER, "ends_at": UNTIL, **more}


PLANNER = "p-officer-x"
Body = Callable[[Place], dict[str, Any]]
ACTS: dict[str, tuple[str, str, str, Body]] = {
    "account": ("p-admin-x", "POST", "/accounts", lambda at: {"account": "new", "person_id": at.a}),
    "password": (
        "p-admin-x",
        "PUT",
        "/accounts/new",
        lambda at: {"person_id": at.a, "password": "a long password"},
    ),
    "delegation": ("p-admin-x", "POST", "/delegations", lent),
    "act for": ("p-admin-x", "POST", "/act-for", lambda at: {"person_id": at.a, "purpose": "phone_lost"}),
    "changes": ("p-admin-x", "POST", "/changes", changes),
    "planned change": (
        "p-admin-x",
        "POST",
        "/planned-changes",
        lambda at: {"valid_from": LATER, **changes(at)},
    ),
    "planned shift": (
        "p-admin-x",
        "POST",
        "/planned-changes",
        lambda at: {"valid_from": LATER, "shifts": [shift(at.a, "grid-x1")]},
    ),
    "a unit below": ("p-admin-x", "PUT", "/units/house-1", lambda at: changes(at)["units"][0]),
    "a role": ("p-admin-x", "PUT", "/people/p-new", granted),
    "a post": ("p-admin-x", "PUT", "/people/p-new", posted),
    "a shift there": ("p-admin-x", "PUT", "/shifts/new", lambda at: shift("p-a", at.grid)),
    "a shift of theirs": ("p-admin-x", "PUT", "/shifts/new", lambda at: shift(at.a, "grid-x1")),
    "many shifts": ("p-admin-x", "POST", "/changes", lambda at: {"shifts": [shift(at.a, "grid-x1")]}),
    "a policy's use": ("p-admin-x", "PUT", "/policy-uses/use", use),
    "a duty list": ("p-admin-x", "PUT", "/duty-lists/duties", duties),
    "leave": (PLANNER, "POST", "/absences", lambda at: leave(at.a)),
    "leave by its administrator": ("p-admin-x", "POST", "/absences", lambda at: leave(at.a)),
    "a substitute": (PLANNER, "POST", "/absences", lambda at: leave("p-a", substitute_id=at.b)),
    "one's own substitute": ("p-a", "POST", "/absences", lambda at: leave("p-a", substitute_id=at.b)),
    "hand over": (PLANNER, "POST", "/shifts/s/hand-over", lambda at: {"to_person_id": at.b}),
    "hand over one's own": ("p-a", "POST", "/shifts/s/hand-over", lambda at: {"to_person_id": at.b}),
}


async def all_there_is(town: Database) -> tuple[Any, ...]:
    """Everything somebody could have changed, with how often anything was."""
    async with town.transaction() as tx:
        rows = [
            [dict(row) for row in await tx.rows(f"SELECT * FROM {table} ORDER BY id")]
            for table in ("absences", "planned_changes", "accounts")
        ]
        return await stored.revision(tx), await everything(town), rows


@pytest.fixture(autouse=True)
async def rostered(town: Database) -> None:
    counterpart = a_person("p-y-b", (Role.GRID_WORKER, "grid-y1"), (Post.B, "grid-y1"))
    async with town.transaction() as tx:
        await put_things(tx, [counterpart, a_shift("s", "p-a", "grid-x1", -1, 48)])


@pytest.mark.parametrize("whose", PLACES)
@pytest.mark.parametrize("what", ACTS)
async def test_what_a_body_names_is_ones_own_or_nothing_changes(
    ask: Ask, town: Database, what: str, whose: str
) -> None:
    who, method, path, of = ACTS[what]
    before = await all_there_is(town)

    answer = await ask(who).request(method, path, json=of(PLACES[whose]))
    if whose == "own":
        assert answer.is_success, answer.text
        return
    assert answer.status_code in (403, 409, 422), answer.text
    assert answer.json()["code"] in {"forbidden", "not-yours", "no-post-there"}
    assert await all_there_is(town) == before


@pytest.mark.parametrize(("person_id", "written"), [("p-b", 1), ("p-y", 0)])
async def test_a_roster_brought_in_names_ones_own_people_only(
    ask: Ask, town: Database, person_id: str, written: int
) -> None:
    rows = (("人员编号", "单位编号", "开始", "结束"), (person_id, "grid-x2", LATER, UNTIL))
    ended = await brought_in(ask("p-admin-x"), town, workbook(排班=rows))
    assert (ended["lines_in"], ended["lines_refused"]) == (written, 1 - written)


async def test_who_is_put_on_duty_from_outside_may_be_taken_off_again(ask: Ask, town: Database) -> None:
    """An administrator above lends somebody out; the unit's own cannot call them, but shortens and ends it."""
    lent_out = a_shift("lent", "p-y", "grid-x1", 24, 30)
    assert (await put(ask("p-admin"), "/shifts/lent", body(lent_out))).status_code == 200
    shorter = lent_out.model_copy(update={"ends_at": NOON + hours(26)})
    assert (await put(ask("p-admin-x"), "/shifts/lent", body(shorter))).status_code == 200
    ended = await ask("p-admin-x").post("/shifts/lent/retire", headers={"If-Match": "*"})
    assert ended.status_code == 200
    again = await put(ask("p-admin-x"), "/shifts/lent", body(lent_out))
    assert again.json()["code"] == "forbidden"


async def test_a_new_person_and_their_shift_come_in_one_change(ask: Ask) -> None:
    new = a_person("p-new", (Role.GRID_WORKER, "grid-x1"), (Post.WORKER, "grid-x1"))
    both = {"people": [body(new)], "shifts": [shift("p-new", "grid-x1")]}
    assert (await ask("p-admin-x").post("/changes", json=both)).status_code == 200


async def test_a_shift_is_planned_for_somebody_who_is_planned(ask: Ask, town: Database) -> None:
    new = a_person("p-new", (Role.GRID_WORKER, "grid-x1"), (Post.WORKER, "grid-x1"))
    first = {"valid_from": (NOON + hours(1)).isoformat(), "people": [body(new)]}
    then = {"valid_from": (NOON + hours(2)).isoformat(), "shifts": [shift("p-new", "grid-x1")]}
    client: httpx.AsyncClient = ask("p-admin-x")
    for plan in (first, then):
        assert (await client.post("/planned-changes", json=plan)).status_code == 201
    async with town.transaction() as tx:
        assert await ahead.plans_waiting(tx) == 2
