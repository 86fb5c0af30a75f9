"""Every kind of thing is read, changed, retired and looked back on in one way."""

from __future__ import annotations

import asyncio
from datetime import time
from typing import Any

import pytest

from services.registry.rules.things import ORDER, PLURAL, Thing, id_of
from shared.database import Database
from shared.things import DutyList, Grant, OpeningHours, PolicyUse, PostHeld, Snippet, WordList
from shared.vocabulary import Post, Role, Urgency
from tests.registry.conftest import everything
from tests.registry.things.conftest import Ask, put, retire, set_clock
from tests.registry.things.town import (
    CALENDAR,
    ELECTRICS,
    KEEPER,
    KNOWN,
    LAMP,
    NOON,
    a_shift,
    a_unit,
    hours,
    named,
)

EXAMPLES: dict[str, Thing] = {
    "calendars": CALENDAR,
    "policies": KNOWN.policies["routine"],
    "units": a_unit("house-1", "grid-x1"),
    "people": KNOWN.people["p-w"],
    "skills": ELECTRICS,
    "roles": KEEPER,
    "categories": LAMP,
    "shifts": a_shift("s-1", "p-a", "grid-x1"),
    "policy_uses": PolicyUse(id="winter", policy_id="routine", unit_id="grid-x1", valid_from=NOON),
    "duty_lists": DutyList(id="duties-x", unit_id="community-x", category_codes=("lamp",)),
    "word_lists": WordList(id="danger", words=("着火",), urgency=Urgency.EMERGENCY),
    "snippets": Snippet(id="hours", title=named("时间"), text=named("周一至周五"), category_code="lamp"),
}
FOR_A_SUBTREE = {"units", "people", "shifts", "policy_uses", "duty_lists"}
KINDS = [PLURAL[kind] for kind in ORDER]


def path_of(kind: str, thing: Thing | None = None) -> str:
    path = f"/{kind.replace('_', '-')}"
    return f"{path}/{id_of(thing)}" if thing is not None else path


def body_of(thing: Thing) -> dict[str, Any]:
    body: dict[str, Any] = thing.model_dump(mode="json")
    return body


@pytest.mark.parametrize("kind", KINDS)
async def test_a_thing_is_put_read_listed_and_looked_back_on(ask: Ask, kind: str) -> None:
    admin, thing = ask("p-admin"), EXAMPLES[kind]
    made = await put(admin, path_of(kind, thing), body_of(thing))
    assert made.status_code == 200, made.text

    one = await admin.get(path_of(kind, thing))
    assert one.json() == body_of(thing)
    listed = (await admin.get(path_of(kind), params={"limit": 500})).json()["items"]
    assert body_of(thing) in listed
    history = (await admin.get(f"{path_of(kind, thing)}/history")).json()
    assert history["items"][0]["state"] == body_of(thing)
    assert f'"{history["items"][0]["revision"]}"' == one.headers["etag"]
    assert history["items"][-1]["changed"] == []


@pytest.mark.parametrize("kind", KINDS)
async def test_who_does_not_administer_it_changes_nothing(ask: Ask, kind: str) -> None:
    thing = EXAMPLES[kind]
    await put(ask("p-admin"), path_of(kind, thing), body_of(thing))

    for somebody in ("p-a", "p-reader"):
        assert (await ask(somebody).put(path_of(kind, thing), json=body_of(thing))).status_code == 403
        assert (await ask(somebody).post(f"{path_of(kind, thing)}/retire")).status_code == 403
    another = thing.model_copy(update={"code" if kind == "categories" else "id": "another"})
    if kind == "roles":  # no two are called alike
        another = another.model_copy(update={"name": named("another")})
    if kind in FOR_A_SUBTREE:
        answer = await retire(ask("p-admin-x"), path_of(kind, thing))
    else:
        answer = await ask("p-admin-x").put(path_of(kind, another), json=body_of(another))
    assert answer.status_code == (200 if kind in FOR_A_SUBTREE else 403), answer.text


@pytest.mark.parametrize("kind", KINDS)
async def test_who_works_here_reads_it_and_its_past(ask: Ask, kind: str) -> None:
    thing = EXAMPLES[kind]
    await put(ask("p-admin"), path_of(kind, thing), body_of(thing))
    about_people = kind in ("people", "shifts")

    for path in (path_of(kind), path_of(kind, thing), f"{path_of(kind, thing)}/history"):
        assert (await ask("p-a").get(path)).status_code == 200
        assert (await ask("p-reader").get(path)).status_code == (403 if about_people else 200)


async def test_the_past_tells_who_changed_what_and_when(ask: Ask, town: Database) -> None:
    admin, house = ask("p-admin-x"), a_unit("house-1", "grid-x1")
    await admin.put("/units/house-1", json=body_of(house))
    await set_clock(town, NOON + hours(1))
    moved = house.model_copy(update={"parent_id": "grid-x2", "households": 12})
    await put(ask("p-admin"), "/units/house-1", body_of(moved))

    now, first = (await admin.get("/units/house-1/history")).json()["items"]
    assert (now["actor"]["person_id"], now["changed"]) == ("p-admin", ["parent_id", "households"])
    assert (first["actor"]["person_id"], first["state"]) == ("p-admin-x", body_of(house))
    assert (first["at"], now["at"]) == ("2026-11-20T04:00:00Z", "2026-11-20T05:00:00Z")
    page = (await admin.get("/units/house-1/history", params={"limit": 1})).json()
    assert [item["changed"] for item in page["items"]] == [["parent_id", "households"]]
    older = await admin.get("/units/house-1/history", params={"before": page["next_before"]})
    assert older.json() == {"items": [first], "next_before": None}


async def test_a_colleagues_past_does_not_show_where_they_live(ask: Ask) -> None:
    worker = KNOWN.people["p-w"].model_copy(update={"email": "w@example.org"})
    await put(ask("p-admin"), "/people/p-w", body_of(worker))

    seen = (await ask("p-a").get("/people/p-w/history")).json()["items"]
    assert {item["state"]["email"] for item in seen} == {None}
    own = (await ask("p-w").get("/people/p-w/history")).json()["items"]
    assert own[0]["state"]["email"] == "w@example.org"


async def test_what_nobody_knows_has_no_past(ask: Ask) -> None:
    admin = ask("p-admin")
    assert (await admin.get("/units/nowhere/history")).status_code == 404
    assert (await admin.post("/units/nowhere/retire")).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
async def test_who_changes_what_there_is_says_what_they_read(ask: Ask, kind: str) -> None:
    """New things need no version; of two who read the same one, the later is told."""
    admin, thing = (
        ask("p-admin"),
        EXAMPLES[kind].model_copy(update={"code" if kind == "categories" else "id": "new"}),
    )
    path, body = path_of(kind, thing), body_of(thing)
    for read in ("*", '"1"'):
        nothing_there = await admin.put(path, json=body, headers={"If-Match": read})
        assert (nothing_there.status_code, nothing_there.json()["code"]) == (412, "changed-meanwhile")
    made = await admin.put(path, json=body)
    assert made.status_code == 200, made.text

    for act in (admin.put(path, json=body), admin.post(f"{path}/retire")):
        silent = await act
        assert (silent.status_code, silent.json()["code"]) == (428, "if-match-needed")
        assert "ETag" in silent.json()["detail"]
    read = (await admin.get(path)).headers["etag"]
    same = await admin.put(path, json=body, headers={"If-Match": f'"0", {read}'})
    assert (same.status_code, same.headers["etag"]) == (200, read), "nothing changed"
    retired = await admin.post(f"{path}/retire", headers={"If-Match": read})
    assert retired.status_code == 200, retired.text
    late = await admin.put(path, json=body, headers={"If-Match": read})
    assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
    assert (await admin.get(path)).headers["etag"] == retired.headers["etag"]


async def test_of_two_who_change_the_same_version_at_once_one_is_told(ask: Ask) -> None:
    read = {"If-Match": (await ask("p-admin").get("/units/grid-x1")).headers["etag"]}

    async def counts(households: int) -> int:
        body = body_of(KNOWN.units["grid-x1"].model_copy(update={"households": households}))
        return (await ask("p-admin").put("/units/grid-x1", json=body, headers=read)).status_code

    answers = await asyncio.gather(*(counts(households) for households in range(1, 6)))
    assert sorted(answers) == [200, 412, 412, 412, 412]


async def test_opening_hours_skills_and_posts_have_a_past(ask: Ask) -> None:
    """Fields of units and people: whatever changes is told by its name."""
    unit = KNOWN.units["grid-x1"].model_copy(
        update={"opening_hours": (OpeningHours(weekday=1, opens=time(8, 30), closes=time(12)),)}
    )
    person = KNOWN.people["p-w"].model_copy(
        update={
            "skills": ("electrics",),
            "posts": (PostHeld(post=Post.B, unit_id="grid-x2"),),
            "grants": (Grant(role=Role.GRID_WORKER, unit_id="grid-x2"),),
        }
    )
    for path, thing, changed in (
        ("/units/grid-x1", unit, ["opening_hours"]),
        ("/people/p-w", person, ["grants", "posts", "skills"]),
    ):
        assert (await put(ask("p-admin-x"), path, body_of(thing))).status_code == 200
        newest = (await ask("p-admin-x").get(f"{path}/history")).json()["items"][0]
        assert (newest["changed"], newest["actor"]["person_id"]) == (changed, "p-admin-x")


async def test_what_is_retired_stays_readable_and_leaves_the_lists(ask: Ask) -> None:
    admin = ask("p-admin")
    await admin.put("/units/house-1", json=body_of(a_unit("house-1", "grid-x1")))
    before = (await admin.get("/units/house-1")).headers["etag"]

    late = await admin.post("/units/house-1/retire", headers={"If-Match": '"1"'})
    assert late.status_code == 412
    retired = await admin.post("/units/house-1/retire", headers={"If-Match": before})
    assert retired.status_code == 200
    assert (await admin.get("/units/house-1")).json()["retired_at"] == "2026-11-20T04:00:00Z"
    listed = {unit["id"] for unit in (await admin.get("/units")).json()["items"]}
    assert "house-1" not in listed
    every = (await admin.get("/units", params={"retired": True})).json()["items"]
    assert "house-1" in {unit["id"] for unit in every}


@pytest.mark.parametrize(
    ("kind", "id", "first", "codes"),
    [
        ("units", "community-x", [], {"has-units-below", "has-people"}),
        ("units", "grid-x2", [("shifts", a_shift("s", "p-a", "grid-x2"))], {"has-shifts"}),
        ("units", "grid-x2", [("shifts", a_shift("s", "p-a", "grid-x2", -9, -1))], set()),
        (
            "units",
            "grid-x2",
            [("duty_lists", DutyList(id="d", unit_id="grid-x2", category_codes=()))],
            {"has-duty-list"},
        ),
        (
            "units",
            "grid-x2",
            [("policy_uses", PolicyUse(id="u", policy_id="routine", unit_id="grid-x2", valid_from=NOON))],
            {"has-policy-uses"},
        ),
        (
            "units",
            "grid-x2",
            [("categories", LAMP.model_copy(update={"rightful_unit_id": "grid-x2"}))],
            {"is-rightful-unit"},
        ),
        ("people", "p-a", [("shifts", EXAMPLES["shifts"])], {"has-shifts"}),
        ("people", "p-a", [], set()),
        ("policies", "routine", [("policy_uses", EXAMPLES["policy_uses"])], {"policy-in-use"}),
        (
            "categories",
            "lamp",
            [("duty_lists", EXAMPLES["duty_lists"]), ("snippets", EXAMPLES["snippets"])],
            {"on-duty-list", "has-snippets"},
        ),
        (
            "skills",
            "electrics",
            [("people", KNOWN.people["p-w"].model_copy(update={"skills": ("electrics",)}))],
            {"skill-in-use"},
        ),
        (
            "skills",
            "electrics",
            [("categories", LAMP.model_copy(update={"skills_wanted": ("electrics",)}))],
            {"skill-in-use"},
        ),
        ("skills", "electrics", [], set()),
        ("calendars", "cn", [], {"calendar-in-use"}),
        ("word_lists", "danger", [("word_lists", EXAMPLES["word_lists"])], set()),
    ],
)
async def test_a_refusal_names_what_still_hangs_on_it(
    ask: Ask, kind: str, id: str, first: list[tuple[str, Thing]], codes: set[str]
) -> None:
    admin = ask("p-admin")
    for other, thing in first:
        made = await put(admin, path_of(other, thing), body_of(thing))
        assert made.status_code == 200, made.text

    answer = await retire(admin, f"/{kind.replace('_', '-')}/{id}")
    assert {flaw["code"] for flaw in answer.json().get("flaws", ())} == codes
    assert (answer.status_code == 200) == (not codes)


async def test_the_last_thing_that_hangs_on_it_may_go_with_it(ask: Ask) -> None:
    admin, list_ = ask("p-admin"), DutyList(id="d", unit_id="grid-x2", category_codes=("lamp",))
    await admin.put("/duty-lists/d", json=body_of(list_))
    gone = {"retired_at": "2026-11-20T04:00:00Z"}

    answer = await admin.post(
        "/changes",
        json={
            "units": [{**body_of(KNOWN.units["grid-x2"]), **gone}],
            "duty_lists": [{**body_of(list_), **gone}],
        },
    )
    assert answer.status_code == 200, answer.text


async def test_a_unit_changes_its_list_in_one_go(ask: Ask, town: Database) -> None:
    """One list is retired and the next begins in the same change: the index over living lists stays content."""
    admin, old = ask("p-admin"), DutyList(id="z-old", unit_id="grid-x2", category_codes=("lamp",))
    await admin.put("/duty-lists/z-old", json=body_of(old))
    new = DutyList(id="a-new", unit_id="grid-x2", category_codes=())
    second = await admin.put("/duty-lists/a-new", json=body_of(new))
    assert [flaw["code"] for flaw in second.json()["flaws"]] == ["second-duty-list"]

    old = old.model_copy(update={"retired_at": NOON})
    answer = await admin.post("/changes", json={"duty_lists": [body_of(new), body_of(old)]})
    assert answer.status_code == 200, answer.text
    assert (await everything(town)).duty_lists["a-new"] == new


async def test_two_grids_change_ground_with_each_other_in_one_go(ask: Ask) -> None:
    x1, x2 = KNOWN.units["grid-x1"], KNOWN.units["grid-x2"]
    moved = body_of(x1.model_copy(update={"polygon": x2.polygon}))
    alone = await put(ask("p-admin-x"), "/units/grid-x1", moved)
    assert [flaw["code"] for flaw in alone.json()["flaws"]] == ["ground-shared"]
    swapped = [
        body_of(x1.model_copy(update={"polygon": x2.polygon})),
        body_of(x2.model_copy(update={"polygon": x1.polygon})),
    ]
    assert (await ask("p-admin-x").post("/changes", json={"units": swapped})).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/units/%00", None),
        ("GET", "/units?cursor=%00", None),
        ("GET", "/units/x/history?before=9223372036854775807", None),
        ("GET", "/shifts?starts_before=2026-01-01T00:00:00", None),
        ("GET", "/shifts?starts_before=0001-01-01T00:00:00%2B14:00", None),
        ("GET", "/rosters/gaps?unit=%00", None),
        ("GET", "/rosters/gaps?unit=top&from=9999-12-31T23:59:59Z", None),
        ("PUT", "/units/x", {"id": "x", "kind": "\x00", "name": {"zh": "", "en": ""}, "parent_id": "top"}),
        (
            "PUT",
            "/shifts/x",
            {
                "id": "x",
                "person_id": "p-a",
                "unit_id": "grid-x1",
                "starts_at": "0001-01-01T00:00:00+14:00",
                "ends_at": "9999-12-31T23:59:59-12:00",
            },
        ),
    ],
)
async def test_what_cannot_be_stored_or_counted_is_refused_in_words(
    ask: Ask, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = await ask("p-admin").request(method, path, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"]
